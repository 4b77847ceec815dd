"""HTTP to a running suite: a request, its answers, and its faults as this program's own errors."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from kogpt_funcs.command.language import say
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy, CheckpointError, FieldProblem, InvalidInput, KogptError

HEALTH = "/api/health"  # open to all: our key goes to nobody before it is known who listens
MOST_WAITING = 120  # seconds for a server that is full


class Unreachable(KogptError):
    """The server is gone, or does not let us in: no fault of one input."""


def whole(url: str, response: http.client.HTTPResponse) -> Any:
    """The JSON of the response of the server at `url`."""
    try:
        return json.loads(response.read())
    except (OSError, ValueError, http.client.HTTPException):
        raise gone(url) from None


def outputs(url: str, response: http.client.HTTPResponse) -> Iterator[Any]:
    """The data of the server-sent events that are answers; the last, which is whole, once."""
    name, before = "", None
    try:
        for line in response:
            field, _, value = line.decode().rstrip("\r\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name == "error":
                raise fault(json.loads(value))
            elif field == "data" and value != before:
                yield json.loads(value)
                before = value
    except (OSError, ValueError, http.client.HTTPException):
        raise gone(url) from None
    if name != "result":
        raise gone(url)


def request(url: str, method: str, path: str, body: bytes | None, timeout: float = 600) -> http.client.HTTPResponse:
    """The response, unread. KogptError where nobody answers within `timeout` seconds."""
    place = urlsplit(url)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    headers: dict[str, str | bytes] = {"Content-Type": "application/json", "Connection": "close"}
    if path != HEALTH and (key := settings.current().api_key):
        headers["Authorization"] = f"Bearer {key}".encode()
    try:
        connection = kind(place.hostname or "", place.port, timeout=timeout)
        connection.request(method, f"{place.path}{path}", body, headers)
        return connection.getresponse()
    except (OSError, ValueError, http.client.HTTPException):
        raise gone(url) from None


def error_of(response: http.client.HTTPResponse) -> KogptError:
    """What a response of status 400 or more tells; Busy only where waiting is worth it."""
    try:
        error = fault(json.loads(response.read(1_000_000)))
    except (ValueError, KeyError, TypeError, OSError):
        return KogptError(f"HTTP {response.status} {response.reason}")
    seconds = response.headers.get("Retry-After", "")
    if isinstance(error, Busy) and seconds.isdecimal():
        return Busy(int(seconds)) if int(seconds) <= MOST_WAITING else Unreachable(error.message)
    return error


def fault(body: Any) -> KogptError:
    """The error in `{"error": {"code", "message", "problems"}}`."""
    error = body["error"]
    problems = [FieldProblem(problem["field"], problem["message"]) for problem in error.get("problems", [])]
    if error["code"] == "invalid_input":
        return InvalidInput(problems)
    if error["code"] in ("busy", "rate_limited"):
        return Busy()
    ending = dict.fromkeys(("unauthorized", "unknown_function", "wrong_host", "stopping"), Unreachable)
    return {"checkpoint": CheckpointError, **ending}.get(error["code"], KogptError)(error["message"])


def gone(url: str) -> KogptError:
    """The server at `url` does not answer, or has hung up."""
    return Unreachable(
        say(
            f"{url}의 서버가 답하지 않습니다. 다시 해 보거나, 서버 없이 하려면: --no-server",
            f"The server at {url} does not answer. Try again, or do without it: --no-server",
        )
    )
