"""Threads in which the database is asked, so that the event loop stays free; who finds none waits for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

_AT_ONCE = 8  # as many as there are connections (database.py)
_limiter: RunVar[CapacityLimiter] = RunVar("kogpt_site_threads")

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


async def run(do: Callable[_Given, _Answer], *given: _Given.args, **named: _Given.kwargs) -> _Answer:
    """What `do` answers, in a thread of its own."""
    try:
        limiter = _limiter.get()
    except LookupError:
        _limiter.set(limiter := CapacityLimiter(_AT_ONCE))
    return await to_thread.run_sync(lambda: do(*given, **named), limiter=limiter)
