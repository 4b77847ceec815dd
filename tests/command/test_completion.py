"""Completion in a real bash, as docs/command.md has it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from package_copy import ROOT

from kogpt_funcs.contract.registry import names

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")

_ASK = """
eval "$(_KOGPT_COMPLETE=bash_source kogpt)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_kogpt_completion kogpt
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which `kogpt` is this checkout's."""
    folder = tmp_path_factory.mktemp("bin")
    (folder / "kogpt").write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m kogpt_funcs "$@"\n')
    (folder / "kogpt").chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("kogpt doc", ["doctor"]),
        ("kogpt c", ["call", "chat", "clean", "collect"]),
        ("kogpt call ''", names()),
        ("kogpt map change", ["change_style"]),
        ("kogpt call change_style --sty", ["--style"]),
        ("kogpt evaluate gr", ["grid"]),
    ],
)
def test_bash_completes(path: str, words: str, expected: list[str]) -> None:
    done = subprocess.run(
        ["bash", "--norc", "-c", _ASK.format(words=words)],
        capture_output=True,
        text=True,
        env={"PATH": path},
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == expected, done.stderr


def test_completing_a_command_imports_none() -> None:
    probe = "import sys; import kogpt_funcs.command.kogpt as c\n"
    probe += "try: c.main()\nfinally: print('torch' in sys.modules, 'pydantic' in sys.modules, file=sys.stderr)"
    environment = {"_KOGPT_COMPLETE": "bash_complete", "COMP_WORDS": "kogpt ", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env={**environment, "PATH": str(Path("/bin"))}, capture_output=True
    )
    assert done.stderr.split() == [b"False", b"False"]
    assert b"doctor" in done.stdout
