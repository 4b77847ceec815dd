"""A base behind a URL: a real server in a process of its own, and each way in which servers fail."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from completions_server import KEY
from package_copy import ROOT, run
from ports import answered, free_port

from kogpt_funcs import models
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import Busy, CheckpointError
from kogpt_funcs.korean.text import last_sentence_end
from kogpt_funcs.models import Generation, Special, gate
from kogpt_funcs.models.bases import remote

PROMPT = "어느 날 아침, 그는"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with completions_server() as address:
        yield address


@pytest.fixture(scope="module")
def gemma_url() -> Iterator[str]:
    with completions_server(KOGPT_BASE="gemma") as address:
        yield address


@contextmanager
def completions_server(**environment: str) -> Iterator[str]:
    port = free_port()
    script = Path(__file__).parents[2] / "completions_server.py"
    told = {**os.environ, **environment, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, script, str(port)], env=told)
    try:
        answered(f"http://127.0.0.1:{port}/seen", process)  # its base is loaded
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def use(url: str) -> Any:
    return lambda model: settings.replace(base=f"{url}#{model}")


def snapshots(**options: Any) -> list[list[models.Sample]]:
    return list(remote.generate(Generation(prompt=[Special("<s>"), PROMPT], **options)))


def seen(url: str) -> dict[str, Any]:
    return httpx.get(url.replace("/v1", "/seen")).json()


def test_text_streams_and_the_last_snapshot_is_whole(use: Any) -> None:
    use("base")
    found = snapshots(num_samples=2, seed=1, max_new_tokens=24)
    assert len(found) > 3
    for before, after in pairwise(found):
        assert all(b.text.startswith(a.text) or b.finish_reason for a, b in zip(before, after, strict=True))
    first, second = found[-1]
    assert first.text != second.text
    assert all(sample.text and sample.finish_reason and 0 < sample.tokens <= 24 for sample in (first, second))


def test_the_request_says_what_was_asked_for(use: Any, url: str) -> None:
    use("base")
    options = {
        "seed": 7,
        "temperature": 0.5,
        "top_k": 9,
        "top_p": 0.9,
        "repetition_penalty": 1.3,
        "min_new_tokens": 3,
        "bad_words": ("나쁜",),
    }
    snapshots(max_new_tokens=12, newline_ends=True, **options)
    asked = seen(url)["request"]
    expected = {
        "seed": 7,
        "temperature": 0.5,
        "top_k": 9,
        "top_p": 0.9,
        "repetition_penalty": 1.3,
        "min_tokens": 3,
        "bad_words": ["나쁜"],
    }
    assert {key: asked[key] for key in expected} == expected
    assert (asked["model"], asked["prompt"], asked["n"], asked["max_tokens"], asked["stop"]) == (
        "base",
        PROMPT,
        1,
        13,
        ["\n"],
    )


def test_a_seed_repeats(use: Any) -> None:
    use("base")
    texts = [snapshots(seed=seed, max_new_tokens=12)[-1][0].text for seed in (3, 3, 4)]
    assert texts[0] == texts[1] != texts[2]


def test_tokens_that_come_at_once_are_told_apart(use: Any) -> None:
    use("base")
    one_by_one = snapshots(seed=5, max_new_tokens=12)[-1]
    use("merged")
    assert snapshots(seed=5, max_new_tokens=12)[-1] == one_by_one


def test_greedy_samples_are_alike_and_asked_for_once(use: Any, url: str) -> None:
    use("base")
    last = snapshots(temperature=0.0, num_samples=3, max_new_tokens=12)[-1]
    assert len(last) == 3
    assert last[0] == last[1] == last[2]
    assert seen(url)["request"]["n"] == 1


def test_greedy_first_is_followed_by_drawn_ones(use: Any, url: str) -> None:
    use("base")
    found = snapshots(greedy_first=True, num_samples=3, seed=1, max_new_tokens=12)
    assert all(len(samples) == 3 for samples in found)
    assert found[-1][0] == snapshots(temperature=0.0, max_new_tokens=12)[-1][0]
    assert seen(url)["request"]["n"] == 1


def test_text_ends_at_a_sentence_or_a_whole_word(use: Any) -> None:
    use("base")
    for seed in range(4):
        (sample,) = snapshots(seed=seed, end="sentence", max_new_tokens=40)[-1]
        assert sample.tokens <= 40
        if sample.finish_reason == "sentence_end":
            assert last_sentence_end(sample.text) == len(sample.text)


def test_a_stop_string_ends_the_text_and_is_not_part_of_it(use: Any) -> None:
    use("endless")
    (sample,) = snapshots(stop=("또 또 또",))[-1]
    assert (sample.text, sample.finish_reason) == ("", "stop")


def test_length_is_kept_though_the_server_goes_on(use: Any, url: str) -> None:
    use("endless")
    left = seen(url)["left"]
    (sample,) = snapshots(max_new_tokens=10)[-1]
    assert (sample.text, sample.tokens, sample.finish_reason) == (" 또" * 10, 10, "length")
    assert waited(lambda: seen(url)["left"] == left + 1), "the server still writes"


def test_closing_ends_the_work_on_the_server(use: Any, url: str) -> None:
    use("endless")
    left = seen(url)["left"]
    answers = remote.generate(Generation(prompt=[PROMPT], max_new_tokens=256))
    next(answers)
    assert gate._admitted == 1
    answers.close()  # type: ignore[attr-defined]
    assert gate._admitted == 0
    assert waited(lambda: seen(url)["left"] == left + 1), "the server still writes"


def waited(condition: Any) -> bool:
    for _ in range(100):
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_fields_that_a_server_does_not_know_are_left_out(use: Any, url: str) -> None:
    use("strict")
    assert snapshots(seed=1, max_new_tokens=8)[-1][0].text
    assert "top_k" not in seen(url)["request"]


def test_the_key_goes_to_the_server_and_nowhere_else(use: Any, caplog: pytest.LogCaptureFixture) -> None:
    use("locked")
    settings.replace(remote_key=KEY)
    with caplog.at_level(logging.DEBUG):
        assert snapshots(seed=1, max_new_tokens=8)[-1][0].text
        settings.replace(remote_key="wrong-key")
        with pytest.raises(CheckpointError, match=r"refuses the key \(401\).*KOGPT_REMOTE_KEY") as caught:
            snapshots()
    assert "wrong-key" not in str(caught.value)
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("nothing", "no such model"),
        ("failing", "answers 500"),
        ("cut", "broke off or cannot be read"),
        ("unfinished", "ended its answer before it was whole"),
        ("garbled", "broke off or cannot be read"),
        ("page", "ended its answer|cannot be read"),
    ],
)
def test_a_fault_of_the_server_is_a_sentence_without_its_address(use: Any, url: str, model: str, sentence: str) -> None:
    use(model)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        snapshots(seed=1, max_new_tokens=400)  # so many that the text ends before
    assert url not in str(caught.value)
    assert gate._admitted == 0


@pytest.mark.parametrize("model", ["busy", "down"])
def test_a_busy_server_says_when_to_come_back(use: Any, model: str) -> None:
    use(model)
    with pytest.raises(Busy) as caught:
        snapshots()
    assert caught.value.retry_after == 7


def test_a_server_that_is_not_there() -> None:
    settings.replace(base=f"http://127.0.0.1:{free_port()}/v1#base")
    with pytest.raises(CheckpointError, match="cannot be reached"):
        snapshots()


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("http://127.0.0.1:8000/v1", "URL#MODEL"),
        ("http://#model", "URL#MODEL"),
        ("https://me:secret-word@127.0.0.1/v1#model", "KOGPT_REMOTE_KEY"),
        ("https://127.0.0.1/v1?key=secret-word#model", "KOGPT_REMOTE_KEY"),
    ],
)
def test_a_wrong_address_gets_a_sentence_without_its_secret(base: str, sentence: str) -> None:
    settings.replace(base=base)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        snapshots()
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (
            Generation(prompt=[Special("<unused7>"), "안녕"], adapter="no_such"),
            "'base' cannot run no_such.*--lora-modules",
        ),
        (Generation(prompt=[Special("<s>"), Special("<usr>"), "안녕"]), "does not know the special token <usr>"),
        (Generation(prompt=[Special("<s>")]), "does not know the special token <s>"),
    ],
)
def test_functions_that_need_special_tokens_say_so(use: Any, request_: Generation, sentence: str) -> None:
    use("base")
    with pytest.raises(CheckpointError, match=sentence):
        list(remote.generate(request_))


def test_the_function_and_the_command_run_on_it(use: Any, url: str) -> None:
    use("base")
    function = registry.get("continue_text")
    output = function.call(function.parse({"text": PROMPT, "seed": 1, "max_new_tokens": 16}))
    assert output.continuations[0].text  # type: ignore[attr-defined]
    assert seen(url)["request"]["model"] == "base"
    done = run("call", "continue_text", "--text", PROMPT, environment={"KOGPT_BASE": f"{url}#down"})
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Traceback" not in done.stderr


GENERATING = [name for name in registry.names() if name != "classify_emotion"]


def served(url: str) -> set[str]:
    return {model["id"] for model in httpx.get(f"{url}/models").json()["data"]}


def model_of(name: str, url: str) -> str:
    (model,) = served(url) & {name, f"base:{name}"}
    return model


@pytest.mark.parametrize("name", GENERATING)
def test_a_function_is_the_model_of_its_name(use: Any, url: str, name: str) -> None:
    """Where the server has its adapter; else the base, or what can be said without. What users write is no control
    token.
    """
    use("base")
    function = registry.get(name)
    example = {**function.examples[-1], "seed": 1, "max_new_tokens": 48}
    example[function.main_field] = f"<unused8></s> {example[function.main_field]}"
    output = function.call(function.parse(example))
    assert any(output.model_dump().values())
    if name in ("change_style", "write_comment"):
        asked = seen(url)["request"]
        assert asked["model"] == model_of(name, url)
        assert "< unused8>< /s>" in asked["prompt"]


@pytest.mark.soak
@pytest.mark.parametrize("name", GENERATING)
def test_every_generating_function_runs_on_gemma_behind_a_url(name: str, gemma_url: str) -> None:
    settings.replace(base=f"{gemma_url}#base")
    function = registry.get(name)
    output = function.call(function.parse({**function.examples[-1], "seed": 1}))
    assert any(output.model_dump().values())
    assert getattr(output, "source", "model") == "model"
    assert seen(gemma_url)["request"]["model"] == ("base" if name == "continue_text" else model_of(name, gemma_url))
