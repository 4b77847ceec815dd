"""What REST may say in place of an answer, for the OpenAPI document: every refusal that a client can meet."""

from __future__ import annotations

from typing import Any

from kogpt_funcs.surfaces.faults import FaultBody

_SAID = {
    400: "JSON이 아닙니다.",
    401: "열쇠가 없거나 맞지 않습니다.",
    403: "쓴 사람의 열쇠가 아닙니다.",
    404: "그런 것은 없습니다.",
    409: "그사이 바뀌었습니다. 무엇이 바뀌었는지 error 옆에 있습니다.",
    410: "글쓴이가 거두어들였습니다.",
    413: "본문이나 배열이 너무 큽니다.",
    415: "누른 본문은 읽지 않습니다.",
    422: "입력이 알맞지 않습니다. problems가 항목을 말합니다.",
    429: "정해진 만큼 다 썼습니다(Retry-After).",
    500: "서버의 잘못입니다. 문장에 사건 번호가 있습니다.",
    503: "요청이 많거나 곧 멈추거나(Retry-After) 체크포인트가 없습니다.",
    504: "시간 안에 끝나지 않았습니다.",
    507: "저장할 자리가 없습니다.",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses` for these statuses."""
    return {status: {"model": FaultBody, "description": _SAID[status]} for status in statuses}


#: Of a function's addresses.
FAULTS = refusals(400, 401, 413, 415, 422, 429, 500, 503, 504)
