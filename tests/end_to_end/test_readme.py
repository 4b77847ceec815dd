"""README.md: its code blocks run, its table of functions is the registry's. `python tests/test_readme.py` rewrites
the table.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from package_copy import ROOT
from suite_server import Server

from kogpt_funcs.contract import registry

README = ROOT / "README.md"
_BLOCK = re.compile(
    r"^(?P<mark><!-- command: \w+ -->\n)?```(?P<language>sh|python|json)\n(?P<code>.*?)^```", re.M | re.S
)
_TABLE = re.compile(r"(?<=<!-- functions -->\n).*?(?=<!-- /functions -->)", re.S)


def blocks(language: str) -> list[str]:
    """The code blocks of README.md in `language`, without the two commands that .ci/run runs."""
    found = _BLOCK.finditer(README.read_text(encoding="utf-8"))
    return [match["code"] for match in found if match["language"] == language and not match["mark"]]


def table() -> str:
    """The functions as Markdown."""
    rows = [
        f"| `{f.name}` | {f.title} | {' '.join(f.description.split())} | "
        f"{', '.join(f'`{key}`' for key, info in f.input.model_fields.items() if info.is_required())} |"
        for f in registry.functions().values()
    ]
    return "\n".join(["| name | 이름 | what it does | required |", "|---|---|---|---|", *rows]) + "\n"


def commands() -> list[str]:
    """Every command of the sh blocks that starts with kogpt or curl, with its continuation lines."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [
        line
        for line in lines
        if line.startswith(("kogpt ", "curl ")) and not line.startswith(("kogpt serve", "kogpt train"))
    ]


def test_the_table_is_the_registrys() -> None:
    match = _TABLE.search(README.read_text(encoding="utf-8"))
    assert match, "README.md has no table between <!-- functions --> and <!-- /functions -->"
    assert match[0] == table(), "Rewrite it: python tests/test_readme.py"


@pytest.mark.parametrize("command", commands())
def test_shell_commands_answer(command: str, server: Server, tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("id,review\n1,정말 재미있어요\n2,너무 지루하다\n", encoding="utf-8")
    pairs = "".join(f"저는 {n}번 버스를 타요.\t나는 {n}번 버스를 타.\n" for n in range(200))
    (tmp_path / "pairs.tsv").write_text(f"formal\tinformal\n{pairs}", encoding="utf-8")
    kogpt = Path(sys.executable).parent / "kogpt"
    program = str(kogpt) if kogpt.exists() else f"{sys.executable} -m kogpt_funcs"
    line = re.sub(r"^kogpt ", f"{program} ", command).replace("http://127.0.0.1:7860", server.url)
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stdout
    if done.stdout.startswith("{"):
        json.loads(done.stdout)


@pytest.mark.parametrize("code", blocks("python"))
def test_python_blocks_run(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", blocks("json"))
def test_json_blocks_are_json(code: str) -> None:
    json.loads(code)


def test_every_link_to_a_file_leads_there() -> None:
    text = README.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)]+)\)", text)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


if __name__ == "__main__":
    README.write_text(_TABLE.sub(lambda _: table(), README.read_text(encoding="utf-8")), encoding="utf-8")
