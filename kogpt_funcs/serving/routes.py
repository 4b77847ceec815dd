"""REST under /api and MCP at /mcp, as routes for whatever app serves the page. It knows no page.

CORS: nothing here is private to a browser (no cookies, no accounts; the key travels in a header that a page must know),
so on a public address any origin may call. Bound to loopback, only local pages may: a web page on the internet has no
business with a server on its reader's own machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from kogpt_funcs.serving.guard import Guard
from kogpt_funcs.serving.mcp_tools import LOOPBACK, McpEndpoint
from kogpt_funcs.serving.rest import OPEN_PATHS, create_rest

_LOCAL_PAGES = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"


class _McpRoute(Route):
    """A route that `lifespan` recognises among the app's."""

    def __init__(self, path: str, app: ASGIApp, mcp: McpEndpoint) -> None:
        super().__init__(path, app, include_in_schema=False)
        self.mcp = mcp


def routes(host: str = "127.0.0.1") -> list[BaseRoute]:
    """The routes for an app bound to `host`. Raises BadFunction when a file in kogpt_funcs/ is wrong."""
    mcp = McpEndpoint(host)
    guarded = _guarded(mcp, host)
    return [
        Mount("/api", app=_guarded(create_rest(), host, OPEN_PATHS)),
        _McpRoute("/mcp", guarded, mcp),
        _McpRoute("/mcp/", guarded, mcp),
    ]


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """Runs the MCP endpoints among `app.routes` for as long as the app runs."""
    async with AsyncExitStack() as stack:
        for mcp in {route.mcp for route in app.routes if isinstance(route, _McpRoute)}:
            await stack.enter_async_context(mcp.running())
        yield


def _guarded(app: ASGIApp, host: str, open_paths: tuple[str, ...] = ()) -> ASGIApp:
    local = host in LOOPBACK
    return CORSMiddleware(
        Guard(app, open_paths),
        allow_origins=() if local else ("*",),
        allow_origin_regex=_LOCAL_PAGES if local else None,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=("Retry-After", "WWW-Authenticate", "Mcp-Session-Id"),
    )
