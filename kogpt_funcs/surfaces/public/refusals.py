"""How a refusal looks to whom it is for: each kind of client looks for the sentence in another place."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from kogpt_funcs.contract.errors import InvalidInput, KogptError
from kogpt_funcs.surfaces import faults
from kogpt_funcs.surfaces.wire import to_json

_OPENAI_TYPES = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


class Closed(KogptError):
    """Told to those who come while the server stops."""

    code = "stopping"
    retry_after = 5


class TimedOut(KogptError):
    """The request took longer than KOGPT_TIMEOUT."""

    code = "timed_out"


class Refusal:
    """The answer to one fault, in the shape that the address has."""

    def __init__(self, scope: Scope, error: BaseException) -> None:
        self.fault = faults.known(error)
        self._scope, self._path = scope, scope["path"]

    @property
    def body(self) -> dict[str, Any]:
        if self._path.startswith("/v1/"):
            return openai_body(self.fault)
        return {"detail": self.fault.message} if self._path.startswith("/gradio_api") else faults.body(self.fault)

    @property
    def event(self) -> bytes:
        """The same as the end of an event stream that has begun."""
        data = to_json(self.body)
        return b"data: %s\n\n" % data if self._path.startswith("/v1/") else b"event: error\ndata: %s\n\n" % data

    async def __call__(self, receive: Receive, send: Send) -> None:
        if self._path.startswith("/v1/"):
            answer = openai_response(self.fault, {"Connection": "close"})
        else:
            plain = faults.response(self.fault, {"Connection": "close"})
            kept = {k: v for k, v in plain.headers.items() if k not in ("content-length", "content-type")}
            answer = Response(to_json(self.body), plain.status_code, kept, "application/json")
        await answer(self._scope, receive, send)


def openai_status(fault: KogptError) -> int:
    """As OpenAI has it: what does not fit is 400."""
    status = faults.STATUS.get(fault.code, 400)
    return 400 if status == 422 else status


def openai_body(fault: KogptError) -> dict[str, Any]:
    """`{"error": {"message", "type", "param", "code"}}`, as OpenAI's clients read it. Its language is theirs."""
    status = openai_status(fault)
    kind = _OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    problems = fault.problems if isinstance(fault, InvalidInput) else ()
    param = problems[0].field[:100] if problems else None
    return {"error": {"message": fault.english[:1000], "type": kind, "param": param or None, "code": fault.code}}


def openai_response(error: BaseException, headers: dict[str, str] | None = None) -> Response:
    """The HTTP answer to `error` under /v1."""
    fault = faults.known(error)
    plain = faults.response(fault, headers)
    kept = {k: v for k, v in plain.headers.items() if k not in ("content-length", "content-type")}
    return Response(to_json(openai_body(fault)), openai_status(fault), kept, "application/json")


class Watched:
    """`send`, watched: has the answer begun, is it over, is it an event stream? It can be ended from outside."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self._send = scope, send
        self.status = 0
        self.bytes = 0
        self.over = False
        self.events = False

    async def __call__(self, message: Message) -> None:
        if self.over:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            self.events = any(kind.startswith(b"text/event-stream") for kind in kinds)
        else:
            self.bytes += len(message.get("body", b""))
            self.over = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def end(self, receive: Receive, error: KogptError) -> None:
        """Answers with `error` if nothing has been said; ends an event stream with it; cuts anything else."""
        refusal = Refusal(self.scope, error)
        if not self.status:
            await refusal(receive, self)
        elif not self.over:
            last = refusal.event if self.events else b""
            await self({"type": "http.response.body", "body": last, "more_body": False})
        self.over = True
