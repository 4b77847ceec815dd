"""The decoder on the shipped base, beside transformers' own generate, and on SKT's real shape with random weights."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from kogpt2_fixture import kogpt2
from transformers import GPT2Config, GPT2LMHeadModel

from kogpt_funcs import models
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import Busy, CheckpointError
from kogpt_funcs.korean.text import last_sentence_end
from kogpt_funcs.models import Generation, Special, cache, gate
from kogpt_funcs.models.bases.language_model import LanguageModel
from kogpt_funcs.models.bases.loading import load
from kogpt_funcs.models.tokenizers.kogpt2 import END, SPECIALS

PROMPTS = ["인생을 즐겁게 살기 위해서는", "어느 날 아침, 그는 낯선 편지 한 통을 받았다.", "ㅋㅋㅋ 이 영화"]


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_entries", {})


def write(prompt: str, **options: Any) -> list[models.Sample]:
    *_, last = models.generate(Generation(prompt=[Special("<s>"), prompt], **options))
    return last


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("rules", [{}, {"repetition_penalty": 1.3}, {"no_repeat_ngram": 3}], ids=str)
def test_greedy_equals_transformers_generate(prompt: str, rules: dict[str, Any]) -> None:
    settings.replace(engine="fp32")
    base = LanguageModel("small")
    ids = base.tokenizer.encode([Special("<s>"), prompt])
    expected = load(settings.current().weights / "small").generate(
        torch.tensor([ids]),
        attention_mask=torch.ones(1, len(ids), dtype=torch.long),
        do_sample=False,
        max_new_tokens=24,
        min_new_tokens=24,
        repetition_penalty=rules.get("repetition_penalty", 1.0),
        no_repeat_ngram_size=rules.get("no_repeat_ngram", 0),
        suppress_tokens=[i for i in range(len(SPECIALS)) if i != END],
    )
    text = base.tokenizer.decode(expected[0, len(ids) :].tolist())
    (sample,) = write(prompt, temperature=0.0, max_new_tokens=24, min_new_tokens=24, **rules)
    assert text.startswith(sample.text)
    assert sample.tokens >= 16
    assert sample.finish_reason == "length" or (sample.finish_reason, sample.tokens) == (
        "end_of_text",
        24,
    )  # whole just then


def test_a_seed_repeats_and_another_differs() -> None:
    texts = [[s.text for s in write(PROMPTS[0], num_samples=3, seed=seed)] for seed in (7, 7, 8)]
    assert texts[0] == texts[1] != texts[2]
    assert len(set(texts[0])) == 3


@pytest.mark.parametrize("temperature", [1e-300, 1e-9, 0.009])
def test_a_tiny_temperature_is_greedy(temperature: float) -> None:
    assert write(PROMPTS[0], temperature=temperature, max_new_tokens=8) == write(
        PROMPTS[0], temperature=0.0, max_new_tokens=8
    )


@pytest.mark.parametrize(
    "options", [{"top_p": 1e-12}, {"top_p": 1e-300}, {"top_p": 1e-300, "top_k": 0}, {"top_k": 1}], ids=str
)
def test_with_one_token_to_draw_from_sampling_is_greedy(options: dict[str, Any]) -> None:
    assert write(PROMPTS[0], max_new_tokens=8, **options) == write(PROMPTS[0], temperature=0.0, max_new_tokens=8)


def test_with_the_whole_vocabulary_to_draw_from_no_sample_is_like_another() -> None:
    samples = write(
        PROMPTS[0], max_new_tokens=8, min_new_tokens=8, temperature=2.0, top_k=0, top_p=1.0, num_samples=8, seed=1
    )
    assert len({sample.text for sample in samples}) == 8


def test_text_ends_at_a_sentence_or_a_whole_word() -> None:
    samples = [
        sample
        for seed in range(8)
        for sample in write(PROMPTS[1], seed=seed, max_new_tokens=40, min_new_tokens=8, end="sentence", num_samples=2)
    ]
    assert all(sample.text.strip() and sample.tokens <= 40 for sample in samples)
    ended = [sample for sample in samples if sample.finish_reason == "sentence_end"]
    assert ended
    assert all(last_sentence_end(sample.text) == len(sample.text) for sample in ended)


def test_snapshots_grow_and_closing_stops_the_work() -> None:
    snapshots = models.generate(Generation(prompt=[Special("<s>"), PROMPTS[0]], temperature=0.0, max_new_tokens=20))
    first, second = next(snapshots), next(snapshots)
    assert second[0].text.startswith(first[0].text)
    assert gate._admitted == 1
    snapshots.close()  # type: ignore[attr-defined]
    assert gate._admitted == 0


def test_a_prompt_longer_than_the_context_keeps_its_end() -> None:
    """Only what stands before the part that fits may differ without a difference in the answer."""
    options: dict[str, Any] = {"temperature": 0.0, "max_new_tokens": 16, "min_new_tokens": 16}
    fits = "비가 오는 날이면 할머니는 옛날이야기를 해 주셨다. " * 100
    (sample,) = write("어느 날 " * 300 + fits + PROMPTS[1], **options)
    assert sample == write("그는 " * 400 + fits + PROMPTS[1], **options)[0]
    assert sample != write("어느 날 " * 300 + fits + PROMPTS[2], **options)[0]
    assert sample.text


def test_a_full_queue_is_busy() -> None:
    settings.replace(queue=1)
    first = models.generate(Generation(prompt=[Special("<s>"), "하나"]))
    next(first)
    with pytest.raises(Busy):
        write("둘")
    first.close()  # type: ignore[attr-defined]
    assert write("셋", max_new_tokens=8)


def test_one_load_however_many_ask() -> None:
    answers: list[list[models.Sample]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(write("안녕", temperature=0.0, max_new_tokens=8)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (base,) = models.resident()["checkpoints"]
    assert (len(answers), base["loads"]) == (8, 1)
    assert all(answer == answers[0] for answer in answers)


def test_every_function_shares_one_base() -> None:
    for function in registry.functions().values():
        function.call(function.parse(function.examples[0]))
    loaded = {entry["name"]: entry for entry in models.resident()["checkpoints"]}
    base = loaded["small"]
    assert base["loads"] == 1
    assert base["adapters"]
    assert base["parameters"] < 1.5 * base["base_parameters"]


def test_adapters_do_not_touch_the_bare_base() -> None:
    before = write(PROMPTS[0], temperature=0.0)
    registry.get("change_style").call(registry.get("change_style").parse({"text": "밥 먹었어?", "style": "존댓말"}))
    assert write(PROMPTS[0], temperature=0.0) == before


def test_idle_checkpoints_leave_when_the_budget_is_reached() -> None:
    settings.replace(cache_bytes=8_000_000)
    write("하나", max_new_tokens=8)
    models.classify(["둘"], checkpoint="classify_emotion")
    write("셋", max_new_tokens=8)
    loaded = models.resident()
    assert [entry["name"] for entry in loaded["checkpoints"]] == ["small"]
    assert loaded["checkpoints"][0]["loads"] == 2


@pytest.fixture(scope="module")
def kogpt2_shape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SKT's real tokenizer and config, with two layers of random weights."""
    folder = tmp_path_factory.mktemp("bases") / "kogpt2"
    shutil.copytree(kogpt2(), folder)
    torch.manual_seed(0)
    config = GPT2Config.from_pretrained(str(kogpt2()))
    config.n_layer = 2
    GPT2LMHeadModel(config).save_pretrained(str(folder))
    yield folder
    shutil.rmtree(folder)


def test_kogpt2_runs_through_the_same_code(kogpt2_shape: Path) -> None:
    settings.replace(base=str(kogpt2_shape))
    function = registry.get("continue_text")
    output = function.call(
        function.parse({"text": "안녕하세요ㅋㅋㅋ ㅠㅠ 😤", "seed": 1, "max_new_tokens": 24, "num_samples": 2})
    )
    texts = [continuation.text for continuation in output.continuations]  # type: ignore[attr-defined]
    assert all(texts)
    assert not any(name in text for text in texts for name in SPECIALS)
    assert not any("\u1100" <= c <= "\u11ff" for text in texts for c in text), "conjoining jamo reached the user"


@pytest.mark.parametrize("name", ["change_style", "write_comment"])
def test_without_an_adapter_for_this_base_a_sentence_says_how_to_train_one(kogpt2_shape: Path, name: str) -> None:
    settings.replace(base=str(kogpt2_shape))
    function = registry.get(name)
    with pytest.raises(CheckpointError, match=f"'kogpt2'.*kogpt train {name} --base .* --data"):
        function.call(function.parse(function.examples[0]))


def test_an_adapter_of_other_weights_is_refused(kogpt2_shape: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(settings.current().weights / "small" / "change_style", weights / "kogpt2" / "change_style")
    settings.replace(weights=weights)
    settings.replace(base=str(kogpt2_shape))
    function = registry.get("change_style")
    with pytest.raises(CheckpointError, match="trained on other weights"):
        function.call(function.parse(function.examples[0]))


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("no-such", "No checkpoint 'no-such'"),
        ("some/where", "hub"),
    ],
)
def test_a_base_that_is_not_there_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, base: str, sentence: str) -> None:
    settings.replace(base=base)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(CheckpointError, match=sentence):
        write("안녕")
