"""Runs functions in worker threads so that the event loop stays free; a cancelled task cancels its function.

The gate of the model layer decides how many may wait for a model (KOGPT_QUEUE). There are threads here for all of them
and a few to spare: for what needs no model, and for telling others that the gate is full. With no thread left the
answer is Busy at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, Literal, NamedTuple

import anyio
from anyio import CancelScope, CapacityLimiter, from_thread, to_thread
from anyio.lowlevel import RunVar
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from starlette.types import Receive

from kogpt_funcs import models
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import faults, running
from kogpt_funcs.surfaces.wire import plain

_SPARE_THREADS = 8
_EVENTS_AHEAD = 32
_MANY_AT_ONCE = 4  # of one batch's items, so that a long batch leaves room for others
_threads: RunVar[CapacityLimiter] = RunVar("kogpt_threads")

Partial = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


class Event(NamedTuple):
    """One step of an answer; `data` is what goes on the wire, `error` is there when `name` is "error"."""

    name: Literal["partial", "result", "error"]
    data: dict[str, Any]
    error: KogptError | None = None


async def answer(function: Function, data: Any, partial: Partial | None = None) -> dict[str, Any]:
    """The function's Output for `data` as plain JSON data. Raises what the function raises, and Busy.

    `partial` is awaited with each partial Output, if the function streams.
    """
    threads = _limiter()
    if threads.available_tokens < 1:
        raise models.full()
    return await to_thread.run_sync(_in_thread, function, data, partial, limiter=threads)


async def many(function: Function, items: Sequence[Any]) -> list[dict[str, Any] | KogptError]:
    """The Output as plain JSON data, or the error, for each of `items` in their order."""
    results: list[dict[str, Any] | KogptError] = [KogptError()] * len(items)
    waiting = iter(enumerate(items))

    async def worker() -> None:
        for index, item in waiting:
            try:
                results[index] = await answer(function, item)
            except Exception as error:
                results[index] = faults.known(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(_MANY_AT_ONCE):
            tasks.start_soon(worker)
    return results


@asynccontextmanager
async def started(function: Function, data: Any) -> AsyncIterator[MemoryObjectReceiveStream[Event]]:
    """The events of an answer: partial ones, then one "result" or "error". Leaving the block cancels the work.

    Each partial is a whole snapshot, so a reader too slow for them misses some; it never misses the end.
    """
    sender, receiver = anyio.create_memory_object_stream[Event](_EVENTS_AHEAD)
    async with receiver, _beside(_produce, function, data, sender):
        yield receiver


@asynccontextmanager
async def until_left(receive: Receive) -> AsyncIterator[None]:
    """Cancels the block when the client of `receive` (ASGI, its body read) disconnects."""

    async def watch(block: CancelScope) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        block.cancel()

    with CancelScope() as block:
        async with _beside(watch, block):
            yield


@asynccontextmanager
async def _beside(job: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> AsyncIterator[None]:
    """Runs `job` until the block ends; the block's own error comes out as it is, not in a group."""
    failed: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(job, *args)
        try:
            yield
        except Exception as error:
            failed = error
        tasks.cancel_scope.cancel()
    if failed is not None:
        raise failed


async def _produce(function: Function, data: Any, sender: MemoryObjectSendStream[Event]) -> None:
    async def partial(output: dict[str, Any]) -> None:
        if sender.statistics().current_buffer_used < _EVENTS_AHEAD:
            await sender.send(Event("partial", output))

    async with sender:
        try:
            last = Event("result", await answer(function, data, partial))
        except Exception as error:
            fault = faults.known(error)
            last = Event("error", faults.body(fault), fault)
        await sender.send(last)


def _in_thread(function: Function, data: Any, partial: Partial | None) -> dict[str, Any]:
    try:
        return _answer(function, data, partial)
    except Exception as error:
        fault = faults.known(error).with_traceback(None)
        fault.__cause__ = fault.__context__ = None
    # An error that leaves a thread stays in reference cycles for a while; its traceback would keep whatever the frames
    # hold, caches too.
    raise fault


def _answer(function: Function, data: Any, partial: Partial | None) -> dict[str, Any]:
    with closing(running.streamed(function, data)) as outputs:
        for output in outputs:
            from_thread.check_cancelled()
            if partial and function.stream:
                from_thread.run(partial, plain(output))
    return plain(output)


def _limiter() -> CapacityLimiter:
    try:
        return _threads.get()
    except LookupError:
        _threads.set(limiter := CapacityLimiter(settings.current().queue + _SPARE_THREADS))
        return limiter
