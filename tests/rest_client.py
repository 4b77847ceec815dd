"""How the REST tests ask and what they check of every answer."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx
from suite_server import Server

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.function import Function

NAMES = registry.names()
KOREAN = re.compile("[가-힣]")
BREAKS = {
    "busy": (503, "busy"),
    "checkpoint": (503, "checkpoint"),
    "invalid": (422, "invalid_input"),
    "own": (400, "error"),
    "bug": (500, "internal"),
    "nan": (500, "internal"),
}


def function(name: str) -> Function:
    return registry.get(name)


def example(name: str) -> dict[str, Any]:
    """The first example, short and the same every time."""
    short = {"max_new_tokens": 8, "seed": 1}
    return dict(function(name).examples[0]) | {k: v for k, v in short.items() if k in function(name).input.model_fields}


def post(server: Server, path: str, body: Any = None, **options: Any) -> httpx.Response:
    sent = {"content": body} if isinstance(body, (bytes, str)) else {"json": body}
    return server.http.post(f"/api/{path}", **sent, **options)


def fault(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error in `response`, which must be whole: the status, the code, a sentence, no stack trace."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json"), response.text[:500]
    body = json.loads(response.content.decode("utf-8"))
    assert list(body) == ["error"]
    assert set(body["error"]) == {"code", "message", "problems"}
    assert body["error"]["code"] == code
    assert len(body["error"]["message"]) > 5
    assert "Traceback" not in response.text
    return body["error"]


def events(response: httpx.Response) -> list[tuple[str, Any]]:
    """The events of a server-sent stream, pings left out."""
    frames = [frame for frame in response.text.split("\n\n") if frame and not frame.startswith(":")]
    pairs = [re.fullmatch(r"event: (\w+)\ndata: (.*)", frame) for frame in frames]
    return [(pair[1], json.loads(pair[2])) for pair in pairs if pair]


def free_text(name: str) -> str:
    """A required field for text of any kind."""
    fields = function(name).input.model_fields
    return next(key for key, info in fields.items() if info.annotation is str and info.is_required())


def ended(workshop: Server, name: str) -> list[int]:
    """How far the count called `name` had got when its generator was closed; empty while it goes on."""
    file = workshop.home / "kogpt_funcs" / "counts.txt"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [int(line.split()[1]) for line in lines if line.split()[0] == name]


def counted(workshop: Server, name: str, times: int = 1) -> int:
    """Waits until `times` counts called `name` have ended; answers how far the first one got."""
    for _ in range(300):
        if len(reached := ended(workshop, name)) >= times:
            return reached[0]
        time.sleep(0.1)
    raise AssertionError(f"The count {name!r} has not ended; its client left long ago.")
