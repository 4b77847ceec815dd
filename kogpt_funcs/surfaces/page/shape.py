"""What a field's annotation and bounds say: kind, choices, range. It knows pydantic and no component."""

from __future__ import annotations

import enum
import types
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Range(NamedTuple):
    """The least and the greatest value (None: no bound) and the step between two values."""

    low: Any
    high: Any
    step: Any


class Shape(NamedTuple):
    """A field as a form sees it."""

    kind: Any  # the annotation without `| None`
    optional: bool  # None is allowed
    choices: tuple[Any, ...]  # the values of a Literal or an Enum, else empty
    range: Range
    longest: int | None  # max_length
    default: Any  # None if the field is required
    example: Any


def shape(info: FieldInfo) -> Shape:
    kind, optional = _kind(info.annotation)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    example = (info.examples or [default])[0]
    return Shape(kind, optional, _choices(kind), _range(kind, info), limit(info, "max_length"), plain(default), example)


def limit(info: FieldInfo, *names: str) -> Any:
    """The first of the bounds `names` (ge, le, max_length …) that the field sets, or None."""
    found = (getattr(mark, name, None) for mark in info.metadata for name in names)
    return next((bound for bound in found if bound is not None), None)


def item(kind: Any) -> Any:
    """X of list[X], else None."""
    return get_args(kind)[0] if get_origin(kind) is list and get_args(kind) else None


def is_flat(kind: Any) -> bool:
    """A model of plain fields alone: a row of a table."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    shapes = [shape(info) for info in kind.model_fields.values()]
    return all(s.kind in (str, int, float, bool) or s.choices for s in shapes)


def plain(value: Any) -> Any:
    """`value` as JSON data: members of an Enum and models as what they stand for."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [plain(v) for v in value] if isinstance(value, list) else value


def _kind(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation, False
    inner = [arg for arg in get_args(annotation) if arg is not type(None)]
    return (inner[0] if len(inner) == 1 else annotation), len(inner) < len(get_args(annotation))


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(member.value for member in kind) if isinstance(kind, type) and issubclass(kind, enum.Enum) else ()


def _range(kind: Any, info: FieldInfo) -> Range:
    if kind not in (int, float):
        return Range(None, None, None)
    low, high = limit(info, "ge", "gt"), limit(info, "le", "lt")
    step = limit(info, "multiple_of") or (1 if kind is int else 0.01)
    if limit(info, "gt") is not None:
        low += step
    if limit(info, "lt") is not None:
        high -= step
    return Range(low, high, step)
