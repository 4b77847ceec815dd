"""MCP: one tool a function, over streamable HTTP, with the official SDK's low-level server. It keeps no sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from starlette.types import Receive, Scope, Send

import kogpt_funcs
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import UnknownFunction
from kogpt_funcs.contract.function import Function
from kogpt_funcs.surfaces import additions, faults, work
from kogpt_funcs.surfaces.additions import SiteTool
from kogpt_funcs.surfaces.wire import to_json

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)


def create_mcp() -> Server[Any]:
    """The server. Raises BadFunction when a file in kogpt_funcs/ is wrong."""
    titles = ", ".join(function.title for function in registry.functions().values())
    return Server(
        "kogpt-funcs",
        version=kogpt_funcs.__version__,
        title="한국어 글쓰기 함수",
        instructions=f"한국어 글을 다루는 도구들입니다: {titles}. 글은 한국어로 주세요.",
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
    )


class McpEndpoint:
    """The ASGI app of the MCP route. It answers while `running` is entered.

    Bound to loopback, it refuses other host names than the local ones, so that no web page can reach it by DNS
    rebinding; bound to any other address, the operator means it to be reached, by whatever name.
    """

    def __init__(self, host: str) -> None:
        self._security = _security(host)
        self._sessions: StreamableHTTPSessionManager | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":  # GET and DELETE are for sessions; an idle GET stream would also delay the stop
            refusal = faults.response(faults.MethodNotAllowed(scope["method"], "POST"), {"Allow": "POST"})
            await refusal(scope, receive, send)
            return
        if self._sessions is None:
            raise RuntimeError("The MCP endpoint is not running. Enter surfaces.routes.lifespan with the app.")
        await self._sessions.handle_request(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Once per start of the app: the SDK's session manager does not start twice."""
        sessions = StreamableHTTPSessionManager(
            create_mcp(),
            stateless=True,
            security_settings=self._security,
            max_request_body_size=settings.current().public.max_body,
        )
        async with sessions.run():
            self._sessions = sessions
            yield
            self._sessions = None


async def _list_tools(ctx: ServerRequestContext[Any], params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(
        tools=[*map(_tool, registry.functions().values()), *(site.tool for site in additions.tools().values())]
    )


def _tool(function: Function) -> Tool:
    return Tool(
        name=function.name,
        title=function.title,
        description=f"{function.title}. {function.description}",
        input_schema=function.input.model_json_schema(),
        output_schema=function.output.model_json_schema(mode="serialization"),
        annotations=_READ_ONLY,
    )


async def _call_tool(ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
    """A fault of the input is a result with is_error, which a model can read and mend; a wrong name is a protocol
    error.
    """
    if site := additions.tools().get(params.name):
        return await _call_site(site, params.arguments or {})
    try:
        function = registry.get(params.name)
    except UnknownFunction as error:
        raise MCPError(INVALID_PARAMS, faults.body(error)["error"]["message"]) from None
    written = 0
    async with work.started(function, params.arguments or {}) as events:
        async for event in events:
            if event.error is not None:
                return CallToolResult(content=[_text(faults.body(event.error)["error"]["message"])], is_error=True)
            if event.name == "result":
                return CallToolResult(content=[_text(_readable(event.data))], structured_content=event.data)
            written += 1
            await ctx.session.report_progress(written, message=_readable(event.data))
    raise RuntimeError(f"{function.name} ended without a result.")


async def _call_site(site: SiteTool, arguments: dict[str, Any]) -> CallToolResult:
    try:
        output = await site.call(arguments)
    except Exception as error:
        fault = faults.known(error)
        more = getattr(fault, "details", {})  # what a conflict changed: the caller reads it and tries again
        return CallToolResult(content=[_text(_readable({**faults.body(fault), **more}))], is_error=True)
    return CallToolResult(content=[_text(_readable(output))], structured_content=output)


def _readable(output: dict[str, Any]) -> str:
    return to_json(output).decode()


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text.encode("utf-8", "replace").decode())


def _security(host: str) -> TransportSecuritySettings:
    """KOGPT_HOSTS has been checked before (surfaces/public/origins.py), so no page reaches a server that has it by DNS
    rebinding.
    """
    if host not in LOOPBACK or settings.current().public.hosts:
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    names = ["127.0.0.1", "localhost", "[::1]"]
    return TransportSecuritySettings(
        allowed_hosts=[*names, *(f"{name}:*" for name in names)],
        allowed_origins=[
            f"{scheme}://{name}{port}" for scheme in ("http", "https") for name in names for port in ("", ":*")
        ],
    )
