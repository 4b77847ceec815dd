"""continue_text on the shipped weights: where its texts end."""

from __future__ import annotations

import pytest

from kogpt_funcs import continue_text
from kogpt_funcs.continue_text import ContinueTextInput, ContinueTextOutput, stream
from kogpt_funcs.korean.text import last_sentence_end

PROMPTS = [
    "인생을 즐겁게 살기 위해서는",
    "어느 날 아침, 그는 낯선 편지 한 통을 받았다.",
    "두 사람은 작은 마을에서 함께 자랐다. 그러나",
]


def written(text: str, **options: object) -> ContinueTextOutput:
    return continue_text(ContinueTextInput.model_validate({"text": text, **options}))


def ends(text: str) -> bool:
    return bool(text) and last_sentence_end(text) == len(text)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_most_end_at_a_sentence_end(prompt: str) -> None:
    texts = [c.text for seed in (1, 2) for c in written(prompt, seed=seed, num_samples=5).continuations]
    assert sum(map(ends, texts)) >= 8, texts


def test_what_does_not_end_is_written_anew() -> None:
    changed = []
    for seed in range(4):
        short = ContinueTextInput(text=PROMPTS[0], seed=seed, num_samples=3, max_new_tokens=12)
        snapshots = [[c.text for c in output.continuations] for output in stream(short)]
        changed += [
            t
            for texts in snapshots
            for t, last in zip(texts, snapshots[-1], strict=True)
            if not (last.startswith(t) or t.startswith(last))
        ]
        assert [c.text for c in continue_text(short).continuations] == snapshots[-1]
    assert changed


def test_one_that_ended_is_kept_as_it_was() -> None:
    once = [c for c in written(PROMPTS[1], seed=5, num_samples=5, max_new_tokens=24).continuations if ends(c.text)]
    first_round = {}
    for output in stream(ContinueTextInput(text=PROMPTS[1], seed=5, num_samples=5, max_new_tokens=24)):
        for i, c in enumerate(output.continuations):
            if c.finish_reason and i not in first_round:
                first_round[i] = c
    assert {c.text for c in first_round.values() if ends(c.text)} <= {c.text for c in once}


def test_without_stopping_nothing_is_written_anew() -> None:
    (continuation,) = written(PROMPTS[0], seed=1, stop_at_sentence_end=False, max_new_tokens=16).continuations
    assert continuation.tokens <= 16


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_kind_no_line_break_and_no_digit_comes_out_of_nowhere(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kogpt_funcs.models.preferences", lambda adapter: {"in_kind": 1})
    texts = [c.text for c in written(PROMPTS[0], seed=seed, num_samples=5).continuations]
    assert not any(letter.isdigit() or letter == "\n" for text in texts for letter in text)
