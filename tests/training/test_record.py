"""run.json and curve.jsonl: what a resume accepts, what it refuses, and what a kill leaves behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training import record, seals
from kogpt_funcs.training.record import Record


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data.csv").write_text("text\n가\n", encoding="utf-8")
    return tmp_path / "data.csv"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


def made(file: Path, **changes: Any) -> Record:
    fields = {
        "name": "continue_text",
        "kind": "adapter",
        "base": "base",
        "base_fingerprint": "abc",
        "data": record.data_files([file], {file: 1}),
        "options": {"lr": 1e-3, "epochs": 2},
    }
    return Record(**{**fields, **changes})


def checkpoint(run: Path, step: int, *, sealed: bool = True) -> Path:
    folder = run / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights" * step)
    if sealed:
        seals.seal(folder)
    return folder


def test_a_record_comes_back_as_it_was(run: Path, data: Path) -> None:
    kept = made(data, strategy="shift", remark="첫 시도")
    assert record.begin(run, kept) is None
    assert record.read(run) == kept
    assert kept.data == [{"file": "data.csv", "sha256": seals.sha256(data), "rows": 1}]
    assert {"torch", "transformers"} <= kept.versions.keys()


def test_a_folder_that_holds_a_run_is_not_taken_unasked(run: Path, data: Path) -> None:
    record.begin(run, made(data))
    with pytest.raises(KogptError, match=r"--resume.*--fresh.*--run"):
        record.begin(run, made(data))


def test_fresh_deletes_the_run_and_nothing_else(run: Path, data: Path) -> None:
    record.begin(run, made(data))
    checkpoint(run, 3)
    record.log(run, step=3, train_loss=1.0)
    (run / "notes.md").write_text("mine")
    assert record.begin(run, made(data, options={"lr": 5e-4}), "fresh") is None
    assert sorted(path.name for path in run.iterdir()) == ["notes.md", "run.json"]
    assert record.read(run).options == {"lr": 5e-4}


def test_a_resume_goes_on_from_the_newest_whole_checkpoint(run: Path, data: Path) -> None:
    record.begin(run, made(data, remark="첫 시도"))
    started = record.read(run).started
    for step in (9, 10):
        checkpoint(run, step)
    checkpoint(run, 11, sealed=False)  # what a kill leaves while a checkpoint is written
    for step in (10, 11):
        record.log(run, step=step)
    assert record.begin(run, made(data, options={"lr": 1e-3, "epochs": 9}), "resume") == run / "checkpoint-10"
    assert [line["step"] for line in record.curve(run)] == [10]
    assert (record.read(run).started, record.read(run).remark, record.read(run).options["epochs"]) == (
        started,
        "첫 시도",
        9,
    )


def test_a_checkpoint_that_lost_files_is_passed_over(run: Path, data: Path) -> None:
    record.begin(run, made(data))
    checkpoint(run, 1)
    (checkpoint(run, 2) / "model.safetensors").unlink()  # what a kill leaves while an old checkpoint is deleted
    assert seals.last_whole(run) == run / "checkpoint-1"


def test_a_checkpoint_that_changed_stops_the_resume(run: Path, data: Path) -> None:
    record.begin(run, made(data))
    checkpoint(run, 1)
    weights = checkpoint(run, 2) / "model.safetensors"
    weights.write_bytes(b"weighty" * 2)
    with pytest.raises(KogptError, match=r"checkpoint-2.model.safetensors is damaged.*--fresh"):
        record.begin(run, made(data), "resume")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"options": {"lr": 2e-3, "epochs": 2}}, "--lr was 0.001 and is now 0.002"),
        ({"base_fingerprint": "def"}, "the base was 'abc' and is now 'def'"),
        ({"name": "change_style"}, "the model was 'continue_text'"),
        ({"kind": "full"}, "the kind was 'adapter' and is now 'full'"),
        ({"data": [{"file": "other.csv", "sha256": "0" * 64, "rows": 1}]}, r"other.csv \(000000000000\)"),
    ],
)
def test_a_resume_with_anything_else_is_refused(run: Path, data: Path, changes: dict[str, Any], said: str) -> None:
    record.begin(run, made(data))
    with pytest.raises(KogptError, match=said):
        record.begin(run, made(data, **changes), "resume")


def test_what_is_no_run_is_told_in_a_sentence(run: Path, data: Path) -> None:
    with pytest.raises(KogptError, match="holds no run"):
        record.begin(run, made(data), "resume")
    checkpoint(run, 1)
    with pytest.raises(KogptError, match=r"has no run\.json"):
        record.begin(run, made(data), "resume")
    (run / "run.json").write_text("{")
    with pytest.raises(KogptError, match="cannot be read"):
        record.read(run)


def test_a_torn_last_line_of_the_curve_is_left_out(run: Path, data: Path) -> None:
    record.begin(run, made(data))
    record.log(run, step=1)
    with (run / "curve.jsonl").open("a") as file:
        file.write('{"step": 2')
    assert record.curve(run) == [{"step": 1}]
