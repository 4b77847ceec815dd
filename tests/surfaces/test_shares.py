"""How sure a label is told on the page: what the Output declares decides, and no function's name."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.messages import Said
from kogpt_funcs.surfaces.page.answers import answer
from kogpt_funcs.surfaces.page.translations import WORDS

Kind = Literal["맑음", "흐림"]


class Likely(BaseModel):
    kind: Kind
    probability: float = Field(ge=0, le=1)


class Detail(BaseModel):
    word: str
    probability: float = Field(ge=0, le=1)


class Sky(BaseModel):
    kind: Kind = Field("맑음", title="하늘")
    kinds: list[Likely] = Field([], title="모두")
    details: list[Detail] = Field([], title="자세히")
    other: str = Field("", title="다른 말")


FUNCTION = Function("sky", "하늘", "", lambda _: Sky(), BaseModel, Sky, ({},))


def shown(output: Sky, field: str, whole: bool = True) -> str:
    """What stands there in Korean, without its markup."""
    html = answer(FUNCTION, FUNCTION.answers[field]).show(output, whole)
    html = re.sub(r'<span lang="en">.*?</span>|<button.*?</button>', "", html)
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html)).strip()


def sky(sure: float, **rest: Any) -> Sky:
    kinds = [Likely(kind="흐림", probability=sure), Likely(kind="맑음", probability=1 - sure)]
    return Sky(kind="흐림", kinds=kinds, **rest)


def test_a_sure_label_is_the_headline_and_an_unsure_one_is_not() -> None:
    assert shown(sky(0.8), "kind") == "하늘 흐림"
    assert shown(sky(0.49), "kind") == f"하늘 {WORDS['unsure'][0]} {WORDS['likeliest'][0]} 흐림 49%"
    assert shown(Sky(kind="흐림"), "kind") == "하늘 흐림"


def test_declared_labels_are_bars_and_others_chips_with_the_rest_folded() -> None:
    details = [Detail(word=word, probability=p) for word, p in (("구름", 0.7), ("바람", 0.2), ("비", 0.1))]
    output = sky(0.8, details=details)
    assert shown(output, "kinds") == "모두 흐림 80.0% 맑음 20.0%"
    assert shown(output, "details") == "자세히 구름 70% 덜 뚜렷한 것 2개 바람 20% 비 10%"
    assert "<details" not in answer(FUNCTION, FUNCTION.answers["details"]).show(sky(0.8, details=details[:1]), True)
    assert shown(sky(0.8, details=details[1:2]), "details") == "자세히 뚜렷하지 않음 덜 뚜렷한 것 1개 바람 20%"


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_empty_is_not_there(whole: bool) -> None:
    assert [shown(Sky(), field, whole) for field in ("kinds", "details", "other")] == ["", "", ""]


def test_labels_are_said_in_both_languages() -> None:
    html = answer(FUNCTION, FUNCTION.answers["other"]).show(Sky(other=" 앞에 빈칸 "), True)
    assert '<div class="kogpt-text">앞에 빈칸</div>' in html
    assert FUNCTION.label("맑음") == Said("맑음", "맑음")
