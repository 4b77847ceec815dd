"""Cleaning, sentence ends, the abuse filter, and the Korean sentences for wrong input."""

from __future__ import annotations

from typing import Any

import pytest

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.text import clean, last_sentence_end, missing_marks, required, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  안녕\r\n하세요\t반가워요  ", "안녕\n하세요 반가워요"),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
        ("가\u200b나\ufeff다\u0000라\u001b", "가나다라"),
        ("👨‍👩‍👧 가족", "👨‍👩‍👧 가족"),
        ("ㅋㅋㅋ ㅠㅠ", "ㅋㅋㅋ ㅠㅠ"),
    ],
)
def test_clean(text: str, expected: str) -> None:
    assert clean(text) == expected


@pytest.mark.parametrize("blank", ["", "   ", "\n\t", "\u200b\u200b", "\u0000\u0007"])
def test_a_blank_text_names_its_field(blank: str) -> None:
    with pytest.raises(InvalidInput, match="비어") as caught:
        required(blank, "topic")
    assert caught.value.problems[0].field == "topic"


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("갔다. 그리고", 3),
        ("정말? 응", 3),
        ("좋아ㅋㅋ 또", 4),
        ("3.5점", 0),
        ("끝", 0),
        ('그는 "가자." 하고', 8),
        ("왔다…", 3),
    ],
)
def test_last_sentence_end(text: str, end: int) -> None:
    assert last_sentence_end(text) == end


def test_sentences() -> None:
    assert sentences("하나다. 둘이다! 셋") == ["하나다.", "둘이다!", "셋"]


@pytest.mark.parametrize(
    "text",
    [
        "시발점은 여기다",
        "동시 발매",
        "역시 발연기",
        "새끼 고양이",
        "보지 않았다",
        "다시 팔았다",
        "그를 좇아 갔다",
        "미친 듯이 웃었다",
        "꺼져가는 불빛",
    ],
)
def test_harmless_words_pass(text: str) -> None:
    assert not is_abusive(text)


@pytest.mark.parametrize(
    "text", ["아 시발 뭐야", "씨발", "이 개새끼야", "ㅅㅂ 진짜", "병신 같은", "지랄하네", "시벌것 괭이놈", "미친놈"]
)
def test_abuse_is_told(text: str) -> None:
    assert is_abusive(text)


WRONG: list[tuple[str, Any, str]] = [
    ("missing", None, "꼭 필요한 항목입니다."),
    ("too long", "가" * 100_000, "자까지 쓸 수 있습니다."),
    ("a number", 3, "글자로 적어 주세요."),
    ("null", None, "글자로 적어 주세요."),
    ("a list", ["가"], "글자로 적어 주세요."),
    ("a lone surrogate", "\ud800", "올바른 유니코드 글이 아닙니다."),
]


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize(("case", "value", "message"), WRONG, ids=[case for case, _, _ in WRONG])
def test_each_wrong_value_gets_a_korean_sentence_and_its_field(name: str, case: str, value: Any, message: str) -> None:
    function = registry.get(name)
    field = next(key for key, info in function.input.model_fields.items() if info.is_required())
    data = {**function.examples[0], field: value}
    if case == "missing":
        del data[field]
    with pytest.raises(InvalidInput) as caught:
        function.parse(data)
    (problem,) = caught.value.problems
    assert problem.field == field
    assert message in problem.message


@pytest.mark.parametrize("name", registry.names())
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 10**30, "3", True])
def test_wrong_numbers_are_refused(name: str, value: Any) -> None:
    function = registry.get(name)
    for field, info in function.input.model_fields.items():
        if info.annotation in (int, float):
            with pytest.raises(InvalidInput) as caught:
                function.parse({**function.examples[0], field: value})
            assert caught.value.problems[0].field == field


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("2024년 봄\n그는", ()),
        ("2024년 봄, 그는", ("\n",)),
        ("봄이다.\n그는", tuple("0123456789")),
        ("봄이다.", ("\n", *"0123456789")),
    ],
)
def test_what_a_text_has_may_come_again(text: str, marks: tuple[str, ...]) -> None:
    assert missing_marks(text) == marks
