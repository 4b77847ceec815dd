"""Scores are log probabilities as transformers gives them, in any company, and each prompt is read once."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from decoder_bases import Base
from tiny_language import Letters, TableNetwork

from kogpt_funcs import models
from kogpt_funcs.contract.errors import Busy, CheckpointError, KogptError, TooLarge
from kogpt_funcs.models import Generation, Score, Special
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.language_model import LanguageModel, load
from kogpt_funcs.models.decoder.engine import Engine

PROMPTS = [
    [Special("<s>"), text] for text in ("인생을 즐겁게 살기 위해서는", "어느 날 아침, 그는 낯선 편지 한 통을 받았다.")
]
TARGETS = [" 좋은 친구가 필요하다.", " 그 편지에는 이름이 없었다.", " ㅋ"]
PAIRS = [(prompt, target) for prompt in PROMPTS for target in TARGETS]
CLOSE = {"fp32": 1e-4, "int8": 0.3, "compiled": 0.3, "bf16": 0.3}  # of the mean log probability of a token


def asked(adapter: str | None = None) -> list[Score]:
    return models.score([prompt for prompt, _ in PAIRS], [target for _, target in PAIRS], adapter)


def expected(model: LanguageModel, plain: Any) -> list[list[float]]:
    """What `plain`, a model of transformers or PEFT, says of each token of PAIRS."""
    found = []
    for prompt, target in PAIRS:
        before, after = model.tokenizer.encode(prompt), model.tokenizer.encode([target])
        with torch.no_grad():
            shares = plain(input_ids=torch.tensor([before + after])).logits[0].double().log_softmax(-1)
        found.append([float(shares[len(before) - 1 + n, token]) for n, token in enumerate(after)])
    return found


def compare(scores: list[Score], tokens: list[list[float]], close: float) -> None:
    for score, wanted in zip(scores, tokens, strict=True):
        assert score.tokens == len(wanted)
        assert score.mean == pytest.approx(sum(wanted) / len(wanted), abs=close)
        assert score.log_probability == pytest.approx(score.mean * score.tokens)


def test_scores_are_those_of_transformers(base: Base) -> None:
    plain = load(checkpoints.folder(base.name))
    compare(asked(), expected(LanguageModel(base.name), plain), CLOSE[base.engine])


def test_scores_with_an_adapter_are_those_of_peft(base: Base) -> None:
    from peft import PeftModel

    folder = checkpoints.adapter_folder("change_style", base.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PEFT asks transformers in words that are going out
        plain = PeftModel.from_pretrained(load(checkpoints.folder(base.name)), str(folder))
    compare(asked("change_style"), expected(LanguageModel(base.name), plain), CLOSE[base.engine])
    assert [score.mean for score in asked("change_style")] != pytest.approx([score.mean for score in asked()], abs=0.05)


def test_scores_and_samples_are_the_same_in_one_batch_as_alone(base: Base, configure: Callable[..., None]) -> None:
    configure(deterministic=True)
    requests = [Generation(prompt, seed=i, num_samples=3, max_new_tokens=24) for i, prompt in enumerate(PROMPTS * 2)]

    def write(request: Generation) -> list[models.Sample]:
        *_, last = models.generate(request)
        return last

    asks: list[Callable[[], Any]] = [
        *(lambda r=r: write(r) for r in requests),
        asked,
        lambda: asked("change_style"),
        asked,
    ]
    alone = [ask() for ask in asks]
    answers: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda i=i: answers.update({i: asks[i]()})) for i in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[i] for i in range(len(asks))] == alone


def test_a_reply_that_fits_ranks_before_one_that_does_not(base: Base) -> None:
    message, neutral = [Special("<s>"), "오늘은 하루 종일 비가 왔다. 우산을 쓰고"], [Special("<s>"), "그는"]
    replies = [" 비를 맞으며 걸었다.", " 영화를 보았다."]
    with_message, without = models.score([message] * 2, replies), models.score([neutral] * 2, replies)
    gains = [a.mean - 0.5 * b.mean for a, b in zip(with_message, without, strict=True)]
    assert gains[0] > gains[1]


# -- on a table that can be followed by hand --


def by_hand(table: TableNetwork, ids: list[int], start: int, adapter: Any = None) -> float:
    total = 0.0
    for n in range(start, len(ids)):
        logits = table.after(ids[:n], adapter).astype(np.float64)
        total += logits[ids[n]] - np.log(np.exp(logits).sum())
    return total


def read(table: TableNetwork) -> int:
    return sum(len(work.ids) for group in table.passes for work in group)


def test_more_targets_than_run_at_once_are_scored_each_in_its_place(
    tiny: Engine, table: TableNetwork, letters: Letters
) -> None:
    targets = [a + b for a in "abcdefgh" for b in ("", "b", ".cab", " abcdefg")]
    prompts = [[Special("<s>"), "abc" if n % 3 else "hegab"] for n in range(len(targets))]
    scores = tiny.score(prompts, targets, 2)
    for prompt, target, score in zip(prompts, targets, scores, strict=True):
        before, after = letters.encode(prompt), letters.encode([target])
        assert score.tokens == len(target)
        assert score.log_probability == pytest.approx(by_hand(table, before + after, len(before), 2), abs=1e-4)
    assert max(len(group) for group in table.passes) == 16


def test_a_prompt_is_read_once_and_kept_for_the_next_request(tiny: Engine, table: TableNetwork) -> None:
    prompt, targets = [Special("<s>"), "abcdefghij"], ["ab", "cd", "ef"]
    first = tiny.score([prompt] * 3, targets, None)
    assert read(table) == 11 + 3  # the last token of a target is not read
    table.passes.clear()
    assert tiny.score([prompt] * 3, targets, None) == first
    assert read(table) == 1 + 3


def test_no_prompt_is_kept_where_that_could_change_a_score(tiny: Engine, table: TableNetwork) -> None:
    table.batch_invariant = False
    prompt = [Special("<s>"), "abcdefghij"]
    first = tiny.score([prompt], ["ab"], None)
    assert tiny.score([prompt], ["ab"], None) == first
    assert read(table) == 2 * (11 + 1)


def test_a_long_prompt_loses_what_stands_after_its_first_token(
    tiny: Engine, table: TableNetwork, letters: Letters
) -> None:
    long = [Special("<s>"), "k" * 70 + "abc" * 10]
    tiny.score([long, long], ["ab", "abcd"], None)
    seen = max((work.cache.ids for group in table.passes for work in group), key=len)
    assert len(seen) == 64  # the context
    assert letters.decode(seen[1:]).endswith("abc" * 10 + "abc")
    assert seen[0] == letters.encode(long)[0]


@pytest.mark.parametrize(
    ("targets", "error", "sentence"),
    [
        (["a", ""], KogptError, "'' has no tokens"),
        (["a" * 65, "a"], TooLarge, "65 tokens is too long .* 64 tokens at once"),
    ],
)
def test_what_cannot_be_scored_gets_a_sentence(
    tiny: Engine, targets: list[str], error: type[Exception], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        tiny.score([["a"]] * 2, targets, None)
    assert tiny.load == {"running": 0, "waiting": 0}


def test_nothing_asked_is_nothing_answered() -> None:
    assert models.score([], []) == []


def test_limits_and_errors_are_those_of_generation(configure: Callable[..., None]) -> None:
    configure(queue=1)
    first = models.generate(Generation(PROMPTS[0]))
    next(first)
    with pytest.raises(Busy):
        asked()
    first.close()  # type: ignore[attr-defined]
    with pytest.raises(CheckpointError, match="No adapter 'no_such'"):
        asked("no_such")
    configure(base="http://127.0.0.1:9/v1#model")
    with pytest.raises(CheckpointError, match="cannot score texts"):
        asked()
