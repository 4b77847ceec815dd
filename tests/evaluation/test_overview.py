"""The table of all functions: held-out rows alone, a column a base, and what is not there told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kogpt_funcs.command.evaluate import evaluate
from kogpt_funcs.evaluation import overview


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with emotion.tsv alone."""
    feelings = {"기쁨": "정말 기쁘고 행복한 하루였다", "슬픔": "눈물이 나고 마음이 아팠다", "일상": "회의는 세 시다"}
    rows = [f"{label}\t{text} {i}" for i in range(200) for label, text in feelings.items()]
    (tmp_path / "emotion.tsv").write_text("label\ttext\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_a_column_a_base_and_a_dash_where_there_is_nothing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = overview.measure(["small", "no/such-base"], folder, limit=40)
    assert list(found) == ["classify_emotion", "notes"]
    right = found["classify_emotion"]["six: right at the first label"]
    assert right["small"] > 0.5
    assert right.keys() == {"small", "such-base"}
    told = capsys.readouterr().err
    assert "change_style is left out" in told


def test_the_command_prints_what_it_writes(folder: Path, tmp_path: Path) -> None:
    asked = ["all", "--data", str(folder), "--base", "small", "--limit", "20", "--json", str(tmp_path / "all.json")]
    done = CliRunner().invoke(evaluate, asked)
    assert done.exit_code == 0, done.output
    written = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    value = written["classify_emotion"]["six: right at the first label"]["small"]
    assert str(value) in done.output


def test_a_folder_without_rows_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(evaluate, ["all", "--data", str(tmp_path), "--base", "small"])
    assert "has none of the files" in str(done.exception)
