"""Server-sent events, clients that leave, and a full queue, over a real server."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import httpx
import pytest
from pydantic import BaseModel
from rest_client import NAMES, counted, ended, events, fault, function, post
from suite_server import Server, serving

from kogpt_funcs.contract.errors import Busy
from kogpt_funcs.surfaces import event_stream


def test_partial_events_come_while_the_work_goes_on(workshop: Server) -> None:
    body = {"name": "stream", "upto": 20, "pause": 0.05}
    with workshop.http.stream("POST", "/api/count_slowly/stream", json=body) as response:
        lines = response.iter_lines()
        assert [next(lines), next(lines)] == ["event: partial", 'data: {"count":1}']
        assert not ended(workshop, "stream")
        rest = list(lines)
    assert rest[-3:] == ["event: result", 'data: {"count":20}', ""]


def test_a_client_that_leaves_mid_stream_ends_the_work(workshop: Server) -> None:
    body = {"name": "left-stream", "upto": 1000, "pause": 0.05}
    with workshop.http.stream("POST", "/api/count_slowly/stream", json=body) as response:
        next(response.iter_lines())
    assert counted(workshop, "left-stream") < 1000


@pytest.mark.parametrize("array", [False, True])
def test_a_client_that_gives_up_waiting_ends_the_work(workshop: Server, array: bool) -> None:
    body = {"name": f"left-call-{array}", "upto": 1000, "pause": 0.05}
    with pytest.raises(httpx.ReadTimeout):
        workshop.http.post("/api/count_slowly", json=[body] * 2 if array else body, timeout=1)
    assert counted(workshop, f"left-call-{array}") < 1000


def test_a_client_that_leaves_mid_body_does_no_harm(workshop: Server) -> None:
    host, port = workshop.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /api/break_down HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert post(workshop, "break_down", {}).status_code == 200


def test_health_answers_while_functions_work(workshop: Server) -> None:
    body = {"name": "busy", "upto": 1000, "pause": 0.05}
    with workshop.http.stream("POST", "/api/count_slowly/stream", json=body) as response:
        lines = response.iter_lines()
        assert next(lines) == "event: partial"
        assert workshop.http.get("/api/health").json()["status"] == "ok"
        assert not ended(workshop, "busy")
        assert next(lines)
    counted(workshop, "busy")


def test_with_no_place_left_the_answer_is_busy_at_once(workshop: Server, tmp_path: Path) -> None:
    body = {"name": "crowd", "upto": 1000, "pause": 0.1}
    with serving(tmp_path / "log", workshop.home, {"KOGPT_QUEUE": "1"}) as server, ExitStack() as crowd:
        streams = []
        for _ in range(9):  # one place, and eight threads to tell others that it is taken
            streams.append(
                crowd.enter_context(server.http.stream("POST", "/api/count_slowly/stream", json=body)).iter_lines()
            )
            assert next(streams[-1]) == "event: partial"
        for path in ("break_down", "break_down/stream"):
            response = post(server, path, {})
            fault(response, 503, "busy")
            assert response.headers["retry-after"].isdecimal()
        assert post(server, "break_down", [{}]).json()[0]["error"]["code"] == "busy"
        assert server.http.get("/api/health").status_code == 200
        crowd.close()
        counted(workshop, "crowd", 9)
        assert post(server, "break_down", {}).status_code == 200


def test_a_silent_stream_is_kept_open_by_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing(BaseModel):
        pass

    def think(input: Nothing) -> Nothing:
        time.sleep(0.5)
        raise Busy()

    monkeypatch.setattr(event_stream, "PING_SECONDS", 0.05)
    thinker = replace(function(NAMES[0]), input=Nothing, output=Nothing, call=think, stream=None)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(event_stream.EventStream(thinker, {}))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/")

    response = anyio.run(ask)
    assert response.text.startswith(": ping\n\n: ping\n\n")
    ((name, data),) = events(response)
    assert (name, data["error"]["code"]) == ("error", "busy")  # too late for a status: the stream is open
