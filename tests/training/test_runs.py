"""`kogpt runs`: runs as `kogpt train` records them, broken ones among them, as table, CSV and page."""

from __future__ import annotations

import csv
import html.parser
import json
import subprocess
import sys
from pathlib import Path

import pytest
from package_copy import ROOT, run

from kogpt_funcs.training import record
from kogpt_funcs.training.record import Record


def trained(
    runs: Path,
    run_name: str,
    losses: list[tuple[float | None, float]],
    *,
    strategy: str | None = None,
    day: int = 1,
    **about,
) -> Path:
    data = [{"file": "chat.jsonl", "sha256": "0" * 64, "rows": 10}]
    fields = {
        "name": "dialogue",
        "kind": "dialogue",
        "base": "base",
        "base_fingerprint": "f",
        "data": data,
        "options": {},
    } | about
    Record(**fields, strategy=strategy, started=f"2026-11-{day:02}T10:00:00+00:00").save(runs / run_name)
    for i, (train, validation) in enumerate(losses, 1):
        record.log(
            runs / run_name, step=10 * i, epoch=i / 2, tokens=100 * i, train_loss=train, validation_loss=validation
        )
    return runs / run_name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs = tmp_path / "runs"
    trained(runs, "input", [(None, 4.0), (3.5, 3.0), (3.1, 3.25)], strategy="input", day=1)
    trained(runs, "last", [(4.0, 2.9), (3.0, 2.75)], strategy="last", day=3, remark="=가장 <b>좋음</b>")
    trained(runs, "just begun", [], day=2, name="change_style", kind="adapter")
    (runs / "torn").mkdir()
    (runs / "torn" / "run.json").write_text('{"name": "dia', "utf-8")
    (runs / "odd").mkdir()
    (runs / "odd" / "run.json").write_text(
        json.dumps({"name": 1, "kind": 2, "base": 3, "base_fingerprint": 4, "data": 5, "options": 6}), "utf-8"
    )
    (runs / "nameless" / "checkpoint-10").mkdir(parents=True)
    (trained(runs, "bad curve", []) / "curve.jsonl").write_text("1\n{\n", "utf-8")
    (runs / "notes").mkdir()
    (runs / "base.log").write_text("", "utf-8")
    return runs


def table(*arguments: str | Path, status: int = 0) -> str:
    done = run("runs", *arguments)
    assert done.returncode == status, done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    return (done.stdout if status == 0 else done.stderr).decode()


def names(said: str) -> list[str]:
    return [line[:10].strip() for line in said.splitlines()[1:]]


def test_the_best_comes_first_and_the_broken_last(folder: Path) -> None:
    said = table("--folder", folder)
    assert names(said) == ["last", "input", "just begun", "bad curve", "nameless", "odd", "torn"]
    lines = said.splitlines()
    assert "4.000→3.000" in lines[1]
    assert "2.900→2.750      2.7500" in lines[1]
    assert "3.500→3.100" in lines[2]
    assert "4.000→3.250" in lines[2]
    assert "3.0000" in lines[2]  # the lowest, not the last
    assert all("broken: " in line for line in lines[4:])
    assert "has no run.json" in lines[5]


@pytest.mark.parametrize(
    ("order", "expected"), [("date", ["last", "just begun", "input"]), ("run", ["input", "just begun", "last"])]
)
def test_other_orders(folder: Path, order: str, expected: list[str]) -> None:
    assert names(table("--folder", folder, "--sort", order))[:3] == expected


def test_columns_line_up_whatever_the_script(folder: Path) -> None:
    import unicodedata

    trained(folder, "한글 이름", [(3.0, 2.0)], strategy="all")
    lines = table("--folder", folder).splitlines()
    shown = ["".join(c + ("\0" if unicodedata.east_asian_width(c) == "W" else "") for c in line) for line in lines]
    start = shown[0].index("model")
    assert {line[start - 1] for line in shown} == {" "}
    assert all(line[start] != " " for line in shown[1:5])


def test_csv_holds_every_evaluation(folder: Path, tmp_path: Path) -> None:
    table("--folder", folder, "--csv", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["run"]: row for row in csv.DictReader(file)}
    assert rows["input"] == {
        "run": "input",
        "model": "dialogue",
        "base": "base",
        "data": "chat.jsonl",
        "strategy": "input",
        "epochs": "1.50",
        "train_loss": "3.500 3.100",
        "validation_loss": "4.000 3.000 3.250",
        "best": "3.0000",
        "date": "2026-11-01 10:00",
        "remark": "",
    }
    assert len(rows) == 7


class Parsed(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [
            value or ""
            for key, value in attrs
            if key in ("src", "href", "xlink:href") and not (value or "").startswith("#")
        ]


def test_the_page_needs_nothing_else(folder: Path, tmp_path: Path) -> None:
    table("--folder", folder, "--html", tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text("utf-8")
    page = Parsed()
    page.feed(text)
    assert page.tags.count("svg") == 1  # one task has losses
    assert page.tags.count("tr") == 8
    assert page.links == []
    assert "&lt;b&gt;좋음&lt;/b&gt;" in text
    assert "<b>" not in text


def test_a_remark_stays_on_its_run(folder: Path) -> None:
    before = record.read(folder / "input")
    assert table("--folder", folder, "remark", "input", "배치를\n늘려 볼 것") == ""
    after = record.read(folder / "input")
    assert after.remark == "배치를 늘려 볼 것"
    before.remark = after.remark
    assert before == after
    assert "배치를 늘려 볼 것" in table("--folder", folder)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--folder", "no-such-folder"], "No folder no-such-folder"),
        (["remark", "nothing", "말"], "nothing has no run.json"),
        (["--folder", "{runs}", "--csv", "{runs}/no/a.csv"], "a.csv cannot be written"),
        (["--folder", "{runs}", "--html", "{runs}/no/a.html"], "a.html cannot be written"),
    ],
)
def test_wrong_use_is_told(folder: Path, arguments: list[str], sentence: str) -> None:
    assert sentence in table(*(argument.replace("{runs}", str(folder)) for argument in arguments), status=1)


def test_an_empty_folder_is_no_fault(tmp_path: Path) -> None:
    assert "No run in" in table("--folder", tmp_path)


def test_the_list_needs_no_torch(folder: Path) -> None:
    probe = f"import sys; sys.argv[1:] = ['runs', '--folder', {str(folder)!r}]\nimport kogpt_funcs.command.kogpt as c\n"
    probe += "try: c.main()\nfinally: assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, check=True)
