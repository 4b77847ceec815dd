"""What a field says of itself, read from pydantic in one place."""

from __future__ import annotations

import enum
from typing import Literal, Optional

from pydantic import BaseModel, Field

from kogpt_funcs.contract.shape import Bounds, nested, paths, shapes


class Size(str, enum.Enum):  # noqa: UP042 (the contract's portable form)
    SMALL = "작게"


class Inner(BaseModel):
    text: str = Field(..., max_length=9)


class Outer(BaseModel):
    share: float = Field(0.5, gt=0, lt=1, title="몫", description="몫입니다.", examples=[0.25])
    seed: Optional[int] = Field(None, ge=0, le=9)
    size: Size = Size.SMALL
    letter: Literal["a", "b"] = "a"
    inner: list[Inner] = Field(...)


def test_bounds_and_the_range_of_a_form() -> None:
    share, seed = shapes(Outer)["share"], shapes(Outer)["seed"]
    assert share.bounds == Bounds(gt=0, lt=1)
    assert (share.low, share.high, share.step, share.example) == (0.01, 0.99, 0.01, 0.25)
    assert (seed.kind, seed.optional, seed.required, seed.low, seed.high) == (int, True, False, 0, 9)


def test_choices_are_the_values_of_an_enum_or_a_literal() -> None:
    assert shapes(Outer)["size"].choices == ("작게",)
    assert shapes(Outer)["size"].default == "작게"
    assert shapes(Outer)["letter"].choices == ("a", "b")


def test_nested_fields_have_dotted_paths() -> None:
    assert nested(shapes(Outer)["inner"]) is Inner
    assert list(paths(Outer)) == ["share", "seed", "size", "letter", "inner", "inner.text"]
    assert paths(Outer)["inner.text"].longest == 9
