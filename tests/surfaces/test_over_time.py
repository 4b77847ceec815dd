"""Labels over time: what counts as a date, which functions have labels, the drawing and the months."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from kogpt_funcs.contract.function import Function
from kogpt_funcs.data.dates import as_date
from kogpt_funcs.surfaces.page.over_time import Dated, drawn, labels, shares


class Asked(BaseModel):
    text: str = Field(..., max_length=20, title="글", description="글입니다.", examples=["가"])


class Share(BaseModel):
    name: Literal["<b>", "나"] = Field(..., title="이름", description="이름입니다.")
    part: float = Field(..., ge=0, le=1, title="몫", description="몫입니다.")


class Shares(BaseModel):
    kind: Literal["x", "y"] = Field(..., title="갈래", description="갈래입니다.")
    parts: list[Share] = Field(..., title="몫", description="몫들입니다.")


class Label(BaseModel):
    kind: Literal["x", "y"] = Field(..., title="갈래", description="갈래입니다.")


class Plain(BaseModel):
    said: str = Field(..., title="말", description="말입니다.")


def answering(output: type[BaseModel]) -> Function:
    return Function("f", "함수", "", lambda input: input, Asked, output, ({"text": "가"},))


SHARES = answering(Shares)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-03",
        "2026-11-03T10:00:00Z",
        "2026-11-03 10:00",
        "2026.11.3",
        "2026. 11. 3.",
        "2026. 11. 3. 오후 2:00",
        "2026/11/03",
        "2026년 11월 3일",
        "2026년 11월 3일 화요일",
        "20261103",
        20261103,
        datetime.date(2026, 11, 3),
        datetime.datetime(2026, 11, 3, 9, 30),
    ],
)
def test_a_date_is_read_however_it_is_written(written: Any) -> None:
    assert as_date(written) == datetime.date(2026, 11, 3)


@pytest.mark.parametrize(
    "written", ["", None, "어제", "2026-13-01", "2026-02-30", "202611", "1.5", "2026-11-031", True]
)
def test_what_is_no_date_is_none(written: Any) -> None:
    assert as_date(written) is None


def test_probabilities_come_before_a_label_and_plain_texts_have_none() -> None:
    assert labels(SHARES) == ("<b>", "나")
    assert labels(answering(Label)) == ("x", "y")
    assert labels(answering(Plain)) == ()
    parts = [{"name": "<b>", "part": 0.75}, {"name": "나", "part": 0.25}]
    assert shares(SHARES, {"kind": "x", "parts": parts}) == {"<b>": 0.75, "나": 0.25}
    assert shares(answering(Label), {"kind": "y"}) == {"y": 1.0}


def dated(*days: str) -> list[Dated]:
    return [Dated(datetime.date.fromisoformat(day), {"<b>": 0.75, "나": 0.25}) for day in days]


def test_the_months_are_counted_in_their_order() -> None:
    html = drawn(SHARES, dated("2026-11-02", "2026-10-01", "2026-10-09"))
    assert re.findall(r'<th scope="row">(.*?)</th><td>(\d+)</td><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td>', html) == [
        ("2026-10", "2", "&lt;b&gt; (2)", "75%", "25%"),
        ("2026-11", "1", "&lt;b&gt; (1)", "75%", "25%"),
    ]
    assert html.count("<rect") == 3 * 2
    assert "<b>" not in html


@pytest.mark.parametrize(("days", "columns"), [(60, 60), (61, 10), (413, 60), (1200, 41), (3650 * 2, 21)])
def test_there_are_never_more_columns_than_can_be_told_apart(days: int, columns: int) -> None:
    first = datetime.date(2006, 1, 1)
    answers = dated(*((first + datetime.timedelta(days=n)).isoformat() for n in range(days)))
    drawing = drawn(SHARES, answers)
    found = drawing.count("<rect") // 2
    assert found <= 60
    assert abs(found - columns) <= 1


def test_a_label_is_called_what_the_function_calls_it() -> None:
    named = replace(SHARES, labels={"나": "둘째"})
    assert "둘째" in drawn(named, dated("2026-11-02"))
