"""안에서 고장 내기: its request raises inside the running batch; the tests drop it into a copy of the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.korean.text import required
from kogpt_funcs.models import Generation, Special


class BreakInsideInput(BaseModel):
    text: str = Field(..., max_length=100, title="글", examples=["안녕"], description="이어서 쓰다가 고장 날 글입니다.")


class BreakInsideOutput(BaseModel):
    text: str = Field(..., title="글", description="고장 나기 전까지 쓴 글입니다.")


EXAMPLES = [{"text": "안녕하세요"}]


class Secretive(float):
    """A penalty that fails when the decoder applies it."""

    def __rtruediv__(self, other: Any) -> Any:
        raise ZeroDivisionError("secret")

    __array_priority__ = 1000
    __array_ufunc__ = None


def break_inside(input: BreakInsideInput) -> BreakInsideOutput:
    """안에서 고장 내기

    글을 쓰다가 묶음 안에서 고장 납니다.
    """
    *_, last = stream(input)
    return last


def stream(input: BreakInsideInput) -> Iterator[BreakInsideOutput]:
    request = Generation(prompt=[Special("<s>"), required(input.text)], repetition_penalty=Secretive(1.5), seed=1)
    for samples in models.generate(request):
        yield BreakInsideOutput(text=samples[0].text)
