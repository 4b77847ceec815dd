"""Fine-tuning of a tiny base: an adapter or all weights, from any file of texts, resumed bit for bit after whatever
ended it.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from package_copy import ROOT
from safetensors.torch import load_file
from tiny import songs, tiny_base, trained
from transformers import BertConfig, BertForMaskedLM, TrainerCallback

from kogpt_funcs import models
from kogpt_funcs.continue_text import ContinueTextInput, continue_text
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.models import cache
from kogpt_funcs.training import finetuning, interruption, record, seals
from kogpt_funcs.training.starting import start


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with base/ and songs.csv."""
    folder = tmp_path_factory.mktemp("finetuning")
    tiny_base(folder / "base")
    songs(folder / "songs.csv")
    return folder


@pytest.fixture(scope="module")
def straight(place: Path) -> dict[str, Any]:
    """The figures of a run in place/straight that nothing interrupted."""
    return trained(place, place / "songs.csv", "straight", epochs=3)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(next(folder.glob("*.safetensors")))


def same(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


class At(TrainerCallback):
    """Does something after a step, once."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.step, self.act, self.done = step, act, False

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.step and not self.done:
            self.done = True
            self.act()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], None]], None]:
    """`at(step, act)`: the next training does `act()` after that step."""

    def plan(step: int, act: Callable[[], None]) -> None:
        planned = At(step, act)

        def watched(trainer: Any, *rest: Any) -> None:
            trainer.add_callback(planned)
            interruption.resume(trainer, *rest)

        monkeypatch.setattr(finetuning, "resume", watched)

    return plan


def test_an_adapter_learns_and_says_so(place: Path, straight: dict[str, Any]) -> None:
    run, out = place / "straight", place / "straight-out"
    curve = record.curve(run)
    assert [line["epoch"] for line in curve] == [0, 1, 2, 3]
    assert curve[-1]["validation_loss"] < curve[0]["validation_loss"]
    assert curve[-1]["train_loss"] < curve[1]["train_loss"]
    assert curve[-1]["tokens"] == 3 * curve[1]["tokens"] > 0
    assert straight["held_out_bits_per_character"] == pytest.approx(curve[-1]["bits_per_character"], abs=1e-3)
    assert straight["steps"] == 3 * -(-straight["training_examples"] // 8)
    kept = record.read(run)
    assert (kept.kind, kept.data[0]["rows"], kept.options["column"]) == ("adapter", 150, {"text": "sent"})
    assert json.loads((out / "base.json").read_text())["fingerprint"] == kept.base_fingerprint
    samples = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    assert samples[0]["prompt"].strip()
    assert list(run.glob("runs/*/events.out.tfevents.*"))


def test_an_adapter_goes_on_from_another(place: Path, straight: dict[str, Any]) -> None:
    written = place / "straight-out"
    trained(place, place / "songs.csv", "further", epochs=1, start=str(written))
    (before, *_), (*_, after) = record.curve(place / "further"), record.curve(place / "straight")
    assert before["validation_loss"] == pytest.approx(after["validation_loss"], abs=0.02)  # it was saved in bf16
    with pytest.raises(CheckpointError, match="Give --rank 16"):
        trained(place, place / "songs.csv", "narrow", epochs=1, rank=4, start=str(written))
    elsewhere = place / "elsewhere"
    shutil.copytree(written, elsewhere)
    (elsewhere / "base.json").write_text(json.dumps({"base": "other", "fingerprint": "0" * 12}))
    with pytest.raises(CheckpointError, match="fits the base 'other'"):
        trained(place, place / "songs.csv", "wrong", epochs=1, start=str(elsewhere))


def test_all_weights_become_a_base(place: Path) -> None:
    trained(place, place / "songs.csv", "full", full=True, epochs=1)
    written = start(str(place / "full-out"))
    assert written.tokenizer.size == 8192
    assert written.fingerprint != start(str(place / "base")).fingerprint


def test_what_was_trained_for_a_function_answers_for_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.replace(weights=place, base="base")
    monkeypatch.setattr(cache, "_entries", {})

    def answer() -> tuple[str, str]:
        (found,) = continue_text(ContinueTextInput(text="학교에서", temperature=0, max_new_tokens=16)).continuations
        names = {entry["name"]: entry["adapters"] for entry in models.resident()["checkpoints"]}
        cache._entries.clear()
        return found.text, str(names)

    assert answer()[1] == str({"base": []})  # nothing has been trained for it: the base answers
    trained(place, place / "songs.csv", "adapter", epochs=8, lr=1e-2)
    shutil.copytree(place / "adapter-out", place / "base" / "continue_text")
    (adapted, loaded) = answer()
    assert "노래" in adapted
    assert loaded == str({"base": ["continue_text"]})
    trained(place, place / "songs.csv", "whole", full=True, epochs=8, lr=1e-2)
    shutil.copytree(place / "whole-out", place / "base" / "continue_text-full")
    (whole, loaded) = answer()
    assert "노래" in whole
    assert loaded == str({"base/continue_text-full": []})


@pytest.mark.usefixtures("straight")
def test_ctrl_c_keeps_the_step_and_a_resume_ends_where_a_straight_run_does(
    place: Path, at: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    at(25, lambda: os.kill(os.getpid(), signal.SIGINT))  # in the middle of the second epoch
    with pytest.raises(KeyboardInterrupt):
        trained(place, place / "songs.csv", "stopped", epochs=3)
    said = capsys.readouterr().err
    assert "Step 25 is kept in" in said
    assert "--resume goes on" in said
    assert not (place / "stopped-out").exists()
    for _ in range(2):  # the second time there is nothing left to train: the result is written again
        trained(place, place / "songs.csv", "stopped", "resume", epochs=3)
        assert same(place / "stopped-out", place / "straight-out")


_LOOP = """
import sys
from pathlib import Path
from tiny import trained
trained(Path(sys.argv[1]), Path(sys.argv[2]), "killed", sys.argv[3], epochs=3)
"""


def run_until(place: Path, mode: str, checkpoint: str, file: str = "") -> None:
    """Fine-tunes in a process of its own, and kills it as soon as `file` of that checkpoint is there."""
    command = [sys.executable, "-c", _LOOP, str(place), str(place / "songs.csv"), mode]
    paths = f"{ROOT}{os.pathsep}{Path(__file__).parents[1]}"
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths}, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (place / "killed" / checkpoint / file).exists():
        pass
    process.kill()
    process.wait()


@pytest.mark.usefixtures("straight")
@pytest.mark.parametrize(
    "file",
    ["optimizer.pt", pytest.param("", marks=pytest.mark.soak), pytest.param("seal.json", marks=pytest.mark.soak)],
)
def test_a_kill_while_a_checkpoint_is_written_costs_that_checkpoint_alone(place: Path, file: str) -> None:
    record.clear(place / "killed")
    run_until(place, "new", "checkpoint-38", file)
    kept = seals.last_whole(place / "killed")
    assert kept
    assert seals.step(kept) == (38 if seals.is_whole(place / "killed" / "checkpoint-38") else 19)
    trained(place, place / "songs.csv", "killed", "resume", epochs=3)
    assert same(place / "killed-out", place / "straight-out")


@pytest.mark.usefixtures("straight")
def test_a_full_disk_is_a_sentence_and_leaves_the_last_checkpoint(place: Path, at: Callable) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    at(20, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1])))  # the next checkpoint does not fit
    try:
        with pytest.raises(KogptError, match=r"no room left to write to .*/disk\. .*Step 19 is kept"):
            trained(place, place / "songs.csv", "disk", epochs=3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in seals.checkpoints(place / "disk")] == ["checkpoint-19"]
    trained(place, place / "songs.csv", "disk", "resume", epochs=3)
    assert same(place / "disk-out", place / "straight-out")


def test_patience_ends_a_run_that_no_longer_learns_and_the_best_weights_are_kept(place: Path) -> None:
    figures = trained(place, place / "songs.csv", "early", epochs=30, lr=0.5, patience=2)
    curve = record.curve(place / "early")
    best = min(line["bits_per_character"] for line in curve[1:])
    assert figures["steps"] < 30 * 19
    assert best == curve[-3]["bits_per_character"]
    assert figures["held_out_bits_per_character"] == pytest.approx(best, abs=1e-3)


def test_minutes_are_a_budget_too(place: Path) -> None:
    figures = trained(place, place / "songs.csv", "minutes", epochs=None, minutes=0.02)
    assert figures["steps"] == record.curve(place / "minutes")[-1]["step"] > 1
    further = trained(place, place / "songs.csv", "minutes", "resume", epochs=None, minutes=0.03)
    assert further["steps"] > figures["steps"]


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("songs.txt", "노래를 불렀다 {i}.\n", "utf-8"),
        ("songs.tsv", "{i}\t노래를 불렀다 {i}.\n", "cp949"),
        ("songs.jsonl", '{{"text": "노래를 불렀다 {i}."}}\n', "utf-8-sig"),
    ],
)
def test_texts_come_from_any_file(place: Path, name: str, text: str, encoding: str) -> None:
    header = "n\ttext\n" if name.endswith(".tsv") else ""
    (place / name).write_text(header + "".join(text.format(i=i) for i in range(12)), encoding=encoding)
    assert trained(place, place / name, f"run-of-{name}", epochs=1)["training_examples"] >= 10


def test_a_text_longer_than_the_context_is_cut_not_lost(place: Path) -> None:
    (place / "long.txt").write_text(
        "아주 긴 이야기가 끝나지 않고 이어졌다. " * 40 + "\n" + "짧은 글.\n", encoding="utf-8"
    )
    data = finetuning.read(
        "continue_text",
        [finetuning.Source(place / "long.txt")],
        start(str(place / "base")),
        finetuning.Options(epochs=1),
    )
    assert data.examples == 2
    assert len(data.train) > 4
    assert max(data.train.lengths) == 64


def broken(place: Path, what: str) -> Path:
    """A folder whose base is broken."""
    folder = place / what
    base = folder / "base"
    if what == "bert":
        BertForMaskedLM(
            BertConfig(
                vocab_size=8192, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
            )
        ).save_pretrained(base)
        (base / "tokenizer.json").write_bytes((place / "base/tokenizer.json").read_bytes())
        return folder
    tiny_base(base, **({"vocab_size": 4000} if what == "tokenizer" else {}))
    if what == "damaged":
        file = base / "model.safetensors"
        file.write_bytes(file.read_bytes()[:5000])
    if what == "layers":
        config = json.loads((base / "config.json").read_text())
        (base / "config.json").write_text(json.dumps(config | {"n_layer": 3}))
    return folder


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("bert", "has architecture 'bert'"),
        ("tokenizer", "tokenizer has 8192 entries, its weights 4000"),
        ("damaged", "cannot be loaded"),
        ("layers", r"its weights do not: they lack .* Training would start from random ones"),
    ],
)
def test_a_base_that_does_not_fit_is_told_before_a_step_is_made(place: Path, what: str, said: str) -> None:
    folder = broken(place, what)
    with pytest.raises(KogptError, match=said):
        trained(folder, place / "songs.csv")
    assert not (folder / "run").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", b"", "is empty"),
        ("empty.txt", b"", "is empty"),
        ("header.csv", b"sent\n", "No training example in header.csv: 0 readable rows"),
        (
            "blank.csv",
            b"sent,n\n  ,1\n",
            r"No training example in blank.csv: 0 readable rows. blank.csv, row 2: there is no text in it",
        ),
        ("wrong.csv", b"\xff\x00\x9c\x80\x81" * 30, "neither UTF-8 nor CP949"),
        (
            "other.csv",
            "score,가사\n1,노래\n".encode(),
            r"no column 'sent' \(--column text=sent\). Columns found: score, 가사",
        ),
        ("other.jsonl", b'{"lyrics": "a"}\n', r"row 1: no column 'text'"),
    ],
)
def test_data_that_teach_nothing_are_told(place: Path, name: str, content: bytes, said: str) -> None:
    (place / name).write_bytes(content)
    with pytest.raises(KogptError, match=said):
        trained(place, place / name, "nothing")
    assert not (place / "nothing").exists()


def test_one_row_is_enough_to_train_on(place: Path) -> None:
    (place / "one.txt").write_text("노래를 불렀다.\n", encoding="utf-8")
    assert trained(place, place / "one.txt", "one")["steps"] == 2
    with pytest.raises(KogptError, match="--patience needs held-out rows"):
        trained(place, place / "one.txt", "patient", patience=1)
