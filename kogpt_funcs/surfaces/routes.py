"""REST under /api, MCP at /mcp, the bubbles under /talk and the sites, as routes for whatever app serves the page.

It knows no page.

What strangers meet before any of it (names, origins, limits, logs) is put around that app when it starts.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, request_response
from starlette.types import ASGIApp

from kogpt_funcs.surfaces.additions import additions
from kogpt_funcs.surfaces.guard import Guard
from kogpt_funcs.surfaces.mcp.tools import McpEndpoint
from kogpt_funcs.surfaces.openai import app as openai
from kogpt_funcs.surfaces.openai.app import create_openai
from kogpt_funcs.surfaces.public import wrapping
from kogpt_funcs.surfaces.public.metrics import metrics
from kogpt_funcs.surfaces.rest.rest import OPEN_PATHS, create_rest
from kogpt_funcs.surfaces.talk.pages import talk_routes


class _McpRoute(Route):
    """A route that `lifespan` recognises among the app's."""

    def __init__(self, path: str, app: ASGIApp, mcp: McpEndpoint) -> None:
        super().__init__(path, app, include_in_schema=False)
        self.mcp = mcp


class _Whole(Mount):
    """A mount that gets every path below it: Starlette's lets one with a line break by, to a 404 of another kind."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        super().__init__(path, app)
        self.path_regex = re.compile(self.path_regex.pattern, re.DOTALL)


def routes(host: str = "127.0.0.1") -> list[BaseRoute]:
    """The routes for an app bound to `host`. Raises BadFunction when a file in kogpt_funcs/ is wrong."""
    mcp = McpEndpoint(host)
    guarded = Guard(mcp)
    return [
        _Whole("/api", app=Guard(create_rest(), OPEN_PATHS)),
        _Whole("/v1", app=Guard(create_openai(), openai.OPEN_PATHS)),
        Route("/metrics", Guard(request_response(metrics)), include_in_schema=False),
        _McpRoute("/mcp", guarded, mcp),
        _McpRoute("/mcp/", guarded, mcp),
        Route("/openapi.json", _openapi, include_in_schema=False),
        *talk_routes(),
        *(route for addition in additions() for route in addition.routes()),
    ]


async def _openapi(request: Request) -> Response:
    """Where tools look for a schema by habit; relative, so that it holds behind any proxy."""
    return RedirectResponse("api/openapi.json")


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[None]:
    """What happens around `app` while it runs: strangers meet us first, and MCP answers.

    `app.state.stopping` ends its requests politely.
    """
    # Gradio puts its own middleware outside of any that it is given, so ours goes around all of it, here.
    app.middleware_stack, app.state.stopping = wrapping.wrapped(app.middleware_stack)
    async with AsyncExitStack() as stack:
        for mcp in {route.mcp for route in app.routes if isinstance(route, _McpRoute)}:
            await stack.enter_async_context(mcp.running())
        yield
