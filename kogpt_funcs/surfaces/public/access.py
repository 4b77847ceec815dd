"""Each request is told of once, when it is over: in the log, in the figures, in a trace. Never what it said."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kogpt_funcs.surfaces import faults
from kogpt_funcs.surfaces.public import metrics, tracing
from kogpt_funcs.surfaces.public.allowance import KEY
from kogpt_funcs.surfaces.public.refusals import Watched

_log = logging.getLogger(__name__)
_GIVEN = re.compile(r"[\w.:-]{1,64}")
_QUIET = ("/api/health", "/api/ready", "/metrics")  # asked every few seconds by machines


class Access:
    """ASGI middleware: gives each request an id (X-Request-ID, taken over from a proxy) and tells of it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        name = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        begun, head = time.perf_counter(), 0.0

        async def named(message: Message) -> None:
            nonlocal head
            if message["type"] == "http.response.start":
                head = time.perf_counter() - begun
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        watched = Watched(scope, named)
        metrics.in_flight.inc()
        with tracing.span(
            scope["method"], {k: v for k, v in headers.items() if k in ("traceparent", "tracestate")}
        ) as span:
            try:
                await self.app(scope, receive, watched)
            except ClientDisconnect:
                pass
            except Exception as error:  # Starlette has said 500 already; what uvicorn would log may quote the user
                await watched.end(receive, faults.known(error))
            finally:
                metrics.in_flight.dec()
                taken = time.perf_counter() - begun
                members = _members(scope, watched, name)
                _count(members, taken, head)
                tracing.told(span, members)
                level = logging.DEBUG if members["route"] in _QUIET else logging.INFO
                _log.log(level, "request", extra={"members": {**members, "ms": round(taken * 1000, 1)}})


def _members(scope: Scope, watched: Watched, name: str) -> dict[str, Any]:
    known = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    return {
        "request": name,
        "method": scope["method"] if scope["method"] in known else "other",
        "route": _route(scope),
        "status": watched.status,
        "whole": watched.over,
        "bytes": watched.bytes,
        "key": scope.get(KEY, ""),
    }


def _route(scope: Scope) -> str:
    """The route's pattern, as in /api/stories/{story}: an address may hold what a user wrote."""
    route = scope.get("route")
    path = getattr(route, "path", "")
    return f"{scope.get('root_path', '')}{path}" if path else "other"


def _count(members: dict[str, Any], taken: float, head: float) -> None:
    labels = members["method"], members["route"]
    metrics.requests.labels(*labels, str(members["status"])).inc()
    metrics.seconds.labels(*labels).observe(taken)
    if head:
        metrics.first_seconds.labels(*labels).observe(head)
