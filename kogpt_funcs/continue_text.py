"""이어쓰기: continue a text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.korean.text import last_sentence_end, missing_marks, required
from kogpt_funcs.models import Example, Generation, Sample, Special

_ROUNDS = 3  # attempts at ending with the end of a sentence


class ContinueTextInput(Sampling):
    text: str = Field(
        ...,
        min_length=1,
        max_length=1000,
        title="글",
        examples=["인생을 즐겁게 살기 위해서는"],
        description="이어서 쓸 글의 앞부분입니다. 1,000자까지 받습니다.",
    )
    num_samples: int = Field(
        1,
        ge=1,
        le=5,
        title="개수",
        examples=[1],
        description="서로 다른 이어쓰기를 몇 개 쓸지 정합니다.",
    )
    stop_at_sentence_end: bool = Field(
        True,
        title="문장 끝에서 멈추기",
        examples=[True],
        description="켜면 문장이 끝나는 곳에서 멈춥니다. 끄면 최대 길이까지 씁니다.",
    )


class Continuation(BaseModel):
    text: str = Field(
        ..., title="이어 쓴 글", description="앞부분을 뺀, 새로 쓴 글입니다. 앞부분 바로 뒤에 그대로 붙이면 됩니다."
    )
    tokens: int = Field(..., ge=0, title="토큰 수", description="새로 쓴 토큰의 개수입니다.")
    finish_reason: Literal["", "end_of_text", "sentence_end", "length"] = Field(
        "",
        title="멈춘 까닭",
        description="글이 끝남(end_of_text), 문장이 끝남(sentence_end), 최대 길이(length). 쓰는 중에는 비어 있습니다.",
    )


class ContinueTextOutput(BaseModel):
    continuations: list[Continuation] = Field(..., title="이어쓰기", description="서로 다른 이어쓰기들입니다.")


EXAMPLES = [
    {"text": "인생을 즐겁게 살기 위해서는", "seed": 1},
    {"text": "어느 날 아침, 그는 낯선 편지 한 통을 받았다.", "num_samples": 2, "seed": 2},
    {"text": "두 사람은 작은 마을에서 함께 자랐다. 그러나", "seed": 3},
]

ENGLISH = {
    "title": "Continue text",
    "description": "Give the beginning of a text and it goes on from there, after a finished sentence with the "
    "next one.",
    "input": {
        "text": ("Text", "The beginning of the text, in Korean. Up to 1,000 characters."),
        "num_samples": ("Number of texts", "How many different continuations to write."),
        "stop_at_sentence_end": (
            "Stop at the end of a sentence",
            "On: stops where a sentence ends. Off: writes up to the maximum length.",
        ),
    },
    "output": {
        "continuations": ("Continuations", "The different continuations."),
        "continuations.text": ("Continuation", "The new text alone. Append it to the beginning as it is."),
        "continuations.tokens": ("Tokens", "How many tokens were written."),
        "continuations.finish_reason": (
            "Stopped at",
            "The end of the text, the end of a sentence, or the maximum length. Empty while it is being written.",
        ),
    },
    "labels": {"end_of_text": "end of text", "sentence_end": "end of sentence", "length": "maximum length"},
}
LABELS = {"end_of_text": "글이 끝남", "sentence_end": "문장이 끝남", "length": "최대 길이"}


def continue_text(input: ContinueTextInput) -> ContinueTextOutput:
    """이어쓰기

    글의 앞부분을 주면 그 뒤를 이어서 씁니다. 다 끝난 문장 뒤에도 다음 문장을 씁니다.
    """
    *_, last = stream(input)
    return last


def stream(input: ContinueTextInput) -> Iterator[ContinueTextOutput]:
    """Partial outputs as the text grows; the last one is the answer.

    A continuation that reaches its length in the middle of a sentence is written anew.
    """
    text = required(input.text)
    written = [Sample() for _ in range(input.num_samples)]
    unfinished = list(range(input.num_samples))
    for attempt in range(_ROUNDS):
        for samples in models.generate(_request(input, text, len(unfinished), attempt)):
            for i, sample in zip(unfinished, samples, strict=True):
                written[i] = sample
            yield _output(written)
        unfinished = [i for i in unfinished if last_sentence_end(written[i].text) < len(written[i].text)]
        if not unfinished or not input.stop_at_sentence_end or input.temperature == 0:
            break


def _request(input: ContinueTextInput, text: str, num_samples: int, attempt: int) -> Generation:
    asked = models.preferences("continue_text")
    return Generation(
        prompt=prompt(text),
        adapter="continue_text",
        adapter_optional=True,
        num_samples=num_samples,
        min_new_tokens=8,
        no_repeat_ngram=4,
        end="sentence" if input.stop_at_sentence_end else "text",
        bad_words=missing_marks(text) if asked.get("in_kind") else (),
        **models.preferred({**input.options(), "seed": input.seed_of(attempt)}, asked),
    )


def _output(written: list[Sample]) -> ContinueTextOutput:
    return ContinueTextOutput(continuations=[Continuation(**vars(sample)) for sample in written])


def prompt(text: str) -> list[Special | str]:
    return [Special("<s>"), text]


def training_examples(row: dict[str, Any], rng: random.Random) -> Iterator[Example]:
    """A row with `text` is a document to be learned whole."""
    yield Example([Special("<s>")], row["text"])
