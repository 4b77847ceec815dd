"""Data files as rows: columns mapped by name, bad rows told by their number up to a cap, never ending the reading."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Example, Special
from kogpt_funcs.training.corpus import examples
from kogpt_funcs.training.mix import Part, is_held_out, plain
from kogpt_funcs.training.sources import Source


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def render(row: dict[str, Any], rng: random.Random) -> Any:
    """A row with `text`."""
    yield Example([Special("<s>")], row["text"])


def test_a_column_is_taken_for_another(tmp_path: Path) -> None:
    source = Source(write(tmp_path / "a.csv", "score,sent\n1,가\n"), {"text": "sent"})
    assert [row.cells for row in source.read()] == [{"score": "1", "sent": "가", "text": "가"}]


def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "score,sent\n1,가\n")
    with pytest.raises(KogptError, match=r"no column 'lyrics' \(--column text=lyrics\). Columns found: score, sent\."):
        list(Source(path, {"text": "lyrics"}).read())
    source = Source(path)
    with pytest.raises(
        KogptError, match=r"no column 'text'. Columns found: score, sent. .*--column text=NAME.* A row with `text`"
    ):
        [source.render(render, row, random.Random(0)) for row in source.read()]


def test_bad_rows_are_told_up_to_a_cap_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        '{"text": "좋다"}',
        "{oops",
        '{"lyrics": "가"}',
        '{"text": null}',
        '{"text": " "}',
        '{"text": "끝"}',
        *["[1]"] * 30,
    ]
    source = Source(write(tmp_path / "a.jsonl", "\n".join(rows) + "\n"))
    found = [example.target for row in source.read() for example in source.render(render, row, random.Random(0))]
    assert found == ["좋다", "끝"]
    assert (source.rows, source.bad) == (36, 34)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 21
    assert said[0].startswith("a.jsonl, row 2: ")
    assert said[1] == "a.jsonl, row 3: no column 'text'. Skipped."
    assert said[2] == "a.jsonl, row 4: a text is wanted, not None. Skipped."
    assert said[3] == "a.jsonl, row 5: there is no text in it. Skipped."
    assert said[-1] == "a.jsonl: 14 more bad rows, 34 of 36 in all, skipped."


def test_a_file_named_twice_is_trained_on_twice_held_out_once_and_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.jsonl", "".join(f'{{"text": "{i}번째 글"}}\n' for i in range(200)) + "[1]\n")
    found = list(examples("continue_text", [Source(path), Source(path)], passes=2))
    held_out = [example.target for is_test, example in found if is_test]
    assert len(held_out) == len(set(held_out)) > 0
    assert len(found) - len(held_out) == 4 * (200 - len(held_out))
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_plain_files_are_parts_of_a_mix(tmp_path: Path) -> None:
    path = write(tmp_path / "songs.csv", "sent\n" + "".join(f"{i}번째 노래\n" for i in range(200)))
    (part,) = plain([path], {"text": "sent"})
    assert isinstance(part, Part)
    held_out = [example.target for example in part.examples(held_out=True)]
    assert held_out
    assert all(is_held_out({"text": text}) for text in held_out)
    assert len(list(part.examples(held_out=False))) + len(held_out) == 200
