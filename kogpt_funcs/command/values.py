"""From a text (an option, a cell of a table) to a value of a field's type, and what the help says of a field."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_origin

from pydantic import BaseModel

from kogpt_funcs.contract.shape import Shape

_BOUNDS = (("ge", "{} 이상"), ("gt", "{} 초과"), ("le", "{} 이하"), ("lt", "{} 미만"))
_METAVARS = {int: "INTEGER", float: "NUMBER"}


def from_text(shape: Shape, text: str) -> Any:
    """`text` as a value of the field's type; left as it is where it does not fit, for Function.parse to say so."""
    try:
        return _reader(shape)(text)
    except (ValueError, KeyError, RecursionError):
        return text


def metavar(shape: Shape) -> str:
    """What stands for the value in the help: TEXT, INTEGER, NUMBER or JSON."""
    return "JSON" if _reader(shape) is json.loads else _METAVARS.get(_type(shape), "TEXT")


def help_of(shape: Shape) -> str:
    """Title, description, what is allowed and the default, in Korean."""
    limits = [form.format(bound) for name, form in _BOUNDS if (bound := getattr(shape.bounds, name)) is not None]
    notes = [" ".join(limits), ", ".join(map(str, shape.choices))]
    if shape.required:
        notes.append("필수")
    elif shape.default is not None:
        notes.append(f"기본: {json.dumps(shape.default, ensure_ascii=False)}")
    noted = "; ".join(note for note in notes if note)
    return f"{shape.title}. {shape.description}{f' [{noted}]' if noted else ''}"


def _reader(shape: Shape) -> Callable[[str], Any]:
    kind = _type(shape)
    if kind in (list, dict) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return json.loads
    readers: dict[Any, Callable[[str], Any]] = {int: int, float: float, bool: _boolean}
    return readers.get(kind, str)


def _type(shape: Shape) -> Any:
    """str, int, float, bool, list, dict or a model; for choices, what they are."""
    types = {type(choice) for choice in shape.choices}
    return types.pop() if len(types) == 1 else get_origin(shape.kind) or shape.kind


def _boolean(text: str) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]
