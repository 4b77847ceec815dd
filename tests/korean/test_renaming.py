"""New names and numbers in a pair: the same ones on both sides, and particles that still fit."""

from __future__ import annotations

import random
import re

import pytest

from kogpt_funcs.korean.renaming import renamed

PAIR = ("저는 고양이를 6마리 키워요.", "나는 고양이를 6마리 키워.")


@pytest.mark.parametrize("seed", range(20))
def test_both_sides_get_the_same_words(seed: int) -> None:
    source, target = renamed(*PAIR, random.Random(seed))
    told = re.fullmatch(r"저는 (\w+)를 (\d)마리 키워요\.", source)
    assert told, source
    assert told[1] != "고양이"
    assert (ord(told[1][-1]) - ord("가")) % 28 == 0, "를 follows a vowel"
    assert target == f"나는 {told[1]}를 {told[2]}마리 키워."


def test_a_word_with_a_final_consonant_gets_one_with_a_final_consonant() -> None:
    for seed in range(20):
        source, _ = renamed("수학을 배워요.", "수학을 배워.", random.Random(seed))
        assert (ord(source.split("을 ")[0][-1]) - ord("가")) % 28


def test_a_seed_repeats() -> None:
    assert renamed(*PAIR, random.Random(3)) == renamed(*PAIR, random.Random(3)) != renamed(*PAIR, random.Random(4))


def test_what_one_side_alone_has_stays() -> None:
    for pair in [("커피를 2잔 마셔요.", "음료 마심"), ("정말 좋아해요.", "정말 좋아해."), ("", "")]:
        assert renamed(*pair, random.Random(0)) == pair


def test_a_number_is_replaced_whole() -> None:
    source, target = renamed("2011년과 11월", "2011년이랑 11월", random.Random(1))
    assert re.fullmatch(r"\d{4}년과 \d{2}월", source)
    assert re.findall(r"\d+", source) == re.findall(r"\d+", target)
