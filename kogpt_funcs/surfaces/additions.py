"""What the sites add to the surfaces: routes, REST, MCP tools. They are found by their folder, as functions are."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

from fastapi import FastAPI
from mcp_types import Tool
from starlette.routing import BaseRoute

_SITES = "kogpt_funcs.sites.addition"


class SiteTool(Protocol):
    """One MCP tool, and what answers it: arguments in, structured content out."""

    @property
    def tool(self) -> Tool: ...

    async def call(self, arguments: dict[str, Any]) -> dict[str, Any]: ...


class Addition(NamedTuple):
    """What a site adds; each part is made when the app is."""

    routes: Callable[[], list[BaseRoute]]
    add_rest: Callable[[FastAPI], None]
    tools: Mapping[str, SiteTool]


@cache
def additions() -> tuple[Addition, ...]:
    """Those of this installation; none where the sites have been taken out."""
    if find_spec("kogpt_funcs.sites") is None or find_spec(_SITES) is None:
        return ()
    return (importlib.import_module(_SITES).ADDITION,)


def tools() -> dict[str, SiteTool]:
    """Every site's MCP tools by name."""
    return {name: tool for addition in additions() for name, tool in addition.tools.items()}
