"""What Function.parse makes of data, beyond what the shipped functions use: enumerations, as Opyrator wants them."""

from __future__ import annotations

import enum

import pytest
from pydantic import BaseModel, Field

from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.contract.function import Function


class Size(str, enum.Enum):  # noqa: UP042 (StrEnum would do; functions that Opyrator shows are written like this)
    SMALL = "작게"
    LARGE = "크게"


class Wish(BaseModel):
    size: Size = Field(Size.SMALL, title="크기", description="크기입니다.", examples=["작게"])


def grant(input: Wish) -> Wish:
    return input


WISH = Function("grant", "소원", "", grant, Wish, Wish, ({},))


def test_an_enum_field_takes_its_value_from_json() -> None:
    assert WISH.parse({"size": "크게"}).size is Size.LARGE


@pytest.mark.parametrize("value", ["중간", 3, None, ["작게"]])
def test_another_value_is_told_the_choices(value: object) -> None:
    with pytest.raises(InvalidInput, match=r"작게, 크게") as caught:
        WISH.parse({"size": value})
    assert caught.value.problems[0].field == "size"


@pytest.mark.parametrize(
    ("data", "korean", "english"),
    [
        ([], "받은 것: 배열.", "not an array."),
        ({"size": "중간"}, "다음 가운데 하나여야 합니다: 작게, 크게.", "This must be one of: 작게, 크게."),
        ({"sise": "작게"}, "size 말인가요?", "Did you mean size?"),
    ],
)
def test_what_is_wrong_is_said_in_korean_and_english(data: object, korean: str, english: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        WISH.parse(data)
    assert korean in caught.value.message
    assert english in caught.value.english
