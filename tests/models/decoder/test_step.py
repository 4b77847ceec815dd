"""Prompts cut into pieces, steps over them, and the tokens that come of it, on a table that can be followed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tiny_language import END, PAD, START, Letters, Read, TableNetwork

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Generation, Special
from kogpt_funcs.models.decoder.engine import Engine
from kogpt_funcs.models.decoder.prefill import PromptReading, fit
from kogpt_funcs.models.decoder.prefixes import Prefixes
from kogpt_funcs.models.decoder.running import Running
from kogpt_funcs.models.decoder.step import Step
from kogpt_funcs.models.networks.network import Work


def greedy(table: TableNetwork, letters: Letters, prompt: list[int], count: int) -> str:
    ids = list(prompt)
    for _ in range(count):
        logits = table.after(ids).copy()
        logits[[START, PAD, END]] = -np.inf
        ids.append(int(logits.argmax()))
    return letters.decode(ids[len(prompt) :]).rstrip()


def test_a_prompt_is_read_in_pieces_that_fit_the_room() -> None:
    prompt, opened = PromptReading(list(range(10))), []

    def open_cache(ids: list[int]) -> Read:
        opened.append(ids)
        return Read(ids[:3])

    assert prompt.next(0, open_cache) == []
    assert not opened
    assert prompt.next(4, open_cache) == [3, 4, 5, 6]
    prompt.cache.ids += [3, 4, 5, 6]
    assert not prompt.done
    assert prompt.next(4, open_cache) == [7, 8, 9]
    prompt.cache.ids += [7, 8, 9]
    assert prompt.done
    assert len(opened) == 1


def test_what_is_too_long_loses_text_after_its_first_token() -> None:
    assert fit([1, 2, 3, 4, 5], 5) == [1, 2, 3, 4, 5]
    assert fit([1, 2, 3, 4, 5], 3) == [1, 4, 5]


def test_an_empty_prompt_gets_a_sentence(tiny: Engine) -> None:
    with pytest.raises(KogptError, match="prompt is empty"):
        next(iter(tiny.generate(Generation(prompt=[""]), None)))


def test_control_tokens_are_those_of_the_tokenizer(tiny: Engine, table: TableNetwork, letters: Letters) -> None:
    """Ids that mean the end, or nothing, in other vocabularies are letters here, and the other way round."""
    table.table[:, :, START] = table.table[:, :, PAD] = 50  # would always be drawn
    table.table[:, :, END] = 40
    request = Generation([Special("<s>"), "abc"], temperature=0.0, max_new_tokens=8, min_new_tokens=6)
    *_, (sample,) = tiny.generate(request, None)
    assert (sample.text, sample.finish_reason) == (
        greedy(table, letters, letters.encode(request.prompt), 6),
        "end_of_text",
    )


def step_on(table: TableNetwork, requests: Sequence[Generation]) -> tuple[Step, list[Any]]:
    engine = Engine(table, Letters(), 1024)
    return Step(table, Prefixes()), [engine.running(request, None) for request in requests]


def test_one_step_reads_so_much_of_prompts_beside_all_samples(table: TableNetwork) -> None:
    short, long = Generation(["abc"], num_samples=3, seed=1, min_new_tokens=9), Generation(["abcd" * 100], seed=1)
    step, running = step_on(table, [short, long])
    for _ in range(3):
        step.run(running)
    read = [[len(work.ids) for work in group] for group in table.passes]
    assert read == [[3, 253], [147, 1, 1, 1], [1, 1, 1, 1]]  # whoever has had few steps goes first


def test_apart_each_request_has_passes_of_its_own(table: TableNetwork, configure: Any) -> None:
    configure(deterministic=True)
    table.batch_invariant = False
    step, running = step_on(table, [Generation(["abc"], seed=1), Generation(["abcd" * 100], seed=1)])
    step.run(running)
    assert [[len(work.ids) for work in group] for group in table.passes] == [[3], [256]]


def test_a_pass_that_fails_is_tried_request_by_request(table: TableNetwork) -> None:
    step, running = step_on(table, [Generation([text], seed=1) for text in ("abc", "kkk", "def")])
    forward, bad = table.forward, Letters().texts.index("k")

    def failing(work: Sequence[Work], **options: Any) -> Any:
        if any(bad in piece.ids for piece in work):
            raise ValueError("k")
        return forward(work, **options)

    table.forward = failing  # type: ignore[method-assign]
    step.run(running)
    assert [type(request.error) for request in running] == [type(None), ValueError, type(None)]
    assert [len(request.samples[0].ids) for request in running] == [1, 0, 1]


def test_only_what_ended_well_is_kept(table: TableNetwork) -> None:
    step, (done, failed) = step_on(table, [Generation(["abcdefghij"], max_new_tokens=2, min_new_tokens=2)] * 2)
    while not done.over:
        step.run([running for running in (done, failed) if not running.over])
    failed.fail(ValueError())
    running: Running
    for running in (failed, done):
        step.keep(running)
        assert bool(step.prefixes.bytes) == (running is done)
