"""낱자 풀기: streams, and declares its English; the tests drop it into a copy of the package."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, Field

from kogpt_funcs.korean.text import required


class SpellOutInput(BaseModel):
    text: str = Field(
        ..., max_length=50, title="글", examples=["강"], description="낱자로 풀 글입니다. 50자까지 받습니다."
    )
    between: Literal["빈칸", "붙임표"] = Field(
        "빈칸", title="사이", examples=["빈칸"], description="낱자 사이에 무엇을 둘지 고릅니다."
    )


class Syllable(BaseModel):
    text: str = Field(..., title="푼 글자", description="낱자로 푼 한 글자입니다.")
    kind: Literal["hangul", "other"] = Field(
        ..., title="갈래", description="한글(hangul)인지 다른 글자(other)인지입니다."
    )


class SpellOutOutput(BaseModel):
    syllables: list[Syllable] = Field(..., title="낱자", description="글자마다 푼 것입니다.")


EXAMPLES = [{"text": "강산", "between": "붙임표"}]

ENGLISH = {
    "title": "Spell out",
    "description": "Takes Korean syllables apart into their letters.",
    "input": {
        "text": ("Text", "The text to take apart. Up to 50 characters."),
        "between": ("Separator", "What to put between the letters."),
    },
    "output": {
        "syllables": ("Letters", "One entry for each syllable."),
        "syllables.text": ("Syllable", "One syllable, taken apart."),
        "syllables.kind": ("Kind", "Hangul or another script."),
    },
    "labels": {"빈칸": "Blank", "붙임표": "Hyphen", "hangul": "Korean", "other": "other script"},
}
LABELS = {"hangul": "한글", "other": "다른 글자"}


def spell_out(input: SpellOutInput) -> SpellOutOutput:
    """낱자 풀기

    한글을 낱자로 풉니다.
    """
    *_, last = stream(input)
    return last


def stream(input: SpellOutInput) -> Iterator[SpellOutOutput]:
    """The syllables so far, one more each time."""
    separator = {"빈칸": " ", "붙임표": "-"}[input.between]
    done: list[Syllable] = []
    for letter in required(input.text):
        parts = unicodedata.normalize("NFD", letter)
        done.append(Syllable(text=separator.join(parts), kind="hangul" if len(parts) > 1 else "other"))
        yield SpellOutOutput(syllables=done)
