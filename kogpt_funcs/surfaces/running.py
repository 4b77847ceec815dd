"""Runs a function: whole, streaming, or as one of many. Every surface runs functions here and only translates."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any, NamedTuple

from pydantic import BaseModel

from kogpt_funcs.contract.function import Function


class Outcome(NamedTuple):
    """What came of one among many: an Output, or the error that belongs to this one."""

    output: BaseModel | None
    error: Exception | None = None


def whole(function: Function, data: Any) -> BaseModel:
    """The Output for `data` (JSON data). Raises InvalidInput and whatever the function raises."""
    return function.call(function.parse(data))


def streamed(function: Function, data: Any) -> Generator[BaseModel]:
    """The Outputs for `data` as they grow, the last one whole; that one alone if the function does not stream.

    Closing this ends the work.
    """
    given = function.parse(data)
    if function.stream is None:
        yield function.call(given)
        return
    output = None
    with closing(function.stream(given)) as outputs:  # type: ignore[type-var]
        for output in outputs:
            yield output
    if output is None:
        raise RuntimeError(f"{function.name}'s stream yields nothing.")


def one_of_many(function: Function, data: Any) -> Outcome:
    """`whole`, with an error as part of the outcome: one bad input must not end the others."""
    try:
        return Outcome(whole(function, data))
    except Exception as error:
        return Outcome(None, error)
