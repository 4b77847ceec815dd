"""`kogpt train` from nothing to four answering functions: a tiny base, adapters and a classifier, on rows made here."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from package_copy import ROOT

from kogpt_funcs.command.kogpt import _run
from kogpt_funcs.contract import settings

WHO = ["고양이", "강아지", "친구", "선생님", "할머니", "동생", "이웃", "가수", "배우", "감독"]
DID = ["노래를 불렀다", "밥을 먹었다", "책을 읽었다", "길을 걸었다", "영화를 보았다", "편지를 썼다", "문을 열었다"]
WHERE = ["학교에서", "집에서", "시장에서", "바다에서", "산에서", "공원에서", "극장에서"]
TINY = ["--layers", "1", "--width", "32", "--heads", "2", "--length", "64", "--vocabulary", "2500", "--batch-size", "4"]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with small data files and a mix."""
    folder = tmp_path_factory.mktemp("training")
    rng = random.Random(0)
    said = [(rng.choice(WHERE), rng.choice(WHO), rng.choice(DID), i) for i in range(400)]
    lines(folder / "stories.jsonl", [{"text": f"{w} {a}가 {d}. {i}번째 날이었다."} for w, a, d, i in said])
    lines(
        folder / "comments.jsonl",
        [{"text": f"{w} 본 {a} 연기가 좋았다 {i}", "rating": i % 10 + 1, "topic": a} for w, a, _, i in said],
    )
    lines(folder / "chat.jsonl", [{"turns": [f"{w} 뭐 했어? {i}", f"{a}와 {d}."]} for w, a, d, i in said])
    lines(
        folder / "emotion.jsonl",
        [{"text": f"{w} {d} {i}", "labels": ["기쁨"] if i % 2 else ["슬픔", "절망"]} for w, _, d, i in said],
    )
    rows = [f"{w} {a}를 보았습니다 {i}\t{w} {a}를 봤어 {i}\t{w} {a}를 보았소 {i}" for w, a, _, i in said]
    (folder / "style.tsv").write_text("\n".join(["formal\tinformal\tking", *rows]) + "\n", encoding="utf-8")
    (folder / "mix.toml").write_text(
        'vocabulary = ["stories.jsonl", "comments.jsonl"]\n'
        '[[part]]\nfile = "stories.jsonl"\nfunction = "continue_text"\ngroup = "stories"\n'
        '[[part]]\nfile = "comments.jsonl"\nfunction = "write_comment"\ngroup = "comments"\n'
        '[[part]]\nfile = "chat.jsonl"\nfunction = "dialogue"\ngroup = "dialogue"\n',
        encoding="utf-8",
    )
    return folder


class Done(NamedTuple):
    """What a command left: the parts of subprocess.CompletedProcess that are looked at."""

    returncode: int
    stdout: str
    stderr: str


def train(place: Path, *arguments: str) -> Done:
    """`kogpt train ARGUMENTS` in this process: torch starts once, not twenty times."""
    out, err = io.StringIO(), io.StringIO()
    with (
        settings.using(weights=place / "weights"),
        contextlib.chdir(place),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = _run(["train", *arguments])
    return Done(status, out.getvalue(), err.getvalue())


def kogpt(place: Path, *arguments: str) -> Done:
    """`kogpt ARGUMENTS` in a process of its own, which has its own models."""
    done = subprocess.run(
        [sys.executable, "-m", "kogpt_funcs", *arguments],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "KOGPT_WEIGHTS": str(place / "weights"), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    return Done(done.returncode, done.stdout, done.stderr)


def figures(done: Done) -> dict[str, Any]:
    """The JSON on stdout: nothing else may be there."""
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def trained(place: Path) -> dict[str, dict[str, Any]]:
    """Figures of a base that was trained, stopped and resumed, and of every function's checkpoint on it."""
    base = ["base", "--data", str(place), "--mix", str(place / "mix.toml"), *TINY]
    found = {
        "first": figures(train(place, *base, "--minutes", "0.08")),
        "base": figures(train(place, *base, "--minutes", "0.16", "--resume")),
    }
    for name, file in (
        ("change_style", "style.tsv"),
        ("write_comment", "comments.jsonl"),
        ("classify_emotion", "emotion.jsonl"),
    ):
        options = ["--data", str(place / file), "--minutes", "0.05", "--batch-size", "8"]
        found[name] = figures(train(place, name, *options))
    return found


def test_a_resumed_base_goes_on_where_it_stopped(trained: dict[str, dict[str, Any]], place: Path) -> None:
    assert trained["base"]["tokens_seen"] > trained["first"]["tokens_seen"] > 0
    assert trained["base"]["stories"] < trained["first"]["stories"] + 0.5
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        p.name for p in (place / "weights/small").iterdir()
    }


@pytest.mark.usefixtures("trained")
def test_a_base_may_start_from_another_ones_weights(trained: dict[str, dict[str, Any]], place: Path) -> None:
    options = ["--run", "runs/second", "--out", "second", "--minutes", "0.01", *TINY, "--layers", "2"]
    second = figures(
        train(place, "base", "--data", str(place), "--mix", str(place / "mix.toml"), "--start", "small", *options)
    )
    assert (
        second["stories"] < 2 * trained["first"]["stories"]
    )  # half a second from scratch would leave it thrice as high
    assert json.loads((place / "second/config.json").read_text())["n_layer"] == 1  # the shape is the starting one's
    assert (place / "second/tokenizer.json").read_bytes() == (place / "weights/small/tokenizer.json").read_bytes()


def test_adapters_name_the_weights_they_fit(trained: dict[str, dict[str, Any]], place: Path) -> None:
    for name in ("change_style", "write_comment"):
        assert trained[name]["held_out_examples"] > 0
        assert json.loads((place / "weights" / "small" / name / "base.json").read_text())["fingerprint"]
        assert str(place) not in (place / "weights" / "small" / name / "adapter_config.json").read_text()


def test_the_classifier_is_measured(trained: dict[str, dict[str, Any]]) -> None:
    assert 0 <= trained["classify_emotion"]["six_ece"] <= 1
    assert 0 <= trained["classify_emotion"]["kote_macro_f1"] <= 1


@pytest.mark.usefixtures("trained")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("continue_text", ["--text", "학교에서 고양이가"]),
        ("change_style", ["--text", "집에서 동생을 보았습니다", "--style", "반말"]),
        ("write_comment", ["--topic", "배우", "--num-samples", "2"]),
        ("classify_emotion", ["--text", "학교에서 노래를 불렀다"]),
    ],
)
def test_what_was_trained_answers(place: Path, name: str, arguments: list[str]) -> None:
    assert figures(kogpt(place, "call", name, *arguments))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["base", "--data", "{place}", "--width", "33", "--heads", "2"], "--width 33 is not a multiple"),
        (["base", "--data", "{place}"], "names files that are not in"),
        (["base", "--data", "{place}", "--mix", "{place}/style.tsv"], "is not a text mix"),
        (["change_style", "--data", "{place}/empty.csv", "--run", "runs/new"], "empty.csv"),
        (["change_style", "--data", "{place}/stories.txt", "--run", "runs/new"], "No training example in stories.txt"),
        (["change_style", "--data", "{place}/style.tsv"], "holds a run already. Go on with it: --resume"),
        (
            ["change_style", "--data", "{place}/style.tsv", "--minutes", "0.05", "--resume"],
            "--batch-size was 8 and is now 64",
        ),
        (
            ["base", "--data", "{place}/stories.jsonl", "--resume"],
            "was started otherwise: the data was ['stories.jsonl (",
        ),
        (["change_style", "--data", "{place}/style.tsv", "--minutes", "1", "--epochs", "1"], "Give one of them"),
        (["change_style", "--data", "{place}/style.tsv", "--column", "text"], "is not WANTED=NAME"),
        (
            ["classify_emotion", "--data", "{place}/emotion.jsonl", "--passes", "4"],
            "classify_emotion is a classifier: --passes",
        ),
        (["continue_text", "--data", "{place}/stories.jsonl", "--base", "nothing"], "No checkpoint 'nothing'"),
        (
            ["write_comment", "--data", "{place}/style.tsv", "--base", "weights/small", "--run", "runs/new"],
            "no column 'text'. Columns found: formal",
        ),
    ],
)
@pytest.mark.usefixtures("trained")
def test_what_cannot_be_trained_gets_a_sentence(place: Path, arguments: list[str], sentence: str) -> None:
    (place / "empty.csv").write_text("")
    (place / "stories.txt").write_text("글\n", encoding="utf-8")
    done = train(place, *(a.replace("{place}", str(place)) for a in arguments))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_resume_goes_on_with_the_time_that_was_spent(tmp_path: Path) -> None:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    from kogpt_funcs.training.loop import Clock

    arguments, state = TrainingArguments(output_dir=str(tmp_path), use_cpu=True), TrainerState(global_step=7)
    (tmp_path / "checkpoint-7").mkdir()
    first = Clock(100.0)
    first.spent = 42.0
    state.is_world_process_zero = True
    first.on_save(arguments, state, TrainerControl())
    resumed = Clock(60.0)
    resumed.on_train_begin(arguments, state, TrainerControl())
    assert resumed.fraction == 0.7
