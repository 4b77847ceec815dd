"""Every field of every Input on the page, there and back; and fields of every shape that the contract allows."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from typing import Any, Literal, Optional

import gradio as gr
import pytest
from pydantic import BaseModel, Field

from kogpt_funcs.contract.english import Text
from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.registry import functions
from kogpt_funcs.contract.shape import shapes
from kogpt_funcs.surfaces.page import components
from kogpt_funcs.surfaces.page.answers import Reader
from kogpt_funcs.surfaces.page.translations import Dictionary


class Size(str, enum.Enum):  # noqa: UP042 (the contract's portable form)
    SMALL = "작게"
    LARGE = "크게"


class Turn(BaseModel):
    role: Literal["user", "bot"] = Field("user", title="누가", description="말한 이입니다.", examples=["user"])
    text: str = Field(..., max_length=100, title="말", description="한 말입니다.", examples=["안녕"])
    times: int = Field(1, ge=1, le=9, title="번", description="몇 번 말했는지입니다.", examples=[1])


class Nested(BaseModel):
    turn: Turn = Field(..., title="말", description="말입니다.")


class EveryShape(BaseModel):
    line: str = Field(..., max_length=20, title="줄", description="짧은 글입니다.", examples=["안녕"])
    page: str = Field("", max_length=2000, title="쪽", description="긴 글입니다.", examples=["안녕"])
    perhaps: Optional[str] = Field(None, max_length=20, title="혹시", description="없어도 됩니다.", examples=["안녕"])
    size: Size = Field(Size.SMALL, title="크기", description="고릅니다.", examples=["작게"])
    letter: Literal["a", "b", "c", "d", "e", "f"] = Field("a", title="글자", description="고릅니다.", examples=["a"])
    whole: int = Field(3, ge=1, le=9, title="정수", description="정수입니다.", examples=[3])
    share: float = Field(0.5, gt=0, lt=1, title="몫", description="몫입니다.", examples=[0.5])
    seed: Optional[int] = Field(None, ge=0, le=2**31, title="시드", description="없어도 됩니다.", examples=[1])
    wide: float = Field(1.5, ge=0, le=1e6, title="넓게", description="넓은 수입니다.", examples=[1.5])
    yes: bool = Field(True, title="예", description="예 또는 아니요입니다.", examples=[True])
    words: list[str] = Field([], title="낱말", description="낱말들입니다.", examples=[["가"]])
    history: list[Turn] = Field([], title="기록", description="주고받은 말입니다.", examples=[[{"text": "안녕"}]])
    nested: Optional[Nested] = Field(
        None, title="겹", description="겹친 것입니다.", examples=[{"turn": {"text": "안녕"}}]
    )
    numbers: list[int] = Field([], title="수", description="수들입니다.", examples=[[1]])


FILLED = {
    "line": "안녕",
    "page": "긴\n글",
    "perhaps": "응",
    "size": "크게",
    "letter": "f",
    "whole": 9,
    "share": 0.25,
    "seed": 7,
    "wide": 12345.5,
    "yes": False,
    "words": ["가", "나 다"],
    "numbers": [1, 2],
    "history": [{"role": "bot", "text": "안녕", "times": 2}, {"role": "user", "text": "<b>", "times": 1}],
    "nested": {"turn": {"text": "안녕"}},
}


ENGLISH = Text("Title", "Description.")
render = Reader({}, lambda value: (value, value), "").render


def label(value: Any) -> tuple[str, str]:
    return str(value), f"English {value}"


def fields(model: type[BaseModel]) -> dict[str, components.Field]:
    async def laid_out() -> dict[str, components.Field]:
        with gr.Blocks(analytics_enabled=False):
            return {
                name: components.field("f", shape, ENGLISH, label, Dictionary())
                for name, shape in shapes(model).items()
            }

    return asyncio.run(laid_out())  # Gradio leaves a loop of its own open where none is running


@pytest.fixture(scope="module")
def every_shape() -> Iterator[dict[str, components.Field]]:
    return fields(EveryShape)


def through_the_browser(field: components.Field, data: dict[str, Any]) -> Any:
    """What the server reads when the browser sends back what it was shown."""
    shown = field.control.component.postprocess(field.shown(data))
    sent = shown.model_dump() if isinstance(shown, BaseModel) else shown
    return field.control.read(sent)


@pytest.mark.parametrize("function", functions().values(), ids=lambda f: f.name)
def test_an_example_comes_back_as_it_was_shown(function: Function) -> None:
    form = fields(function.input)
    for example in function.examples:
        back = {name: through_the_browser(field, example) for name, field in form.items()}
        given = {name: value for name, value in back.items() if value is not None}
        assert function.parse(given) == function.parse(example)


@pytest.mark.parametrize("name", EveryShape.model_fields)
def test_each_shape_comes_back_as_it_was_shown(every_shape: dict[str, components.Field], name: str) -> None:
    assert through_the_browser(every_shape[name], FILLED) == FILLED[name]


@pytest.mark.parametrize("name", [name for name, info in EveryShape.model_fields.items() if not info.is_required()])
def test_what_is_left_alone_is_the_default(every_shape: dict[str, components.Field], name: str) -> None:
    back = through_the_browser(every_shape[name], {})
    assert EveryShape.model_validate({"line": "가", **({} if back is None else {name: back})}) == EveryShape(line="가")


@pytest.mark.parametrize(
    ("name", "typed", "read"),
    [
        ("seed", "", None),
        ("seed", " 42 ", 42),
        ("seed", "1,000", 1000),
        ("seed", "1.5", 1.5),
        ("seed", "네", "네"),
        ("seed", "-1", -1),
        ("seed", "9" * 5000, float("inf")),
        ("whole", 3.0, 3),
        ("whole", None, None),
        ("perhaps", "", None),
        ("words", "", []),
        ("words", "가\n\n나", ["가", "나"]),
        ("history", None, []),
        ("history", {"data": [["", "", ""], ["", "응", "2"]]}, [{"text": "응", "times": 2}]),
        ("nested", " ", None),
    ],
)
def test_what_a_person_types_is_what_they_mean(
    every_shape: dict[str, components.Field], name: str, typed: Any, read: Any
) -> None:
    assert every_shape[name].control.read(typed) == read


@pytest.mark.parametrize("typed", ["{", "[" * 100_000, "안녕"])
def test_what_is_not_json_gets_a_sentence_with_an_example(every_shape: dict[str, components.Field], typed: str) -> None:
    with pytest.raises(InvalidInput, match="JSON") as caught:
        every_shape["nested"].control.read(typed)
    assert [problem.field for problem in caught.value.problems] == ["nested"]


class Share(BaseModel):
    label: str = Field(..., title="이름", description="이름입니다.")
    probability: float = Field(..., ge=0, le=1, title="확률", description="확률입니다.")


@pytest.mark.parametrize(
    "value",
    [
        "<script>x</script>",
        ["<script>x</script>"],
        [Turn(text="<script>x</script>")],
        [Share(label="<script>x</script>", probability=1)],
    ],
    ids=["text", "list", "cards", "bars"],
)
def test_an_answer_is_text_and_never_markup(value: Any) -> None:
    assert "<script" not in render(value)
    assert "&lt;script&gt;x&lt;/script&gt;" in render(value)


def test_what_is_sure_is_shown_the_rest_is_folded_and_a_lone_surrogate_travels() -> None:
    assert "<li>기쁨 <b>75%</b></li>" in render([Share(label="기쁨", probability=0.75)])
    unsure = render([Share(label="기쁨", probability=0.25)])
    assert unsure.index("뚜렷하지 않음") < unsure.index("<details") < unsure.index("25%")
    assert render(["앞\ud800뒤"]).encode("utf-8")
