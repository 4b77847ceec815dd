"""What every request to REST and MCP, and of Gradio's clients, passes first: the API key and the limit on the body's
size.
"""

from __future__ import annotations

import hmac

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError, TooLarge
from kogpt_funcs.surfaces import faults

MAX_BODY = 1_000_000
_DRAIN = 32_000_000  # a client that is still writing sees a broken pipe, not the answer: read on a little and discard
_DRAIN_SECONDS = 10


def check_key(given: str) -> None:
    """Unauthorized if a key is set and the Authorization header `given` does not carry it."""
    key = settings.current().api_key
    scheme, _, token = given.encode("latin-1", "replace").partition(b" ")
    if key is not None and not (scheme.lower() == b"bearer" and hmac.compare_digest(token.strip(), key.encode())):
        raise faults.Unauthorized("API 열쇠가 없거나 맞지 않습니다. Authorization: Bearer KEY 헤더를 보내 주세요.")


def check_size(size: int) -> None:
    """TooLarge for a body of more than MAX_BODY bytes."""
    if size > MAX_BODY:
        raise TooLarge(f"본문이 너무 큽니다. {MAX_BODY:,}바이트까지 받습니다.")


class Guard:
    """ASGI middleware: 401 without the key, 413 for a body over MAX_BODY bytes, whether or not its length is declared.

    The body is read here, whole, and handed on. Paths in `open_paths` (relative to the mount; a trailing * is a
    prefix) need no key.
    """

    def __init__(self, app: ASGIApp, open_paths: tuple[str, ...] = ()) -> None:
        self.app = app
        self.open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            self._check_key(scope)
            first = await _body(scope, receive)
        except KogptError as error:
            await faults.response(error, {"Connection": "close"})(scope, receive, send)
            return
        messages = [first]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.app(scope, replay, send)

    def _check_key(self, scope: Scope) -> None:
        if not self._is_open(scope["path"].removeprefix(scope.get("root_path", ""))):
            check_key(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))

    def _is_open(self, path: str) -> bool:
        return any(path.startswith(p[:-1]) if p.endswith("*") else path == p for p in self.open_paths)


async def _body(scope: Scope, receive: Receive) -> Message:
    """The whole body as one message, or the client's disconnect; TooLarge as soon as it is known to be."""
    declared = Headers(scope=scope).get("content-length", "")
    more = True
    too_large = declared.isdecimal() and (len(declared) > 15 or int(declared) > MAX_BODY)
    body = bytearray()
    while more and not too_large:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        more = message.get("more_body", False)
        too_large = len(body) > MAX_BODY
    if too_large:
        if more:
            await _drain(scope, receive)
        check_size(MAX_BODY + 1)
    return {"type": "http.request", "body": bytes(body), "more_body": False}


async def _drain(scope: Scope, receive: Receive) -> None:
    if Headers(scope=scope).get("expect"):  # such a client waits for our word before it sends
        return
    seen = 0
    with anyio.move_on_after(_DRAIN_SECONDS):
        while seen < _DRAIN:
            message = await receive()
            seen += len(message.get("body", b""))
            if not message.get("more_body", False):
                return
