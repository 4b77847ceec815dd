"""A function run whole, streaming and as one of many; its stream is closed whoever leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import BaseModel, Field

from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import running


class Count(BaseModel):
    upto: int = Field(..., ge=0, le=9, title="끝", description="여기까지 셉니다.", examples=[3])


closed: list[int] = []


def count(input: Count) -> Count:
    return input


def stream(input: Count) -> Iterator[Count]:
    try:
        yield from (Count(upto=number) for number in range(1, input.upto + 1))
    finally:
        closed.append(input.upto)


COUNT = Function("count", "세기", "", count, Count, Count, ({"upto": 1},), stream)
PLAIN = Function("count", "세기", "", count, Count, Count, ({"upto": 1},))


def test_a_stream_ends_with_the_whole_answer() -> None:
    assert list(running.streamed(COUNT, {"upto": 3})) == [
        Count(upto=1),
        Count(upto=2),
        running.whole(COUNT, {"upto": 3}),
    ]


def test_without_a_stream_the_answer_comes_alone() -> None:
    assert list(running.streamed(PLAIN, {"upto": 3})) == [Count(upto=3)]


def test_leaving_closes_the_function() -> None:
    outputs = running.streamed(COUNT, {"upto": 5})
    next(outputs)
    outputs.close()
    assert closed.pop() == 5


def test_a_stream_of_nothing_is_a_fault_of_the_function() -> None:
    with pytest.raises(RuntimeError, match="count's stream yields nothing"):
        list(running.streamed(COUNT, {"upto": 0}))


def test_one_bad_input_does_not_end_the_others() -> None:
    outcomes = [running.one_of_many(COUNT, data) for data in ({"upto": 1}, {"upto": 10}, {"upto": 2})]
    assert [outcome.output for outcome in outcomes] == [Count(upto=1), None, Count(upto=2)]
    assert isinstance(outcomes[1].error, InvalidInput)
    with pytest.raises(InvalidInput):
        running.whole(COUNT, {"upto": 10})
