"""pydantic's complaints, one sentence each, in Korean and in English."""

from __future__ import annotations

from typing import Any, NamedTuple


class Said(NamedTuple):
    korean: str
    english: str


_UNKNOWN = Said("알맞지 않은 값입니다.", "This value does not fit.")
#: Of a text in which nothing can be read.
EMPTY = Said("내용이 비어 있습니다. 한 글자 이상 적어 주세요.", "This is empty. Write at least one character.")
#: pydantic's type of an error → the sentence, with the names of the error's context.
_SENTENCES = {
    "missing": Said("꼭 필요한 항목입니다.", "This field is required."),
    "string_type": Said("글자로 적어 주세요.", "This must be text."),
    "string_unicode": Said("올바른 유니코드 글이 아닙니다.", "This text is not valid Unicode."),
    "string_too_long": Said("{max_length:,}자까지 쓸 수 있습니다.", "This may have at most {max_length:,} characters."),
    "string_too_short": Said("{min_length:,}자 이상이어야 합니다.", "This needs at least {min_length:,} characters."),
    "int_type": Said("정수여야 합니다.", "This must be a whole number."),
    "int_from_float": Said("정수여야 합니다.", "This must be a whole number."),
    "float_type": Said("수여야 합니다.", "This must be a number."),
    "bool_type": Said("true 또는 false여야 합니다.", "This must be true or false."),
    "list_type": Said("목록이어야 합니다.", "This must be a list."),
    "greater_than_equal": Said("{ge} 이상이어야 합니다.", "This must be {ge} or more."),
    "greater_than": Said("{gt}보다 커야 합니다.", "This must be greater than {gt}."),
    "less_than_equal": Said("{le} 이하여야 합니다.", "This must be {le} or less."),
    "less_than": Said("{lt}보다 작아야 합니다.", "This must be less than {lt}."),
    "multiple_of": Said("{multiple_of}의 배수여야 합니다.", "This must be a multiple of {multiple_of}."),
    "literal_error": Said("다음 가운데 하나여야 합니다: {expected}.", "This must be one of: {expected}."),
    "enum": Said("다음 가운데 하나여야 합니다: {expected}.", "This must be one of: {expected}."),
    "too_long": Said("{max_length:,}개까지 담을 수 있습니다.", "This may hold at most {max_length:,} items."),
    "model_type": Said("JSON 객체여야 합니다.", "This must be a JSON object."),
    "int_parsing_size": Said("수가 너무 큽니다.", "This number is too large."),
}


def sentences(error: dict[str, Any]) -> Said:
    """An entry of `ValidationError.errors()` as a sentence; the value given is quoted when it is short."""
    context = dict(error.get("ctx") or {})
    if isinstance(context.get("expected"), str):
        context["expected"] = context["expected"].replace(" or ", ", ").replace("'", "")
    said = Said(*(text.format(**context) for text in _SENTENCES.get(error["type"], _UNKNOWN)))
    if error["type"] == "string_too_short" and context.get("min_length") == 1:
        return EMPTY
    value = error.get("input")
    short = isinstance(value, (int, float)) or (isinstance(value, str) and len(value) <= 20 and value.isprintable())
    if not short or error["type"] in ("missing", "string_unicode"):
        return said
    return Said(f"{said.korean} 받은 값: {value}.", f"{said.english} Given: {value}.")
