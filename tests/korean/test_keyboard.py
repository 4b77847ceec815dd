"""Typing mistakes: what was typed on the wrong layout becomes Hangul, English and everything else stays."""

from __future__ import annotations

import pytest

from kogpt_funcs.korean.keyboard import hangul, repaired

MISTYPED = {
    "dkssud": "안녕",
    "dkssudgktpdy": "안녕하세요",
    "dk rkqwkrl gksrmfdl dkscuwu": "아 갑자기 한글이 안쳐져",
    "tkfkdgo": "사랑해",
    "rkatkgkqslek": "감사합니다",
    "dhsmf skfTl djEo?": "오늘 날씨 어때?",
    "skfTl dkffuwnj": "날씨 알려줘",
    "3tldp aksskdy!": "3시에 만나요!",
    "zzzz": "ㅋㅋㅋㅋ",
    "rmfo": "그래",
    "ekfrqkf": "닭발",
    "whgdk": "좋아",
    "rhoscksgdk": "괜찮아",
    "dlfrdjfk": "읽어라",
    "ehsRktm": "돈까스",
    "오늘 skfTl 어때": "오늘 날씨 어때",
}
LEFT = [
    "안녕",
    "3,000원",
    "시발점",
    "Hello, how are you?",
    "I love you so much",
    "thank you",
    "the",
    "go",
    "so what",
    "who is the dog",
    "good morning",
    "today is so cold",
    "world city tour",
    "KBS",
    "iPhone 16 Pro",
    "python 3.11",
    "test",
    "haha",
    "OK",
    "lol",
    "SK 하이닉스 주가",
    "PC방 갈래?",
    "and 연산",
    "https://example.com/dkssud",
    "test@example.com",
    "12:30",
    "?!",
    "",
    "😀",
]


@pytest.mark.parametrize(("typed", "meant"), MISTYPED.items())
def test_the_wrong_layout_is_read_as_hangul(typed: str, meant: str) -> None:
    assert repaired(typed) == meant


@pytest.mark.parametrize("text", LEFT)
def test_english_figures_signs_and_hangul_stay(text: str) -> None:
    assert repaired(text) is None


def test_doubled_letters_split_vowels_and_pairs_compose() -> None:
    assert hangul("dksgek ekfr rkqt dhksdl rnpfp dml Wkrqns dJ ahfdk?") == "않다 닭 값 완이 궤레 의 짝분 어 몰아?"
    assert hangul("rkqtdl dlfrdjdy ahffk") == "값이 읽어요 몰라"
