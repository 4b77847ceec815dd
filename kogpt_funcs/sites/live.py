"""Server-sent events for those who read a story while it is written.

The database is asked what is new, at most twice a second a story however many read it: so it works whichever process
wrote, and nothing has to be remembered.
"""

from __future__ import annotations

import json
import time
from typing import Any

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.sites import faults, threads
from kogpt_funcs.sites.stories import Stories

_LOOK_SECONDS = 0.6
_PING_SECONDS = 15  # proxies cut a silent connection after 30 s or more
_MOST = 1000  # stories whose last state is at hand
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class News:
    """The last known state of the stories that are being read now."""

    def __init__(self, stories: Stories) -> None:
        self._stories = stories
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    async def state(self, story_id: str) -> dict[str, Any]:
        """What the story's state is or was half a second ago. Raises NoStory, Gone and the database's faults."""
        asked, state = self._known.get(story_id, (0.0, {}))
        now = time.monotonic()
        if now - asked < _LOOK_SECONDS * 0.9:
            return state
        if state:
            self._known[story_id] = now, state  # others need not ask at the same time
        state = await threads.run(self._stories.state, story_id)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[story_id] = now, state
        return state


class StoryEvents(Response):
    """`story` events, each with {version, turns}, when one of them changes; `gone` when the author takes the story
    back.
    """

    def __init__(self, news: News, story_id: str, first: dict[str, Any]) -> None:
        super().__init__(headers=_HEADERS, media_type="text/event-stream")
        del self.headers["content-length"]
        self._news, self._story_id, self._first = news, story_id, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self._tell(send)
            tasks.cancel_scope.cancel()

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        told, said_at = self._first, time.monotonic()
        await _say(send, _frame("story", told))
        while True:
            await anyio.sleep(_LOOK_SECONDS)
            try:
                state = await self._news.state(self._story_id)
            except (faults.Gone, faults.NoStory):
                await _say(send, _frame("gone", {}), more=False)
                return
            except KogptError:  # the database rests; the reader's connection stays
                state = told
            if state != told:
                await _say(send, _frame("story", state))
            elif time.monotonic() - said_at > _PING_SECONDS:
                await _say(send, b": ping\n\n")
            else:
                continue
            told, said_at = state, time.monotonic()


def _frame(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


async def _say(send: Send, frame: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": frame, "more_body": more})
