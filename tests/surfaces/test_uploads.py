"""A file that a visitor sends: every kind there and back, its limits, formulas, bad rows, stopping, busy models."""

from __future__ import annotations

import csv
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from pydantic import BaseModel, Field

from kogpt_funcs.contract.errors import Busy, CheckpointError, KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.data.journal import Entry
from kogpt_funcs.surfaces import rows, uploads


class Asked(BaseModel):
    text: str = Field(..., max_length=20, title="글", description="글입니다.", examples=["가"])
    times: int = Field(1, ge=1, le=9, title="번", description="번입니다.", examples=[1])


class Answer(BaseModel):
    said: str = Field(..., title="말", description="말입니다.")


busy_once = [True]


def say(input: Asked) -> Answer:
    if input.text == "busy" and busy_once:
        busy_once.pop()
        raise Busy(retry_after=0)
    if input.text == "no weights":
        raise CheckpointError("No checkpoint.")
    if input.text == "bug":
        raise ZeroDivisionError("secret")
    return Answer(said=input.text * input.times)


SAY = Function("say", "말하기", "", say, Asked, Answer, ({"text": "가"},))


def written(folder: Path, kind: str, records: list[list[str]]) -> Path:
    """The records, the first of which names the columns, as a file of the kind."""
    path = folder / f"글.{kind}"
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for record in records:
            book.active.append(record)
        book.save(path)
    elif kind == "jsonl":
        lines = (json.dumps(dict(zip(records[0], record, strict=True)), ensure_ascii=False) for record in records[1:])
        path.write_text("\n".join(lines), "utf-8")
    elif kind == "txt":
        path.write_text("\n".join(record[0] for record in records[1:]), "utf-8")
    else:
        with path.open("w", encoding="cp949", newline="") as file:
            csv.writer(file, delimiter="\t" if kind == "tsv" else ",").writerows(records)
    return path


def read(path: Path) -> list[list[str]]:
    if path.suffix == ".xlsx":
        return [["" if v is None else v for v in row] for row in openpyxl.load_workbook(path).active.values]
    if path.suffix == ".jsonl":
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [list(found[0]), *([v or "" for v in record.values()] for record in found)]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


def planned(path: Path, columns: dict[str, str]) -> rows.Plan:
    return rows.plan(SAY, uploads.opened(path)[0], columns, {})


def answered(plan: rows.Plan) -> list[uploads.Answered]:
    return list(uploads.answers(plan, threading.Event()))


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "jsonl", "txt"])
def test_every_kind_comes_back_with_its_answers(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind, [["text"], ["가"], ["나"], ["다" * 21]])
    plan = planned(path, {"text": "text"})
    out = uploads.write(plan, [answer.entry for answer in answered(plan)], tmp_path)
    assert out.name == f"글.say.{'csv' if kind == 'txt' else kind}"
    assert read(out) == [
        ["text", "said", "error"],
        ["가", "가", ""],
        ["나", "나", ""],
        ["다" * 21, "", "text: 20자까지 쓸 수 있습니다."],
    ]


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx"])
def test_no_cell_is_a_formula(tmp_path: Path, kind: str) -> None:
    evil = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "＝1"]
    path = written(
        tmp_path, kind, [["text", "=head"], *([text, text] for text in evil), ["가", "-5"], ["가", "+82.5%"]]
    )
    plan = planned(path, {"text": "text"})
    out = uploads.write(plan, [answer.entry for answer in answered(plan)], tmp_path)
    if kind == "xlsx":
        types = {cell.data_type for row in openpyxl.load_workbook(out).active.iter_rows() for cell in row if cell.value}
        assert types == {"s"}
        return
    records = read(out)
    assert records[0][1] == "'=head"
    assert all(cell == "" or cell[0] in "'가글te" for record in records[1:7] for cell in record)
    assert [record[1] for record in records[7:]] == ["-5", "+82.5%"], "a number is no formula"


def test_columns_give_fields_and_empty_cells_defaults(tmp_path: Path) -> None:
    path = written(tmp_path, "csv", [["a", "b"], ["가", "3"], ["나", ""], ["다", "x"]])
    answers = answered(planned(path, {"text": "a", "times": "b"}))
    assert [answer.entry.output for answer in answers] == [{"said": "가가가"}, {"said": "나"}, None]
    assert answers[2].entry.row == 4
    assert "정수" in answers[2].entry.error
    assert "whole number" in answers[2].english


def test_a_bug_is_told_by_its_incident_and_busy_models_are_waited_for(tmp_path: Path) -> None:
    path = written(tmp_path, "txt", [["text"], ["busy"], ["bug"], ["가"]])
    answers = answered(planned(path, {"text": "text"}))
    assert [answer.entry.output for answer in answers] == [{"said": "busy"}, None, {"said": "가"}]
    assert "secret" not in answers[1].entry.error
    assert "사건 번호" in answers[1].entry.error


def test_without_weights_no_further_row_is_tried(tmp_path: Path) -> None:
    path = written(tmp_path, "txt", [["text"], ["no weights"], ["가"]])
    with pytest.raises(CheckpointError):
        answered(planned(path, {"text": "text"}))


def test_stopping_ends_it_and_keeps_what_is_done(tmp_path: Path) -> None:
    path = written(tmp_path, "txt", [["text"], *([str(n)] for n in range(100))])
    plan, stop = planned(path, {"text": "text"}), threading.Event()
    done: list[Entry] = []
    answers: Iterator[uploads.Answered] = uploads.answers(plan, stop)
    for answer in answers:
        done.append(answer.entry)
        if len(done) == 3:
            stop.set()
    assert 3 <= len(done) < 100
    records = read(uploads.write(plan, done, tmp_path))
    assert [record[1] for record in records[1:]] == [str(n) for n in range(len(done))] + [""] * (100 - len(done))


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sharedStrings.xml", b"\0" * 200_000_000)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "text\n" + "가\n" * 2001, "2,001개"),
        ("a.csv", ",".join(f"c{n}" for n in range(201)) + "\n" + "가\n", "201개"),
        ("a.txt", "a" * 5_000_001, "5 MB"),
        ("a.csv", "text\n", "행이 없습니다"),
        ("a.csv", "", "a.csv is empty"),
        ("a.csv", "text,text\n가,나\n", "two columns called"),
        ("a.pdf", "%PDF", ".csv .tsv .jsonl .xlsx .txt"),
        ("a.csv.gz", "", ".csv .tsv .jsonl .xlsx .txt"),
        ("a.xlsx", "no zip", "a.xlsx is damaged"),
        ("bomb.xlsx", bomb, "5 MB"),
    ],
)
def test_what_is_too_large_or_no_table_gets_a_sentence(tmp_path: Path, name: str, content: object, said: str) -> None:
    path = tmp_path / name
    if callable(content):
        content(path)
    else:
        path.write_text(str(content), "utf-8")
    with pytest.raises(KogptError) as told:
        uploads.opened(path)
    assert said in told.value.message
    assert told.value.english
    assert str(tmp_path) not in told.value.message + told.value.english
