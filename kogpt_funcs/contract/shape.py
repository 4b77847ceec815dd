"""What a field of a pydantic model says of itself: texts, kind, choices, bounds, default.

Checks, page and command all read a field through this; none of them reads pydantic's own description. It knows no
function and no surface.
"""

from __future__ import annotations

import enum
import functools
import types
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


class Bounds(NamedTuple):
    """The bounds of a number, None where it has none: from, above, up to, below, multiple of."""

    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    multiple_of: Any = None


@dataclass(frozen=True)
class Shape:
    """One field."""

    name: str
    title: str
    description: str
    kind: Any  # the annotation without `| None`
    optional: bool  # None is allowed
    required: bool
    choices: tuple[Any, ...]  # the values of a Literal or an Enum, else empty
    bounds: Bounds
    longest: int | None  # max_length
    default: Any  # as JSON data; None if the field is required
    examples: tuple[Any, ...]

    @property
    def kinds(self) -> tuple[Any, ...]:
        """The members of a union; otherwise `kind` alone."""
        return get_args(self.kind) if _is_union(self.kind) else (self.kind,)

    @property
    def number(self) -> bool:
        return self.kind in (int, float)

    @property
    def step(self) -> Any:
        """The distance between two neighbouring values on a form."""
        return self.bounds.multiple_of or (1 if self.kind is int else 0.01)

    @property
    def low(self) -> Any:
        """The least value on a form, None if there is none."""
        return self.bounds.gt + self.step if self.bounds.gt is not None else self.bounds.ge

    @property
    def high(self) -> Any:
        """The greatest value on a form, None if there is none."""
        return self.bounds.lt - self.step if self.bounds.lt is not None else self.bounds.le

    @property
    def example(self) -> Any:
        return self.examples[0] if self.examples else self.default


@functools.cache
def shapes(model: type[BaseModel]) -> dict[str, Shape]:
    """The fields of `model` by name, in its order."""
    return {name: _shape(name, info) for name, info in model.model_fields.items()}


def nested(shape: Shape) -> type[BaseModel] | None:
    """The model that the field holds, or a list of which it holds; None if it holds none."""
    inner = item(shape.kind) or shape.kind
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def paths(model: type[BaseModel], before: str = "") -> dict[str, Shape]:
    """Every field, those of nested models too, by its dotted path: `continuations.text`."""
    known: dict[str, Shape] = {}
    for name, shape in shapes(model).items():
        known[before + name] = shape
        inner = nested(shape)
        if inner and inner is not model:
            known |= paths(inner, f"{before}{name}.")
    return known


def item(kind: Any) -> Any:
    """X of list[X], else None."""
    return get_args(kind)[0] if get_origin(kind) is list and get_args(kind) else None


def is_flat(kind: Any) -> bool:
    """A model of plain fields alone: a row of a table."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    return all(s.kind in (str, int, float, bool) or s.choices for s in shapes(kind).values())


def plain(value: Any) -> Any:
    """`value` as JSON data: members of an Enum and models as what they stand for."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [plain(v) for v in value] if isinstance(value, list) else value


def enum_members(shape: Shape) -> dict[Any, enum.Enum]:
    """The members of the field's Enum by their values; empty if it has none."""
    kinds = [kind for kind in shape.kinds if isinstance(kind, type) and issubclass(kind, enum.Enum)]
    return {member.value: member for kind in kinds for member in kind}


def _shape(name: str, info: FieldInfo) -> Shape:
    kind, optional = _kind(info.annotation)
    return Shape(
        name=name,
        title=info.title or "",
        description=info.description or "",
        kind=kind,
        optional=optional,
        required=info.is_required(),
        choices=_choices(kind),
        bounds=Bounds(*(_limit(info, bound) for bound in Bounds._fields)),
        longest=_limit(info, "max_length"),
        default=None if info.is_required() else plain(info.get_default(call_default_factory=True)),
        examples=tuple(info.examples or ()),
    )


def _limit(info: FieldInfo, name: str) -> Any:
    limits = (getattr(mark, name, None) for mark in info.metadata)
    return next((limit for limit in limits if limit is not None), None)


def _kind(annotation: Any) -> tuple[Any, bool]:
    if not _is_union(annotation):
        return annotation, False
    inner = [arg for arg in get_args(annotation) if arg is not type(None)]
    return (inner[0] if len(inner) == 1 else annotation), len(inner) < len(get_args(annotation))


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _choices(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(member.value for member in kind) if isinstance(kind, type) and issubclass(kind, enum.Enum) else ()
