"""MCP over a real server with the SDK's own client: tools, answers, faults, progress. Parametrised over the
registry.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from rest_client import BREAKS, counted, example, free_text
from suite_server import KEY, Server

from kogpt_funcs import __version__
from kogpt_funcs.contract import registry

NAMES = registry.names()
MODES = ("auto", "legacy")  # the protocol of 2026, and the handshake that most clients still speak
HEADERS = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def connected(server: Server, mode: str = "auto", path: str = "/mcp") -> AsyncIterator[Client]:
    async with Client(server.url + path, mode=mode, read_timeout_seconds=120) as client:
        yield client


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
@pytest.mark.parametrize("mode", MODES)
async def test_each_function_is_a_tool(server: Server, mode: str, path: str) -> None:
    async with connected(server, mode, path) as client:
        tools = (await client.list_tools()).tools
        assert (client.server_info.name, client.server_info.version) == ("kogpt-funcs", __version__)
    assert [tool.name for tool in tools][: len(NAMES)] == NAMES  # those of the sites follow
    for tool in tools[: len(NAMES)]:
        function = registry.get(tool.name)
        assert tool.title == function.title
        assert tool.description == f"{function.title}. {function.description}"
        assert tool.input_schema == function.input.model_json_schema()
        assert tool.output_schema == function.output.model_json_schema(mode="serialization")
        assert tool.annotations
        assert tool.annotations.read_only_hint


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_a_call_answers_as_rest_does(server: Server, name: str, mode: str) -> None:
    async with connected(server, mode) as client:
        result = await client.call_tool(name, example(name))  # the client checks it against the output schema
    assert not result.is_error, text(result)
    assert (
        result.structured_content
        == json.loads(text(result))
        == server.http.post(f"/api/{name}", json=example(name)).json()
    )


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
async def test_invalid_input_is_a_result_with_rests_sentence(server: Server, name: str, mode: str) -> None:
    key = free_text(name)
    bad = [
        {},
        {key: 1},
        {key: None},
        {key: "가" * 5000},
        {"txet": "글"},
        {key: ["글"]},
        {key: "글", "😀": 1},
        {key: {"a": {}}},
    ]
    async with connected(server, mode) as client:
        for arguments in bad:
            result = await client.call_tool(name, arguments)
            rest = server.http.post(f"/api/{name}", json=arguments).json()
            assert result.is_error
            assert text(result) == rest["error"]["message"]
            assert re.search("[가-힣]", text(result))


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_tool_is_a_protocol_error_that_names_the_tools(server: Server, mode: str) -> None:
    async with connected(server, mode) as client:
        with pytest.raises(MCPError, match=NAMES[0]) as caught:
            await client.call_tool("no_such_function", {})
    assert caught.value.error.code == -32602


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_function_that_breaks_down_is_a_result_without_its_cause(workshop: Server, mode: str) -> None:
    async with connected(workshop, mode) as client:
        results = {way: await client.call_tool("break_down", {"way": way}) for way in BREAKS}
        well = await client.call_tool("break_down", {"way": "surrogate"})
    assert all(result.is_error for result in results.values())
    assert "secret" not in text(results["bug"])
    incident = re.search("[0-9a-f]{8}", text(results["bug"]))
    assert incident
    assert f"incident {incident[0]}" in workshop.log
    assert text(results["own"]) == "오늘은 쉽니다."
    assert well.structured_content == {"text": "앞?뒤", "number": 0.0}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_who_asks_for_progress_sees_the_partial_outputs(workshop: Server, mode: str) -> None:
    seen: list[tuple[float, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        seen.append((done, message))

    async with connected(workshop, mode) as client:
        arguments = {"name": f"progress-{mode}", "upto": 5, "pause": 0.05}
        result = await client.call_tool("count_slowly", arguments, progress_callback=progress)
    assert result.structured_content == {"count": 5}
    assert seen == [(n, f'{{"count":{n}}}') for n in range(1, 6)]


@pytest.mark.anyio
@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_leaves_ends_the_work(workshop: Server, mode: str) -> None:
    arguments = {"name": f"left-{mode}", "upto": 1000, "pause": 0.05}
    async with connected(workshop, mode) as client:
        with anyio.move_on_after(1):
            await client.call_tool("count_slowly", arguments)
    assert await anyio.to_thread.run_sync(counted, workshop, f"left-{mode}") < 1000


@pytest.mark.anyio
async def test_many_clients_are_answered_at_once(workshop: Server) -> None:
    answers: dict[int, Any] = {}

    async def ask(number: int) -> None:
        async with connected(workshop) as client:
            answers[number] = (
                await client.call_tool("count_slowly", {"name": "many", "upto": number})
            ).structured_content

    async with anyio.create_task_group() as tasks:
        for number in range(1, 17):
            tasks.start_soon(ask, number)
    assert answers == {number: {"count": number} for number in range(1, 17)}


CALL = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "%s", "arguments": %s}}'


@pytest.mark.parametrize(
    "arguments", [b'{"\\ud800": 1}', b'{"seed": 1e999}', b'{"seed": ' + b"9" * 400 + b"}", b'{"": 1}']
)
@pytest.mark.parametrize("name", NAMES)
def test_raw_bad_arguments_are_told_in_a_result(server: Server, name: str, arguments: bytes) -> None:
    response = server.http.post(
        "/mcp", content=CALL % (name.encode(), arguments), headers=HEADERS | {"Content-Type": "application/json"}
    )
    assert response.status_code in (200, 400)
    assert b"Traceback" not in response.content
    assert b'"isError":true' in response.content or b'"error"' in response.content


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[]", b"[" * 100_000, b'{"a":NaN}', b"null", CALL % (b"x", b"[1]")]
)
def test_what_is_no_request_is_refused(server: Server, body: bytes) -> None:
    response = server.http.post("/mcp", content=body, headers=HEADERS | {"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500 or b'"error"' in response.content
    assert b"Traceback" not in response.content


@pytest.mark.parametrize("declared", [True, False], ids=["with Content-Length", "in chunks"])
def test_ten_megabytes_are_413(server: Server, declared: bool) -> None:
    body = b"a" * 10_000_000
    chunks = (body[i : i + 65_536] for i in range(0, len(body), 65_536))
    response = httpx.post(f"{server.url}/mcp", content=body if declared else chunks, timeout=60, headers=HEADERS)
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_without_sessions_only_post_is_answered(server: Server, method: str) -> None:
    response = server.http.request(method, "/mcp", headers=HEADERS)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["code"] == "method_not_allowed"


def test_bound_to_loopback_a_foreign_host_name_is_refused(server: Server) -> None:
    body = CALL % (NAMES[0].encode(), b"{}")
    headers = HEADERS | {"Content-Type": "application/json"}
    assert server.http.post("/mcp", content=body, headers=headers | {"Host": "evil.example"}).status_code == 421
    assert server.http.post("/mcp", content=body, headers=headers | {"Host": "localhost"}).status_code == 200


def test_bound_to_all_addresses_any_name_may_call(locked: Server) -> None:
    headers = HEADERS | {"Content-Type": "application/json", "Host": "kogpt.example"}
    authorization = {"Authorization": f"Bearer {KEY}".encode()}
    response = locked.http.post("/mcp", content=CALL % (NAMES[0].encode(), b"{}"), headers={**headers, **authorization})
    assert response.status_code == 200
    assert b'"isError":true' in response.content
    asked = {"Host": "kogpt.example", "Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in locked.http.options("/mcp", headers=asked).headers
