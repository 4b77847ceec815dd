"""Endpoints that take the Request and give the Response; what they take is documented beside them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from anyio import to_thread
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.surfaces import faults, schema
from kogpt_funcs.surfaces.wire import from_json, to_json

_SMALL = 10_000  # bytes of JSON: up to here, parsing is faster than handing it to a thread


class NotFound(KogptError):
    """No such address."""

    code = "not_found"


class UnsupportedEncoding(KogptError):
    """The body is compressed."""

    code = "unsupported_encoding"


def route_class(told: Callable[[Exception], Response]) -> type[APIRoute]:
    """FastAPI's `route_class` for such endpoints, whose faults `told` answers."""

    class Route(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            async def handle(request: Request) -> Response:
                try:
                    return await self.endpoint(request)
                except Exception as error:
                    return told(error)

            return handle

    return Route


async def read_json(request: Request) -> Any:
    """What the body says; UnsupportedEncoding or InvalidInput where it cannot be read."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedEncoding(
            f"Content-Encoding {encoding[:40]}은(는) 읽지 않습니다. 누르지 않은 JSON을 보내 주세요."
        )
    body = await request.body()
    return from_json(body) if len(body) <= _SMALL else await to_thread.run_sync(from_json, body)


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(value), status, headers, "application/json")


def not_allowed(request: Request, error: HTTPException) -> tuple[KogptError, dict[str, str]]:
    """Starlette's 405 as a fault, and its Allow header with every method that the address has."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    allowed = schema.methods(request.app, path, (error.headers or {}).get("Allow", "POST"))
    return faults.MethodNotAllowed(request.method, allowed), {"Allow": allowed}
