"""An answer as server-sent events: `partial` ones, then one `result` or `error`. A client that leaves ends the work."""

from __future__ import annotations

from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import faults, work
from kogpt_funcs.surfaces.wire import to_json

PING_SECONDS = 15  # proxies cut a silent connection after 30 s or more
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """A fault that is known before anything is sent has its own HTTP status; a later one is an `error` event."""

    def __init__(self, function: Function, data: Any) -> None:
        super().__init__(headers=_HEADERS, media_type="text/event-stream")
        del self.headers["content-length"]
        self.function = function
        self.data = data

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with work.until_left(receive), work.started(self.function, self.data) as events:
            event = await _next(events)
            if event is not None and event.error is not None:
                await self.refusal(event.error)(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            while event is None or event.name == "partial":
                body = b": ping\n\n" if event is None else self.frames(event)
                await send({"type": "http.response.body", "body": body, "more_body": True})
                event = await _next(events)
            await send({"type": "http.response.body", "body": self.frames(event), "more_body": False})

    def refusal(self, error: KogptError) -> Response:
        """The answer to a fault that is known before anything is sent."""
        return faults.response(error)

    def frames(self, event: work.Event) -> bytes:
        """What is sent of `event`; of the last one, whatever ends the stream, too."""
        return b"event: %s\ndata: %s\n\n" % (event.name.encode(), to_json(event.data))


async def _next(events: MemoryObjectReceiveStream[work.Event]) -> work.Event | None:
    with anyio.move_on_after(PING_SECONDS):
        return await events.receive()
    return None
