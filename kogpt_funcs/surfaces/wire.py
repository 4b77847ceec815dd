"""JSON as it travels: strict when read, always valid UTF-8 when written. It knows no function."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import BaseModel

from kogpt_funcs.contract.errors import KogptError

_WHOLE = 2**53  # up to here a float tells every whole number


class InvalidJson(KogptError):
    """The body is not JSON as RFC 8259 has it: UTF-8, no NaN, no name twice in one object."""

    code = "invalid_json"


def plain(output: BaseModel) -> dict[str, Any]:
    """`output` as whoever reads its JSON will see it. Raises ValueError for what JSON cannot hold, such as NaN."""
    return json.loads(to_json(output))


def to_json(value: Any) -> bytes:
    """`value` (plain data or pydantic models) as compact UTF-8 JSON; a lone surrogate becomes ?, UTF-8 has none."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_fields)
    return text.encode("utf-8", "replace")


def from_json(body: bytes) -> Any:
    """The value in `body`, or InvalidJson with a sentence that says where it breaks."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidJson(f"본문이 올바른 UTF-8이 아닙니다. {error.start}번째 바이트를 읽을 수 없습니다.") from None
    if not text.strip():
        raise InvalidJson('본문이 비어 있습니다. {"text": "…"} 같은 JSON 객체를 보내 주세요.')
    try:
        return json.loads(text, object_pairs_hook=_without_duplicates, parse_float=_number, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InvalidJson(f"올바른 JSON이 아닙니다. {error.lineno}행 {error.colno}열에서 멈췄습니다.") from None
    except RecursionError:
        raise InvalidJson("JSON이 너무 깊이 겹쳐 있습니다.") from None
    except ValueError:  # Python reads integers of up to 4,300 digits
        raise InvalidJson("JSON에 너무 긴 수가 있습니다.") from None


def _fields(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} does not go into JSON.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise InvalidJson(f"한 객체에 같은 항목이 두 번 있습니다: {twice[:100]}.")
    return members


def _number(text: str) -> int | float:
    """A number with a fraction or an exponent; 3.0 is a whole number to JSON Schema, and so it is here."""
    value = float(text)
    return int(value) if abs(value) <= _WHOLE and value.is_integer() else value


def _no_constant(name: str) -> NoReturn:
    raise InvalidJson(f"JSON에는 {name} 값이 없습니다. 유한한 수나 null을 적어 주세요.")
