"""The one mapping from faults to what a client sees; REST and MCP share it. No stack trace passes here."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from kogpt_funcs.contract.errors import InvalidInput, KogptError
from kogpt_funcs.surfaces.wire import to_json

_log = logging.getLogger(__name__)

#: HTTP status by `KogptError.code`; a code of a function's own is its user's fault, 400.
STATUS = {
    "invalid_json": 400,
    "unauthorized": 401,
    "unknown_function": 404,
    "not_found": 404,
    "model_not_found": 404,
    "method_not_allowed": 405,
    "too_large": 413,
    "unsupported_encoding": 415,
    "wrong_host": 421,
    "invalid_input": 422,
    "rate_limited": 429,
    "internal": 500,
    "stopping": 503,
    "timed_out": 504,
    "bad_function": 503,
    "busy": 503,
    "checkpoint": 503,
}
_MOST_PROBLEMS = 20  # a body of a megabyte can hold a hundred thousand


class Problem(BaseModel):
    field: str = Field(title="항목", description="점으로 이은 항목의 길입니다. 본문 전체의 문제면 비어 있습니다.")
    message: str = Field(title="까닭", description="무엇이 알맞지 않은지 말하는 한 문장입니다.")


class Fault(BaseModel):
    code: str = Field(title="코드", description=f"{', '.join(STATUS)} 가운데 하나입니다.")
    message: str = Field(title="까닭", description="사람이 읽을 한 문장입니다.")
    problems: list[Problem] = Field(title="항목별 문제", description="invalid_input일 때만 차 있습니다.")


class FaultBody(BaseModel):
    error: Fault


class Unauthorized(KogptError):
    """KOGPT_API_KEY is set and the request does not carry it."""

    code = "unauthorized"


class MethodNotAllowed(KogptError):
    """The address is there, for another method."""

    code = "method_not_allowed"

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(f"이 주소는 {method} 요청을 받지 않습니다. {allowed}(으)로 보내 주세요.")


class Internal(KogptError):
    """A bug. What it was is in the log, under the incident's id."""

    code = "internal"


def known(error: BaseException) -> KogptError:
    """`error` itself if it is for users; else it is logged with its traceback and stands behind an incident id."""
    if isinstance(error, KogptError):
        return error
    incident = secrets.token_hex(4)
    _log.error("incident %s", incident, exc_info=error)
    return Internal(
        f"서버에 문제가 생겼습니다. 운영자에게 이 사건 번호를 알려 주세요: {incident}.",
        f"Something went wrong on the server. Tell its operator this incident number: {incident}.",
    )


def body(error: KogptError) -> dict[str, Any]:
    """`{"error": {"code", "message", "problems"}}`, each part short enough to send."""
    problems = error.problems[:_MOST_PROBLEMS] if isinstance(error, InvalidInput) else ()
    return {
        "error": {
            "code": error.code,
            "message": _short(error.message, 1000),
            "problems": [{"field": _short(p.field, 100), "message": _short(p.message, 500)} for p in problems],
        }
    }


def response(error: BaseException, headers: dict[str, str] | None = None) -> Response:
    """The HTTP answer to `error`."""
    fault = known(error)
    headers = dict(headers or {})
    if retry_after := getattr(fault, "retry_after", None):
        headers["Retry-After"] = str(retry_after)
    if isinstance(fault, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return Response(to_json(body(fault)), STATUS.get(fault.code, 400), headers, "application/json")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
