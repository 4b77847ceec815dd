"""A ceiling on what any request may send to this process; REST and MCP have a lower one of their own (guard.py)."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 16_000_000  # a page that is pasted full stays below it, and hears from its Input what is wrong
_SENTENCE = f"보낸 것이 너무 큽니다. {MOST_BYTES:,}바이트까지 받습니다."


class Ceiling:
    """ASGI middleware: 413 with a sentence in `detail`, where Gradio's page looks for it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if declared.isdecimal() and int(declared) > MOST_BYTES:
            await JSONResponse({"detail": _SENTENCE}, 413, {"Connection": "close"})(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MOST_BYTES:
                raise HTTPException(413, _SENTENCE)
            return message

        await self.app(scope, counted, send)
