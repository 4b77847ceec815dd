"""README.md, README.en.md and docs/: their code blocks run or, where that takes too long, are at least commands that
there are; the tables of functions are the registry's. `PYTHONPATH=.:tests python
tests/end_to_end/test_readme.py` rewrites the tables.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from package_copy import ROOT
from suite_server import Server

from kogpt_funcs.command.kogpt import kogpt
from kogpt_funcs.contract import registry
from kogpt_funcs.contract.function import Function

READMES = [ROOT / "README.md", ROOT / "README.en.md"]
_DOCS = sorted(page for page in (ROOT / "docs").glob("*.md") if page.name != "stories.md")  # test_stories_doc.py has it
PAGES = [*READMES, *_DOCS, ROOT / "data" / "README.md", ROOT / "examples" / "README.md"]
_BLOCK = re.compile(
    r"^(?P<mark><!-- (?:command|place): \w+ -->\n)?```(?P<language>sh|bash|python|json)\n(?P<code>.*?)^```", re.M | re.S
)
_TABLE = re.compile(r"(?<=<!-- functions -->\n).*?(?=<!-- /functions -->)", re.S)
#: Commands that take minutes, never end, or need what a test has not: their words are checked, they are not run.
_NOT_RUN = ("serve", "train", "evaluate", "bench", "collect", "chat", "generate", "index", "prepare", "kernels")


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in `language`, without those that .ci/run or the tests of hosting run."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [match["code"] for match in found if match["language"] == language and not match["mark"]]


def of_pages(language: str) -> list[object]:
    """Every distinct block in `language`; the pages share some."""
    found = {code: page for page in reversed(PAGES) for code in blocks(page, language)}
    return [pytest.param(code, id=f"{page.name}-{number}") for number, (code, page) in enumerate(found.items())]


def lines() -> list[str]:
    """Every distinct command of the sh blocks, with its continuation lines."""
    whole = "".join(code for page in PAGES for code in blocks(page, "sh")).replace("\\\n", " ")
    return list(dict.fromkeys(_without_notes(whole).splitlines()))


def kogpt_words(line: str) -> list[str]:
    """What stands behind `kogpt` in a line, pipes and settings before it left out; empty for other commands."""
    words = shlex.split(line.rpartition("| ")[2] or line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    return words[1:] if words[:1] == ["kogpt"] else []


def runs(line: str) -> bool:
    words = kogpt_words(line)
    return line.startswith("curl ") or bool(words and words[0] not in _NOT_RUN)


def table(english: bool) -> str:
    """The functions as Markdown."""
    head = "| name | title | what it does | required |" if english else "| 이름 | 제목 | 하는 일 | 필수 항목 |"
    return "\n".join([head, "|---|---|---|---|", *(row(f, english) for f in registry.functions().values())]) + "\n"


def row(function: Function, english: bool) -> str:
    said = function.english if english else function
    required = ", ".join(f"`{name}`" for name, shape in function.fields.items() if shape.required)
    return f"| `{function.name}` | {said.title} | {' '.join(said.description.split())} | {required} |"


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_a_readme_is_short_and_its_table_is_the_registrys(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    match = _TABLE.search(text)
    assert match, f"{page.name} has no table between <!-- functions --> and <!-- /functions -->"
    assert match[0] == table(page.suffixes[0] == ".en"), (
        "Rewrite it: PYTHONPATH=.:tests python tests/end_to_end/test_readme.py"
    )
    assert text.count("\n") <= 120


def test_both_readmes_have_the_same_blocks() -> None:
    korean, english = (
        [_without_notes(match["code"]) for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))]
        for page in READMES
    )
    assert korean == english


def _without_notes(code: str) -> str:
    return re.sub(r"[ \t]+# .*", "", code)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where commands run: a folder with the repository's examples, for what they write to stay out of it."""
    place = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "examples", place / "examples")
    for name in ("data", "weights"):
        (place / name).symlink_to(ROOT / name)
    kogpt_there = place / "bin" / "kogpt"
    kogpt_there.parent.mkdir()
    kogpt_there.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m kogpt_funcs "$@"\n')
    kogpt_there.chmod(0o755)
    return place


@pytest.mark.parametrize("line", [line for line in lines() if runs(line)])
def test_commands_answer(line: str, server: Server, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", line.replace("http://127.0.0.1:7860", server.url)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "KOGPT_SERVER": server.url}
        | {"KOGPT_KEYS": str(folder / "keys.json")},
    )
    assert done.returncode == 0, done.stderr
    assert '"error"' not in done.stdout
    if done.stdout.startswith("{") and done.stdout.count("\n") == 1:
        json.loads(done.stdout)


@pytest.mark.parametrize("line", [line for line in lines() if kogpt_words(line) and not runs(line)])
def test_commands_that_are_not_run_are_such_as_there_are(
    line: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    command: click.Command | None = kogpt
    words, name, parent = kogpt_words(line), "kogpt", None
    while command:
        parent = command.make_context(name, list(words), parent=parent)
        words = [*parent._protected_args, *parent.args]
        if not isinstance(command, click.Group) or not words:
            break
        name, command, words = command.resolve_command(parent, words)
        assert command, line


@pytest.mark.parametrize("code", of_pages("python"))
def test_python_blocks_run(code: str, server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code.replace("http://127.0.0.1:7860", server.url)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", of_pages("json"))
def test_json_blocks_are_json(code: str) -> None:
    json.loads(code)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_moving_picture_is_there_and_small(page: Path) -> None:
    pictures = re.findall(r"\]\((docs/images/[\w.]+\.(?:webp|gif))\)", page.read_text(encoding="utf-8"))
    assert pictures
    assert all((ROOT / picture).stat().st_size < 2_000_000 for picture in pictures)


if __name__ == "__main__":
    for readme in READMES:
        text = readme.read_text(encoding="utf-8")
        readme.write_text(_TABLE.sub(lambda _, page=readme: table(page.suffixes[0] == ".en"), text), encoding="utf-8")
