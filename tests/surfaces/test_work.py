"""A function in a worker thread: what it held while it failed is let go at once, not when cycles are next looked
for.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import CheckpointError, KogptError
from kogpt_funcs.surfaces import faults, work
from kogpt_funcs.surfaces.faults import Internal


class Caches:
    """Stands for the megabytes that a request holds while it is under way."""


@pytest.mark.parametrize(
    ("error", "told"),
    [(ZeroDivisionError("secret"), Internal), (CheckpointError("없습니다."), CheckpointError)],
    ids=repr,
)
def test_a_request_that_fails_keeps_nothing(
    error: Exception, told: type[KogptError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults._log, "disabled", True)  # pytest keeps what is logged, tracebacks and all
    held: list[weakref.ref[Any]] = []

    def stream(_: Any) -> Iterator[Any]:
        caches = Caches()
        held.append(weakref.ref(caches))
        try:
            raise KeyError(caches)
        except KeyError as cause:
            raise type(error)(*error.args) from cause
        yield

    function = replace(registry.get("continue_text"), stream=stream)

    async def ask() -> None:
        with pytest.raises(told) as raised:
            await work.answer(function, {"text": "안녕"})
        assert "secret" not in str(raised.value)
        raised.value.__traceback__ = None

    gc.disable()
    try:
        anyio.run(ask)
        assert [reference() for reference in held] == [None]
    finally:
        gc.enable()
