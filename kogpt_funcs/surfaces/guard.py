"""What every request to REST, MCP and /v1 passes first: keys, what they may ask, limits on size and time."""

from __future__ import annotations

import functools
import hmac
from pathlib import Path
from typing import NamedTuple

import anyio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError, TooLarge
from kogpt_funcs.surfaces import faults
from kogpt_funcs.surfaces.public.allowance import KEY, LIMIT, charge_key
from kogpt_funcs.surfaces.public.keys import KeyFile
from kogpt_funcs.surfaces.public.refusals import Refusal, TimedOut, Watched
from kogpt_funcs.surfaces.public.stopping import endless

_DRAIN = 32_000_000  # a client that is still writing sees a broken pipe, not the answer: read on a little and discard
_DRAIN_SECONDS = 10
_OPERATOR = "operator"  # the name of KOGPT_API_KEY in the log


class Owner(NamedTuple):
    """Whose key a request carries, and what that key may ask, if not what all may."""

    id: str
    limit: str = ""


def check_key(given: str) -> Owner | None:
    """Whose key the Authorization header `given` carries; None where no key is asked for.

    Raises Unauthorized where one is and it carries none of them.
    """
    single, file = settings.current().api_key, settings.current().public.keys
    if single is None and file is None:
        return None
    scheme, _, text = given.partition(" ")
    token = text.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""
    if single is not None and hmac.compare_digest(token, single.encode()):
        return Owner(_OPERATOR)
    if file is not None and (key := _keys(file).owner(token.decode("utf-8", "replace"))):
        return Owner(key.id, key.limit)
    raise faults.Unauthorized("API 열쇠가 없거나 맞지 않습니다. Authorization: Bearer KEY 헤더를 보내 주세요.")


@functools.cache
def _keys(file: Path) -> KeyFile:
    return KeyFile(file)


def check_size(size: int) -> None:
    """TooLarge for a body of more than KOGPT_MAX_BODY bytes."""
    most = settings.current().public.max_body
    if size > most:
        raise TooLarge(f"본문이 너무 큽니다. {most:,}바이트까지 받습니다.")


class Guard:
    """ASGI middleware: 401 without a key, 429 for one that has asked its share, 413 for a body over KOGPT_MAX_BODY,
    whether or not its length is declared, 504 after KOGPT_TIMEOUT.

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
        watched = Watched(scope, send)
        seconds = None if endless(scope) else settings.current().public.timeout
        with anyio.move_on_after(seconds) as block:
            await self._guarded(scope, receive, watched)
        if block.cancelled_caught:
            late = f"{seconds:g}초 안에 끝나지 않아 그만두었습니다. 더 짧게 나누어 보내 주세요."
            await watched.end(
                receive, TimedOut(late, f"This took more than {seconds:g} seconds. Ask for less at once.")
            )

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if not self._is_open(scope["path"].removeprefix(scope.get("root_path", ""))):
                self._check_key(scope)
                await charge_key(scope)
            first = await _body(scope, receive)
        except KogptError as error:
            await Refusal(scope, error)(receive, send)
            return
        messages = [first]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self.app(scope, replay, send)

    def _check_key(self, scope: Scope) -> None:
        """Puts whose key it is into `scope`."""
        if owner := check_key(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")):
            scope[KEY], scope[LIMIT] = owner

    def _is_open(self, path: str) -> bool:
        return any(path.startswith(p[:-1]) if p.endswith("*") else path == p for p in self.open_paths)


async def _body(scope: Scope, receive: Receive) -> Message:
    """The whole body as one message, or the client's disconnect; TooLarge as soon as it is known to be."""
    declared, most = Headers(scope=scope).get("content-length", ""), settings.current().public.max_body
    more = True
    too_large = declared.isdecimal() and (len(declared) > 15 or int(declared) > most)
    body = bytearray()
    while more and not too_large:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        more = message.get("more_body", False)
        too_large = len(body) > most
    if too_large:
        if more:
            await _drain(scope, receive)
        check_size(most + 1)
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
