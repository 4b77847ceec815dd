"""`kogpt map`: every format there and back, bad rows by number, a killed run that goes on, nothing overwritten."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import signal
import subprocess
import time
from pathlib import Path

import openpyxl
import pytest
from package_copy import SEVENTH, command, copy_package, run

SLOW = ["--set", 'pause={"seconds": 0.1}']


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_package(tmp_path_factory.mktemp("home"), SEVENTH)


def count(home: Path, file: Path, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return run("map", "count_letters", file, *(arguments or ("--column", "text")), home=home)


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    assert "Traceback" not in done.stderr.decode()
    assert done.stdout == b""
    return done.stderr.decode()


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def read_csv(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("encoding", "written"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp949", "utf-8-sig")]
)
def test_csv(tmp_path: Path, home: Path, encoding: str, written: str) -> None:
    path = write(tmp_path / "글.csv", 'id,text\n1,"가나\n가, ""다"""\n2,하하\n', encoding)
    done = count(home, path)
    assert done.returncode == 0, said(done)
    assert "2 rows: 2 done, 0 bad" in said(done)
    first, second = read_csv(tmp_path / "글.count_letters.csv", written)
    assert (first["id"], first["text"]) == ("1", '가나\n가, "다"')
    assert (second["count_letters.text"], second["total"], second["error"]) == ("하하", "2", "")
    assert json.loads(second["letters"]) == [{"letter": "하", "count": 2}]
    assert not list(tmp_path.glob("*.partial"))


def test_jsonl_keeps_json(tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"글": "하하", "n": [1]}\n\n{"글": "가", "total": 9}\n')
    assert count(home, path, "--column", "글").returncode == 0
    first, second = map(json.loads, (tmp_path / "a.count_letters.jsonl").read_text("utf-8").splitlines())
    assert first == {
        "글": "하하",
        "n": [1],
        "text": "하하",
        "count_letters.total": 2,
        "letters": [{"letter": "하", "count": 2}],
        "error": None,
    }
    assert (second["total"], second["count_letters.total"]) == (9, 1)


def test_xlsx_cells_stay_texts(tmp_path: Path, home: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["text", "least"], ["=1+1", 1.0], [2024, None], [None, None], ["@가", 1]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    done = count(home, tmp_path / "a.xlsx", "--column", "text", "--map", "least=least")
    assert done.returncode == 0, said(done)
    rows = list(openpyxl.load_workbook(tmp_path / "a.count_letters.xlsx").active.iter_rows())
    assert [cell.value for cell in rows[0]] == ["text", "least", "count_letters.text", "total", "letters", "error"]
    assert [row[2].value for row in rows[1:]] == ["=1+1", "2024", None, "@가"]
    assert {cell.data_type for row in rows for cell in row} <= {"inlineStr", "s", "n"}  # no formula among them
    assert json.loads(rows[4][4].value) == [{"letter": "@", "count": 1}, {"letter": "가", "count": 1}]


def test_txt_becomes_csv(tmp_path: Path, home: Path) -> None:
    done = count(home, write(tmp_path / "a.txt", "하하\n\n가나다\n"))
    assert done.returncode == 0, said(done)
    assert [(row["text"], row["total"]) for row in read_csv(tmp_path / "a.count_letters.csv")] == [
        ("하하", "2"),
        ("", ""),
        ("가나다", "3"),
    ]


@pytest.mark.parametrize(("packing", "module"), [(".gz", gzip), (".xz", lzma)])
def test_packed_files_stay_packed(tmp_path: Path, home: Path, packing: str, module) -> None:
    path = tmp_path / f"a.tsv{packing}"
    path.write_bytes(module.compress("id\ttext\n1\t가\n".encode()))
    assert count(home, path).returncode == 0
    with module.open(tmp_path / f"a.count_letters.tsv{packing}", "rt", encoding="utf-8") as file:
        assert file.read().splitlines()[1].split("\t")[:4] == ["1", "가", "가", "1"]


def test_spreadsheets_run_no_formula_that_a_function_wrote(tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "a.csv", 'text\n"=HYPERLINK(""x"")"\n@가\n-1\n')
    assert count(home, path).returncode == 0
    found = read_csv(tmp_path / "a.count_letters.csv")
    assert [row["count_letters.text"] for row in found] == ['\'=HYPERLINK("x")', "'@가", "'-1"]
    assert found[1]["text"] == "@가"  # the user's own cells are left as they were


def test_bad_rows_are_told_by_number_and_end_nothing(tmp_path: Path, home: Path) -> None:
    content = "id,text\n1,가나다\n2,\n3," + "가" * 101 + '\n4,"깨진\n5,나,다\n\n7,하하\n'
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode() + b"8,\xed\x95\n")
    done = count(home, path)
    assert done.returncode == 0, said(done)
    message = said(done)
    for number, reason in ((3, "비어 있습니다"), (4, "100자까지"), (5, "따옴표"), (6, "칸이 3개"), (9, "바이트")):
        assert any(line.startswith(f"row {number}: ") and reason in line for line in message.splitlines()), message
    assert "7 rows: 2 done, 5 bad" in message
    found = read_csv(tmp_path / "a.count_letters.csv")
    assert [bool(row["error"]) for row in found] == [False, True, True, True, True, False, False, True]
    assert [row["total"] for row in found] == ["3", "", "", "", "", "", "2", ""]


def test_the_status_is_1_when_every_row_failed(tmp_path: Path, home: Path) -> None:
    done = count(home, write(tmp_path / "a.jsonl", '{"text": 5}\n{"other": "가"}\nno json\n'))
    assert done.returncode == 1
    assert "3 rows: 0 done, 3 bad" in said(done)
    errors = [
        json.loads(line)["error"] for line in (tmp_path / "a.count_letters.jsonl").read_text("utf-8").splitlines()
    ]
    assert [error.split(":")[0] for error in errors] == ["text", "text", "JSON이 아닙니다"]


def test_a_file_with_a_header_alone_is_done(tmp_path: Path, home: Path) -> None:
    assert count(home, write(tmp_path / "a.csv", "id,text\n")).returncode == 0
    assert (tmp_path / "a.count_letters.csv").read_text() == "id,text,count_letters.text,total,letters,error\n"


@pytest.mark.parametrize(
    ("name", "content", "arguments", "message"),
    [
        ("a.csv", "id,글\n1,가\n", ["--column", "text"], "has no column 'text'. Columns: id, 글."),
        ("a.csv", "text\n가\n", ["--map", "least=most"], "has no column 'most'"),
        ("a.csv", "text\n가\n", ["--column", "text", "--map", "leest=text"], "no field 'leest'. Fields: text, least"),
        ("a.csv", "text\n가\n", ["--column", "text", "--set", "least=0"], "least: 1 이상이어야 합니다"),
        ("a.csv", "text\n가\n", ["--column", "text", "--out", "a.jsonl"], "must end in .csv"),
        ("a.csv", "text\n가\n", ["--column", "text", "--out", "nowhere/a.csv"], "cannot be written: No such file"),
        ("a.csv", "", ["--column", "text"], "is empty"),
        ("a.pdf", "text", ["--column", "text"], "Choose from: .csv"),
        ("a.xlsx", "text", ["--column", "text"], "damaged"),
    ],
)
def test_what_cannot_begin_is_told_before_the_first_row(
    tmp_path: Path, home: Path, name: str, content: str, arguments: list[str], message: str
) -> None:
    done = count(home, write(tmp_path / name, content), *arguments)
    assert done.returncode == 1
    assert message in said(done)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_unknown_function_or_file_is_a_sentence(tmp_path: Path, home: Path) -> None:
    assert "'count_letters' 말인가요?" in said(run("map", "count_leters", "a.csv", "--column", "text", home=home))
    assert "No file" in said(count(home, tmp_path / "none.csv"))


def test_nothing_is_overwritten(tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "a.csv", "text\n가\n")
    write(tmp_path / "a.count_letters.csv", "mine")
    done = count(home, path)
    assert (done.returncode, (tmp_path / "a.count_letters.csv").read_text()) == (1, "mine")
    assert "exists already" in said(done)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path, home: Path, end: signal.Signals) -> None:
    texts = ["가", "", *(f"글{n}" for n in range(10))]
    path = write(tmp_path / "a.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in texts))
    journal = tmp_path / "a.count_letters.jsonl.partial"
    process = subprocess.Popen(
        command("map", "count_letters", path, "--column", "text", *SLOW), cwd=home, stderr=subprocess.PIPE
    )
    while not journal.exists() or journal.read_bytes().count(b"\n") < 5:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(end)
    _, message = process.communicate(timeout=30)
    assert process.returncode == (130 if end == signal.SIGINT else -end)
    assert b"Traceback" not in message
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:4]) + lines[4][:9])  # as if killed in the middle of a write

    refused = count(home, path, "--column", "text", "--set", "least=2")
    assert refused.returncode == 1
    assert "differs: values was" in said(refused)

    done = count(home, path, "--column", "text", *SLOW)
    assert done.returncode == 0, said(done)
    assert "12 rows: 11 done, 1 bad (3 of them by an earlier run)" in said(done)
    found = [json.loads(line) for line in (tmp_path / "a.count_letters.jsonl").read_text("utf-8").splitlines()]
    assert [row["text"] for row in found] == texts
    assert [row["count_letters.text"] for row in found] == ["가", None, *texts[2:]]
    assert not journal.exists()


def test_a_file_that_changed_or_a_journal_that_broke_is_refused(tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "a.csv", "text\n가\n나\n")
    journal = tmp_path / "a.count_letters.csv.partial"
    run_line = {
        "function": "count_letters",
        "file": "0" * 64,
        "columns": {"text": "text"},
        "values": {},
        "base": "small",
    }
    journal.write_text(json.dumps(run_line) + '\n[2, {"total": 1}, ""]\n')
    assert "differs: file was '000" in said(count(home, path))
    journal.write_text("{}\nnot json\n")
    assert "is damaged. Delete it" in said(count(home, path))
    journal.unlink()
    assert count(home, path).returncode == 0


def test_two_runs_do_not_write_one_file(tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "a.csv", "text\n" + "가나다라마바사아자차\n" * 3)
    process = subprocess.Popen(
        command("map", "count_letters", path, "--column", "text", "--set", 'pause={"seconds": 0.2}'),
        cwd=home,
        stderr=subprocess.PIPE,
    )
    while not list(tmp_path.glob("*.partial")):
        time.sleep(0.02)
    done = count(home, path, "--column", "text", "--set", 'pause={"seconds": 0.2}')
    assert done.returncode == 1
    assert "Another run is writing" in said(done)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_without_a_column_it_is_a_usage_error(tmp_path: Path, home: Path) -> None:
    done = run("map", "count_letters", write(tmp_path / "a.csv", "text\n가\n"), home=home)
    assert done.returncode == 2
    assert "--column" in said(done)


def test_a_missing_checkpoint_ends_the_run_and_leaves_nothing(tmp_path: Path) -> None:
    """It would fail every row alike, so it is no row's fault."""
    path = write(tmp_path / "a.csv", "text\n가\n나\n")
    (tmp_path / "weights").mkdir()
    environment = {"KOGPT_WEIGHTS": str(tmp_path / "weights"), "KOGPT_BASE": "small"}
    done = run("map", "continue_text", path, "--column", "text", environment=environment)
    assert done.returncode == 1
    assert "No checkpoint 'small'" in said(done)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.csv", "weights"]
