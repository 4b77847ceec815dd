"""The `kogpt` command as a user runs it: in a process of its own, from the repository or from a copy with a seventh
function.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SEVENTH = Path(__file__).parent / "functions" / "count_letters.py"
_COPIED = ("kogpt_funcs", "demos", ".ci")


def copy_package(folder: Path, *files: Path, without: list[str] | None = None) -> Path:
    """A folder that holds a copy of the program with `files` dropped in and the functions `without` taken out."""
    for part in _COPIED:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in files:
        shutil.copy(file, folder / "kogpt_funcs")
    for name in without or []:
        (folder / "kogpt_funcs" / f"{name}.py").unlink()
    return folder


def command(*arguments: str | bytes | Path) -> list[str | bytes]:
    return [sys.executable, "-m", "kogpt_funcs", *(os.fspath(argument) for argument in arguments)]


def run(
    *arguments: str | bytes | Path, home: Path = ROOT, stdin: bytes = b"", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """`kogpt ARGUMENTS` with the package in `home`."""
    return subprocess.run(
        command(*arguments),
        cwd=home,
        input=stdin,
        capture_output=True,
        env={**os.environ, **(environment or {})},
        timeout=120,
    )
