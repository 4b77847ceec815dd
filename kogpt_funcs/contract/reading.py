"""From a text (an option, a cell of a table, an address) to a value of a field's type. It knows no surface."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_origin

from pydantic import BaseModel

from kogpt_funcs.contract.shape import Shape


def from_text(shape: Shape, text: str) -> Any:
    """`text` as a value of the field's type; left as it is where it does not fit, for Function.parse to say so."""
    try:
        return reader(shape)(text)
    except (ValueError, KeyError, RecursionError):
        return text


def reader(shape: Shape) -> Callable[[str], Any]:
    """What reads a text for the field: str, int, float, a switch, or json.loads."""
    kind = plain_type(shape)
    if kind in (list, dict) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return json.loads
    readers: dict[Any, Callable[[str], Any]] = {int: int, float: float, bool: _boolean}
    return readers.get(kind, str)


def plain_type(shape: Shape) -> Any:
    """str, int, float, bool, list, dict or a model; for choices, what they are."""
    types = {type(choice) for choice in shape.choices}
    return types.pop() if len(types) == 1 else get_origin(shape.kind) or shape.kind


def _boolean(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]
