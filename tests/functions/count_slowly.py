"""천천히 세기: streams, and notes in a file how each count ended; the tests drop it into a copy of the package."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, Field


class CountSlowlyInput(BaseModel):
    name: str = Field(..., max_length=40, title="이름", examples=["하나"], description="기록에 남길 이름입니다.")
    upto: int = Field(3, ge=1, le=1000, title="끝", examples=[3], description="여기까지 셉니다.")
    pause: float = Field(0.0, ge=0.0, le=1.0, title="쉼", examples=[0.0], description="한 번 세고 쉬는 초입니다.")


class CountSlowlyOutput(BaseModel):
    count: int = Field(..., title="센 수", description="지금까지 센 수입니다.")


EXAMPLES = [{"name": "하나", "upto": 3}]


def count_slowly(input: CountSlowlyInput) -> CountSlowlyOutput:
    """천천히 세기

    하나부터 셉니다.
    """
    *_, last = stream(input)
    return last


def stream(input: CountSlowlyInput) -> Iterator[CountSlowlyOutput]:
    reached = 0
    try:
        for reached in range(1, input.upto + 1):
            yield CountSlowlyOutput(count=reached)
            time.sleep(input.pause)
    finally:
        with Path(__file__).with_name("counts.txt").open("a", encoding="utf-8") as file:
            file.write(f"{input.name} {reached}\n")
