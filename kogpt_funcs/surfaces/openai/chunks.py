"""Chunks as server-sent events, as OpenAI sends them: `data: {…}`, and `data: [DONE]` at the end."""

from __future__ import annotations

from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import work
from kogpt_funcs.surfaces.openai.answers import ChatAnswer, CompletionAnswer
from kogpt_funcs.surfaces.public.refusals import openai_body, openai_response
from kogpt_funcs.surfaces.wire import to_json

PING_SECONDS = 15  # proxies cut a silent connection after 30 s or more
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class ChunkStream(Response):
    """A fault that is known before anything is sent has its own HTTP status; a later one is a chunk with `error`."""

    def __init__(self, function: Function, data: dict[str, Any], answer: CompletionAnswer | ChatAnswer) -> None:
        super().__init__(headers=_HEADERS, media_type="text/event-stream")
        del self.headers["content-length"]
        self.function, self.data, self.answer = function, data, answer
        options = data.get("stream_options")
        self.wants_usage = isinstance(options, dict) and options.get("include_usage") is True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with work.until_left(receive), work.started(self.function, self.data) as events:
            event = await _next(events)
            if event is not None and event.error is not None:
                await openai_response(event.error)(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while event is None or event.name == "partial":
                await send({"type": "http.response.body", "body": self._frames(event), "more_body": True})
                event = await _next(events)
            last = self._frames(event) + self._usage(event) + b"data: [DONE]\n\n"
            await send({"type": "http.response.body", "body": last, "more_body": False})

    def _frames(self, event: work.Event | None) -> bytes:
        if event is None:
            return b": ping\n\n"
        if event.error is not None:
            return _frame(openai_body(event.error))
        if event.name == "partial" and isinstance(self.answer, ChatAnswer):
            return b""  # it has one part alone, and that comes again as the result
        return b"".join(map(_frame, self.answer.grown(event.data)))

    def _usage(self, event: work.Event) -> bytes:
        return _frame(self.answer.last(event.data)) if self.wants_usage and event.error is None else b""


async def _next(events: MemoryObjectReceiveStream[work.Event]) -> work.Event | None:
    with anyio.move_on_after(PING_SECONDS):
        return await events.receive()
    return None


def _frame(data: Any) -> bytes:
    return b"data: %s\n\n" % to_json(data)
