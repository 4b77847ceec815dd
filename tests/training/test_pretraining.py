"""Pretraining of a tiny base from a plain text: interrupted, resumed bit for bit, and refused where it does not fit."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny import WHERE, WHO
from transformers import TrainerCallback

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training import interruption, mix, pretraining, record
from kogpt_funcs.training.loop import Budget, compiler
from kogpt_funcs.training.pretraining import Asked, Shape
from kogpt_funcs.training.starting import start


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pretraining")
    lines = [f"{WHERE[i % 3]} {WHO[i % 5]}가 노래를 {i}번 불렀다." for i in range(400)]
    (folder / "songs.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def asked(place: Path, **changes: Any) -> Asked:
    texts = [place / "songs.txt"]
    options = {
        "shape": Shape(2, 32, 2),
        "length": 32,
        "vocabulary_size": 2500,
        "budget": Budget(epochs=2),
        "batch_size": 8,
    }
    return Asked(texts, mix.plain(texts, {}), None, **{**options, **changes})


@pytest.fixture(scope="module")
def straight(place: Path) -> dict[str, float]:
    return pretraining.train_base(asked(place), place / "straight", place / "straight-out")


class Stop(TrainerCallback):
    """Ctrl-C after a step."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 25:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_resumed_run_ends_with_the_weights_of_a_straight_one(
    place: Path, straight: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def watched(trainer: Any, *rest: Any) -> None:
        trainer.add_callback(Stop())
        interruption.resume(trainer, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(pretraining, "resume", watched)
        with pytest.raises(KeyboardInterrupt):
            pretraining.train_base(asked(place), place / "run", place / "run-out")
    assert pretraining.train_base(asked(place), place / "run", place / "run-out", "resume") == straight
    one, other = (load_file(place / f"{name}-out" / "model.safetensors") for name in ("run", "straight"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_the_curve_and_the_record_say_what_was_done(place: Path, straight: dict[str, float]) -> None:
    *_, last = record.curve(place / "straight")
    assert last["tokens"] == straight["tokens_seen"] > 0
    assert last["songs"] == pytest.approx(straight["songs"], abs=1e-3)
    assert last["validation_loss"] > 0
    kept = record.read(place / "straight")
    assert (kept.kind, kept.base, kept.data[0]["file"], kept.options["layers"]) == ("base", None, "songs.txt", 2)


@pytest.mark.usefixtures("straight")
def test_a_second_base_goes_on_from_the_first(place: Path) -> None:
    found = pretraining.train_base(
        asked(place, start=str(place / "straight-out"), budget=Budget(epochs=1)), place / "second", place / "second-out"
    )
    assert found["songs"] < record.curve(place / "straight")[-1]["songs"]
    assert start(str(place / "second-out")).model.config.n_layer == 2
    with pytest.raises(KogptError, match="--length 64 is more than"):
        pretraining.train_base(
            asked(place, start=str(place / "straight-out"), length=64), place / "third", place / "third-out"
        )


@pytest.mark.usefixtures("straight")
def test_a_run_of_another_shape_does_not_resume(place: Path) -> None:
    with pytest.raises(KogptError, match="--layers was 2 and is now 3"):
        pretraining.train_base(
            asked(place, shape=Shape(3, 32, 2)), place / "straight", place / "straight-out", "resume"
        )


def test_short_runs_are_not_compiled() -> None:
    assert not compiler(Budget(minutes=1), 0)
    assert not compiler(Budget(epochs=1), 100)
