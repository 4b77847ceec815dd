"""`kogpt bench` on a tiny checkpoint: real engines in real processes, and a report that says what they did."""

from __future__ import annotations

import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from package_copy import ROOT, command, run

from kogpt_funcs.benchmarking import report, shapes
from kogpt_funcs.benchmarking.__main__ import ENGINES
from kogpt_funcs.benchmarking.documents import read_documents
from kogpt_funcs.benchmarking.limits import most
from kogpt_funcs.benchmarking.measurements import Figure, percentile
from kogpt_funcs.benchmarking.prompts import prompts
from kogpt_funcs.benchmarking.worker import Missing, Worker
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.models import Example, Special
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.tokenizers.kogpt2 import Tokenizer
from kogpt_funcs.training.blocks import pack

TINY = {"n_layer": 2, "n_embd": 64, "n_head": 2, "n_positions": 256, "vocab_size": 9000}
EXTRA = {"ctranslate2-int8": "ctranslate2", "llama.cpp-q8_0": "xllamacpp"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shapes.kogpt2(tmp_path_factory.mktemp("shapes") / "tiny", **TINY)


def test_the_shape_is_kogpt2s_and_repeats(tiny: Path, tmp_path: Path) -> None:
    again = shapes.kogpt2(tmp_path / "again", **TINY)
    assert (again / "model.safetensors").read_bytes() == (tiny / "model.safetensors").read_bytes()
    assert Tokenizer(tiny / "tokenizer.json").size == 9000
    assert (shapes.KOGPT2["n_layer"], shapes.KOGPT2["n_embd"], shapes.KOGPT2["vocab_size"]) == (12, 768, 51200)


def test_a_fixture_without_a_tokenizer_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="--fixture takes a folder"):
        shapes.kogpt2(tmp_path / "out", tmp_path, **TINY)


@pytest.mark.parametrize("tokens", [8, 32, 100])
def test_prompts_have_the_length_asked_for_and_differ(tiny: Path, tokens: int) -> None:
    found = prompts(tiny, 16, tokens)
    assert len({prompt.text for prompt in found}) == 16
    assert all(tokens - 3 <= len(prompt.ids) <= tokens for prompt in found)
    assert all(prompt.text == prompt.text.strip() for prompt in found)


@pytest.mark.parametrize(
    "engine",
    [name if name in ("transformers", "ours") else pytest.param(name, marks=pytest.mark.soak) for name in ENGINES],
)
def test_an_engine_makes_as_many_tokens_as_asked(tiny: Path, engine: str) -> None:
    """What counts in the table must be what was computed: one prompt, and four at once where the engine batches."""
    if importlib.util.find_spec(EXTRA.get(engine, "torch")) is None:
        pytest.skip(f"{EXTRA[engine]} is not installed")
    worker = Worker(engine, tiny)
    try:
        for count in (1, 4):
            tokens, seconds = worker.write(prompts(tiny, count, 16), 12)
            assert tokens == 12 * count
            assert seconds > 0
    finally:
        worker.close()


def test_an_engine_that_cannot_load_is_missing_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="transformers is left out: ValueError: Unrecognized model"):
        Worker("transformers", tmp_path)


def test_limits_are_the_processors_and_a_profile_is_whole(tiny: Path) -> None:
    worker = Worker("ours", tiny)
    try:
        found = worker.limits()
        if not found:
            pytest.skip("no kernels here: torch writes")
        assert found["products"] == 2 * 12 * 64 * 64 + 9024 * 64  # two blocks, and the head, filled up to columns of 32
        assert min(found.values()) > 1e6 / 4
        assert most(found, 1)[0] <= most(found, 10**6)[0]
        assert most(found, 10**6) == (found["products_a_second"] / found["products"], "arithmetic")
        shares = worker.profile(prompts(tiny, 2, 16), 12)
        assert sum(shares.values()) == pytest.approx(1)
        assert all(0 <= shares[name] < 1 for name in ("linear layers", "attention", "between", "head"))
        assert shares["linear layers"] > 0 < shares["head"]
        contexts = worker.contexts(3)
        assert list(contexts) == ["64"]  # what the tiny one can read
        assert contexts["64"] > 0
    finally:
        worker.close()


@pytest.mark.soak
@pytest.mark.parametrize("engine", ["llama.cpp-q8_0", "ctranslate2-int8"])
def test_peers_write_with_the_trimmed_gemma_too(engine: str) -> None:
    if importlib.util.find_spec(EXTRA[engine]) is None:
        pytest.skip(f"{EXTRA[engine]} is not installed")
    folder = checkpoints.folder("gemma")
    worker = Worker(engine, folder)
    try:
        assert worker.write(prompts(folder, 2, 16), 12)[0] == 24
    finally:
        worker.close()


def test_a_worker_calls_functions_directly() -> None:
    worker = Worker("ours", checkpoints.folder("small"))
    try:
        seconds = worker.call("continue_text", {"text": "안녕", "max_new_tokens": 8}, 2)
        assert len(seconds) == 2
        with pytest.raises(Missing, match="text: "):
            worker.call("continue_text", {"text": ""}, 1)
    finally:
        worker.close()


def test_held_out_text_is_read_from_a_file_or_a_runs_blocks(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("안녕하세요.\n\n오늘은 비가 온다.\n", "utf-8")
    lines = read_documents(tmp_path / "text.txt", tiny)
    assert lines.characters == len("안녕하세요.") + len("오늘은 비가 온다.")
    assert [document.counted[0] for document in lines.documents] == [False, False]
    pack([Example([Special("<s>")], "오늘은 비가 온다.")], Tokenizer(tiny / "tokenizer.json"), 16).save(
        tmp_path / "group.npz"
    )
    blocks = read_documents(tmp_path, tiny)
    assert blocks.characters == len("오늘은 비가 온다.")
    assert sum(blocks.documents[0].counted) == len(lines.documents[1].ids) - 1
    (tmp_path / "empty.txt").write_text("\n", "utf-8")
    with pytest.raises(KogptError, match="no text to measure on"):
        read_documents(tmp_path / "empty.txt", tiny)


FIGURES = [
    Figure("one stream", "tiny", "transformers", 10.0, "tokens/s", repeats=[9.0, 10.0, 11.0]),
    Figure("one stream", "tiny", "ours", 55.0, "tokens/s"),
    Figure("weights", "tiny", "ours, REST", 125.0, "MB", "less"),
    Figure("weights", "tiny", "transformers", 500.0, "MB", "less"),
    Figure("surface overhead", "tiny", "ours, REST", 1.234, "ms", "less"),
]


def test_ratios_say_how_many_times_better_ours_is() -> None:
    assert [report.advantage(figure, FIGURES) for figure in FIGURES] == [5.5, None, None, 4.0, None]
    lines = report.table(FIGURES).splitlines()
    assert lines[0].split() == ["model", "what", "engine", "median", "unit", "ours", "is"]
    assert lines[1].endswith("5.50 ×")
    assert lines[4].endswith("4.00 ×")
    assert "1.23  ms" in lines[5]


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(20, 0, -1)]
    assert (percentile(values, 50), percentile(values, 95), percentile([3.0], 95)) == (10.0, 19.0, 3.0)


def test_json_and_chart_hold_what_was_measured(tmp_path: Path) -> None:
    notes: dict[str, Any] = {"machine": report.machine(), "load": {"clients": 16}}
    report.write_json(tmp_path / "new" / "run.json", FIGURES, notes)
    report.write_chart(tmp_path / "new" / "run.png", FIGURES, notes)
    written = json.loads((tmp_path / "new" / "run.json").read_text("utf-8"))
    assert written["figures"][0] == {**FIGURES[0].as_dict(), "ours_is_times": 5.5}
    assert written["machine"]["usable_cpus"] >= 1
    assert {"torch", "transformers", "kogpt-funcs"} <= set(written["versions"])
    assert (tmp_path / "new" / "run.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_measures_and_writes(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("어느 날 아침, 그는 낯선 편지 한 통을 받았다.\n" * 3, "utf-8")
    asked = (
        "--model",
        tiny,
        "--repeats",
        "1",
        "--new-tokens",
        "8",
        "--text",
        tmp_path / "text.txt",
        "--out",
        tmp_path / "run.json",
    )
    done = run("bench", "stream", "quality", *asked)
    assert done.returncode == 0, done.stderr.decode()
    figures = {
        (row["what"], row["engine"]): row["value"]
        for row in json.loads((tmp_path / "run.json").read_text("utf-8"))["figures"]
    }
    for what in ("one stream", "quality"):
        assert all(figures[what, engine] > 0 for engine in ("transformers", "ours"))
    assert abs(figures["quality lost", "ours"]) < 1
    assert b"one stream" in done.stdout
    assert (tmp_path / "run.png").is_file()


@pytest.mark.soak
def test_everything_is_measured_on_servers_too(tiny: Path, tmp_path: Path) -> None:
    asked = ("--model", tiny, "--repeats", "1", "--new-tokens", "8", "--clients", "4", "--out", tmp_path / "run.json")
    done = subprocess.run(
        command("bench", "concurrent", "latency", "memory", "overhead", *asked),
        cwd=ROOT,
        capture_output=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    figures = json.loads((tmp_path / "run.json").read_text("utf-8"))["figures"]
    measured = {(row["what"], row["engine"]) for row in figures}
    assert {("4 at once", "ours, REST"), ("4 at once", "gradio + pipeline"), ("4 at once", "transformers")} <= measured
    assert {
        ("first token, p95", "ours, REST"),
        ("surface overhead", "ours, REST"),
        ("weights", "ours, REST"),
    } <= measured
    assert all(row["value"] > 0 for row in figures if row["what"] != "surface overhead")
    assert {("process", "gradio + pipeline"), ("process", "ours, REST")} <= measured


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["nothing"], 2, "is not one of"),
        (["stream", "--model", "no-such"], 1, "No checkpoint 'no-such'"),
        (["stream", "--new-tokens", "1"], 2, "--new-tokens"),
    ],
)
def test_a_wrong_request_gets_a_sentence(arguments: list[str], status: int, said: str) -> None:
    done = run("bench", *arguments)
    assert (done.returncode, done.stdout) == (status, b"")
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
