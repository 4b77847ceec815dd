"""A polite end: who has been let in is answered, who comes now is sent elsewhere, and after a while it is over."""

from __future__ import annotations

import asyncio
import threading
import time

from starlette.types import ASGIApp, Receive, Scope, Send

from kogpt_funcs.surfaces import readiness
from kogpt_funcs.surfaces.public.refusals import Closed, Refusal, Watched

_OPEN = ("/api/health", "/api/ready", "/metrics")  # whoever watches the end may
_CUT_SECONDS = 1.0
_LOOK_SECONDS = 0.05


def endless(scope: Scope) -> bool:
    """Does its client listen for as long as it is there? Nobody waits for the end of that."""
    return scope["path"].endswith("/events") or "/heartbeat/" in scope["path"]


class Stopping:
    """ASGI middleware that knows the requests under way; `drain` waits for them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: dict[Watched, Receive] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if readiness.stopping.is_set() and scope["path"] not in _OPEN:
            await Refusal(scope, _closed())(receive, send)
            return
        self._loop = asyncio.get_running_loop()
        watched = Watched(scope, send)
        self._running[watched] = receive
        try:
            await self.app(scope, receive, watched)
        finally:
            self._running.pop(watched, None)

    def drain(self, seconds: float) -> int:
        """Waits until those under way are answered, `seconds` at most; tells the others that the server stops.

        Called from another thread, once. Returns how many had to be told.
        """
        readiness.stopping.set()
        until = time.monotonic() + seconds
        while self._waited_for() and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
        left = self._waited_for()
        if left and self._loop is not None:
            told = threading.Event()
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self._tell(left, told)))
            told.wait(_CUT_SECONDS)
        return len(left)

    def _waited_for(self) -> list[Watched]:
        return [watched for watched in list(self._running) if not watched.over and not endless(watched.scope)]

    async def _tell(self, left: list[Watched], told: threading.Event) -> None:
        for watched in left:
            if (receive := self._running.get(watched)) is not None:
                await watched.end(receive, _closed())
        told.set()


def _closed() -> Closed:
    return Closed(
        "서버가 곧 멈춥니다. 잠시 뒤에 다시 시도해 주세요.", "The server is about to stop. Try again in a moment."
    )
