"""pydantic's complaints in Korean, one sentence each."""

from __future__ import annotations

from typing import Any

_MESSAGES = {
    "missing": "꼭 필요한 항목입니다.",
    "string_type": "글자로 적어 주세요.",
    "string_unicode": "올바른 유니코드 글이 아닙니다.",
    "string_too_long": "{max_length:,}자까지 쓸 수 있습니다.",
    "string_too_short": "{min_length:,}자 이상이어야 합니다.",
    "int_type": "정수여야 합니다.",
    "int_from_float": "정수여야 합니다.",
    "float_type": "수여야 합니다.",
    "bool_type": "true 또는 false여야 합니다.",
    "list_type": "목록이어야 합니다.",
    "greater_than_equal": "{ge} 이상이어야 합니다.",
    "greater_than": "{gt}보다 커야 합니다.",
    "less_than_equal": "{le} 이하여야 합니다.",
    "less_than": "{lt}보다 작아야 합니다.",
    "multiple_of": "{multiple_of}의 배수여야 합니다.",
    "literal_error": "다음 가운데 하나여야 합니다: {expected}.",
    "enum": "다음 가운데 하나여야 합니다: {expected}.",
    "too_long": "{max_length:,}개까지 담을 수 있습니다.",
    "model_type": "JSON 객체여야 합니다.",
    "int_parsing_size": "수가 너무 큽니다.",
}


def korean_message(error: dict[str, Any]) -> str:
    """One Korean sentence for an entry of `ValidationError.errors()`; the value given is quoted when it is short."""
    template = _MESSAGES.get(error["type"], "알맞지 않은 값입니다.")
    context = dict(error.get("ctx") or {})
    if isinstance(context.get("expected"), str):
        context["expected"] = context["expected"].replace(" or ", ", ").replace("'", "")
    message = template.format(**context)
    value = error.get("input")
    given = isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= 20 and value.isprintable())
    return f"{message} 받은 값: {value}." if given and error["type"] not in ("missing", "string_unicode") else message
