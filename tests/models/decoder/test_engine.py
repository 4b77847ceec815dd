"""The running batch: the same answers as alone, whoever joins, leaves or fails; on every network that this machine
runs.
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from decoder_bases import Base

from kogpt_funcs import models
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Generation, Special, cache
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.language_model import LanguageModel
from kogpt_funcs.models.bases.loading import load
from kogpt_funcs.models.decoder.sampling import choose
from kogpt_funcs.models.networks.network import Work

PROMPTS = [
    "인생을 즐겁게 살기 위해서는",
    "어느 날 아침, 그는 낯선 편지 한 통을 받았다.",
    "ㅋㅋㅋ 이 영화",
    "비가 오는 날이면",
]


@pytest.fixture(autouse=True)
def fresh_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_entries", {})


def generation(prompt: str, **options: Any) -> Generation:
    return Generation(prompt=[Special("<s>"), prompt], **{"max_new_tokens": 16, "min_new_tokens": 16, **options})


def write(request: Generation) -> list[models.Sample]:
    *_, last = models.generate(request)
    return last


def together(requests: Sequence[Generation]) -> list[Any]:
    """The answers, or the errors, of requests that run at once."""
    answers: list[Any] = [None] * len(requests)

    def ask(i: int) -> None:
        try:
            answers[i] = write(requests[i])
        except KogptError as error:
            answers[i] = error

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_logits_are_those_of_transformers(base: Base) -> None:
    model, plain = LanguageModel(base.name), load(checkpoints.folder(base.name))
    ids = [model.tokenizer.encode([Special("<s>"), prompt]) for prompt in PROMPTS]
    caches = [model.network.cache() for _ in ids]
    model.network.forward([Work(i[:-2], c, None) for i, c in zip(ids, caches, strict=True)])
    model.network.forward([Work(i[-2:-1], c, None) for i, c in zip(ids, caches, strict=True)])
    found = model.network.forward([Work(i[-1:], c, None) for i, c in zip(ids, caches, strict=True)])
    with torch.no_grad():
        expected = torch.stack([plain(input_ids=torch.tensor([i])).logits[0, -1] for i in ids])
    error = float((found - expected).abs().max() / expected.std())
    assert error < {"fp32": 1e-4, "int8": 0.4, "compiled": 0.4, "bf16": 0.2}[base.engine]
    assert (found.argmax(-1) == expected.argmax(-1)).float().mean() >= (1.0 if base.engine == "fp32" else 0.5)


def test_adapters_are_those_of_peft(base: Base) -> None:
    from peft import PeftModel

    model = LanguageModel(base.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT asks transformers in words that are going out
        plain: Any = PeftModel.from_pretrained(
            load(checkpoints.folder(base.name)), str(checkpoints.adapter_folder("change_style", base.name))
        )
    ids = model.tokenizer.encode(
        [Special("<unused7>"), "저는 고양이를 키워요.", Special("<unused6>"), "반말", Special("<unused8>")]
    )
    with_adapter, bare = model.network.forward(
        [Work(ids, model.network.cache(), model.adapter("change_style")), Work(ids, model.network.cache(), None)]
    )
    with torch.no_grad():
        expected = plain(input_ids=torch.tensor([ids])).logits[0, -1]
    close = {"fp32": 1e-4, "int8": 0.5, "compiled": 0.5, "bf16": 0.2}[base.engine]
    assert float((with_adapter - expected).abs().max() / expected.std()) < close
    assert float((bare - expected).abs().max() / expected.std()) > 0.5


def test_a_seeded_request_is_the_same_in_any_company(base: Base, configure: Callable[..., None]) -> None:
    configure(deterministic=True)
    prompts = [*PROMPTS, "비가 그치고 " * 100]  # of which one is read in several pieces
    wanted = [generation(prompt, seed=i, num_samples=1 + i % 2, temperature=1.2) for i, prompt in enumerate(prompts)]
    alone = [write(request) for request in wanted]
    others = [generation(prompt, temperature=1.5, max_new_tokens=8 + i) for i, prompt in enumerate(prompts * 2)]
    assert together([*others, *wanted])[len(others) :] == alone


def test_a_guided_request_is_less_likely_after_the_other_prompts(base: Base, configure: Callable[..., None]) -> None:
    configure(deterministic=True)
    against = (
        [Special("<s>"), "정말 좋다."],
        [Special("<s>"), "그런데 " * 200],
    )  # of which one takes several passes to read
    request = generation(
        "정말 싫다.",
        temperature=0.0,
        against=against,
        guidance=1.5,
        max_new_tokens=24,
        min_new_tokens=24,
        num_samples=2,
    )
    (sample, same) = write(request)
    assert sample == same
    assert sample != write(replace(request, guidance=0.0))[0]
    assert together([request, generation("정말 싫다.", seed=1), request])[2] == [sample, same]
    if base.engine == "fp32":
        model, plain = LanguageModel(base.name), load(checkpoints.folder(base.name))
        prompts, ids = [model.tokenizer.encode(prompt) for prompt in (request.prompt, *against)], []
        for _ in range(24):
            with torch.no_grad():
                own, *others = (
                    plain(input_ids=torch.tensor([prompt + ids])).logits[0, -1].log_softmax(-1) for prompt in prompts
                )
            gain = 1.5 * (own - torch.stack(others).exp().mean(0).log())
            own = own + gain.where(own > own.max() + math.log(0.02), gain.clamp(max=0))
            own[list(model.tokenizer.control)] = -math.inf
            ids.append(int(own.argmax()))
        assert model.tokenizer.decode(ids).startswith(sample.text)  # which ends at a whole word
        assert len(sample.text) > 20


def test_requests_with_and_without_adapters_share_a_batch(base: Base, configure: Callable[..., None]) -> None:
    configure(deterministic=True)
    asked = [
        Generation(
            prompt=[Special("<unused7>"), text, Special("<unused6>"), style, Special("<unused8>")],
            adapter=adapter,
            temperature=0.0,
        )
        for text, style in [("저는 고양이를 여섯 마리 키워요.", "나루토"), ("오늘 날씨 진짜 좋다.", "할아버지")]
        for adapter in ("change_style", None)
    ]
    alone = [write(request) for request in asked]
    assert together(asked) == alone
    assert alone[0] != alone[1] or alone[2] != alone[3]


def test_what_was_read_before_is_not_read_again() -> None:
    model = LanguageModel("small")
    read: list[int] = []
    forward = model.network.forward

    def counting(work: Sequence[Work], **options: Any) -> torch.Tensor:
        read.append(sum(len(piece.ids) for piece in work))
        return forward(work, **options)

    model.network.forward = counting  # type: ignore[method-assign]
    request = generation(PROMPTS[1] + " 그 편지에는 이렇게 적혀 있었다.", temperature=0.0)
    *_, first = model.engine.generate(request, None)
    before = read[0]
    read.clear()
    *_, second = model.engine.generate(request, None)
    assert second == first
    assert read[0] == 1 < before if model.network.batch_invariant else read[0] == before


def test_more_samples_than_the_batch_holds_are_all_answered() -> None:
    answers = together([generation(PROMPTS[i % 4], num_samples=20, max_new_tokens=16) for i in range(6)])
    assert all(len(answer) == 20 and all(sample.tokens for sample in answer) for answer in answers)


def test_a_long_request_makes_room_for_short_ones() -> None:
    model = LanguageModel("small")
    order: list[str] = []

    def ask(name: str, request: Generation) -> None:
        for _ in model.engine.generate(request, None):
            pass
        order.append(name)

    long = [
        threading.Thread(
            target=ask, args=("long", generation(PROMPTS[0], num_samples=20, max_new_tokens=200, min_new_tokens=200))
        )
        for _ in range(3)
    ]
    for thread in long:
        thread.start()
    while model.engine.load["running"] == 0:
        pass
    short = threading.Thread(
        target=ask, args=("short", generation(PROMPTS[1], num_samples=20, max_new_tokens=8, min_new_tokens=8))
    )
    short.start()
    for thread in [*long, short]:
        thread.join()
    assert order[0] == "short"


def test_leaving_frees_the_batch() -> None:
    model = LanguageModel("small")
    snapshots = [
        model.engine.generate(generation(prompt, max_new_tokens=300, min_new_tokens=300), None) for prompt in PROMPTS
    ]
    for iterator in snapshots:
        next(iterator)
    for iterator in snapshots:
        iterator.close()  # type: ignore[attr-defined]
    *_, last = model.engine.generate(generation(PROMPTS[0]), None)
    assert last[0].text
    deadline = time.monotonic() + 10
    while model.engine.load["running"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert model.engine.load == {"running": 0, "waiting": 0}


def test_stop_strings_and_bad_words() -> None:
    (free,) = write(generation(PROMPTS[1], temperature=0.0, max_new_tokens=32, min_new_tokens=32))
    word = free.text.split()[2]
    (stopped,) = write(generation(PROMPTS[1], temperature=0.0, max_new_tokens=32, min_new_tokens=32, stop=(word,)))
    assert stopped.finish_reason == "stop"
    assert stopped.text == free.text[: free.text.index(word)].rstrip()
    (without,) = write(generation(PROMPTS[1], temperature=0.0, max_new_tokens=32, min_new_tokens=32, bad_words=(word,)))
    assert word in free.text
    assert word not in without.text


def test_a_distribution_is_drawn_as_it_is() -> None:
    """The shares of a thousand first tokens are those of the softmax, cut at top-k and top-p."""
    model, plain = LanguageModel("small"), load(settings.current().weights / "small")
    ids = model.tokenizer.encode([Special("<s>"), PROMPTS[0]])
    with torch.no_grad():
        logits = plain(input_ids=torch.tensor([ids])).logits[0, -1].double()
    logits[[i for i in model.tokenizer.control if i != model.tokenizer.end]] = -torch.inf
    for options in ({"top_k": 5, "top_p": 1.0}, {"top_k": 0, "top_p": 0.3}):
        shares = (logits / 1.0).softmax(-1)
        if options["top_k"]:
            allowed = set(shares.topk(5).indices.tolist())
        else:
            values, order = shares.sort(descending=True)
            allowed = set(order[(values.cumsum(0) - values) < 0.3].tolist())
        drawn: list[int] = []
        for seed in range(10):
            running = model.engine.running(
                generation(PROMPTS[0], num_samples=100, seed=seed, temperature=1.0, min_new_tokens=0, **options), None
            )
            table = logits.float().repeat(100, 1)
            drawn += choose(model.network, table, [sample.choice for sample in running.samples])
        assert set(drawn) <= allowed
        total = sum(float(shares[i]) for i in allowed)
        for token in sorted(allowed, key=lambda i: -shares[i])[:3]:
            expected = float(shares[token]) / total
            assert abs(drawn.count(token) / 1000 - expected) < 5 * (expected * (1 - expected) / 1000) ** 0.5 + 0.005
