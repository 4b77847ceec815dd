"""글자 세기: a seventh function that needs no model; the tests drop it into a copy of the package."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Optional

from pydantic import BaseModel, Field

from kogpt_funcs.korean.text import required


class Pause(BaseModel):
    seconds: float = Field(
        0.0, ge=0.0, le=1.0, title="쉬는 시간", examples=[0.1], description="글자마다 쉬는 시간입니다."
    )


class CountLettersInput(BaseModel):
    text: str = Field(..., max_length=100, title="글", examples=["안녕"], description="셀 글입니다.")
    least: int = Field(1, ge=1, le=100, title="최소", examples=[1], description="이만큼 나온 글자만 보여 줍니다.")
    spaces: bool = Field(True, title="빈칸", examples=[True], description="켜면 빈칸도 셉니다.")
    only: Optional[list[str]] = Field(None, title="셀 글자", examples=[["가"]], description="비우면 모두 셉니다.")
    pause: Optional[Pause] = Field(None, title="쉬기", examples=[{"seconds": 0.1}], description="천천히 셉니다.")


class LetterCount(BaseModel):
    letter: str = Field(..., title="글자", description="글자 하나입니다.")
    count: int = Field(..., ge=0, title="개수", description="나온 횟수입니다.")


class CountLettersOutput(BaseModel):
    text: str = Field(..., title="센 글", description="센 글을 다듬은 것입니다.")
    total: int = Field(..., title="모두", description="글자의 개수입니다.")
    letters: list[LetterCount] = Field(..., title="글자마다", description="많이 나온 글자부터입니다.")


EXAMPLES = [{"text": "안녕하세요"}]


def count_letters(input: CountLettersInput) -> CountLettersOutput:
    """글자 세기

    글에 나온 글자를 셉니다.
    """
    *_, last = stream(input)
    return last


def stream(input: CountLettersInput) -> Iterator[CountLettersOutput]:
    """The counts so far, letter by letter."""
    text = required(input.text)
    print("세는 중")  # a library may print; it must not reach the JSON
    counts: Counter[str] = Counter()
    for letter in text:
        time.sleep(input.pause.seconds if input.pause else 0)
        if (letter != " " or input.spaces) and (input.only is None or letter in input.only):
            counts[letter] += 1
        shown = [LetterCount(letter=k, count=n) for k, n in counts.most_common() if n >= input.least]
        yield CountLettersOutput(text=text, total=counts.total(), letters=shown)
