"""change_style on the shipped weights: what it chooses and keeps; and the pairs that a row of styles teaches."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kogpt_funcs import change_style
from kogpt_funcs.change_style import ChangeStyleInput, ChangeStyleOutput, Style, stream, training_examples

SOURCE = "저는 고양이를 여섯 마리 키워요."
ROW = {
    "formal": "안녕하세요. 저는 고양이 6마리 키워요.",
    "informal": "안녕! 나는 고양이 6마리 키워.",
    "king": "반갑소. 짐은 고양이를 6마리나 키우오.",
}


def written(text: str, style: Style, **options: Any) -> ChangeStyleOutput:
    return change_style(ChangeStyleInput(text=text, style=style, **options))


def test_the_first_answer_does_not_depend_on_chance() -> None:
    answers = {
        written(SOURCE, "나루토", **options).text
        for options in ({}, {"seed": 5}, {"num_samples": 3, "temperature": 1.5, "seed": 6})
    }
    assert len(answers) == 1


def test_alternatives_are_others_and_a_seed_repeats_them() -> None:
    first, again = (written(SOURCE, "왕", num_samples=5, temperature=1.2, seed=4) for _ in range(2))
    assert first == again
    assert first.alternatives
    assert first.text not in first.alternatives
    assert len(set(first.alternatives)) == len(first.alternatives)


@pytest.mark.parametrize("number", ["3", "48", "2026"])
def test_numbers_survive(number: str) -> None:
    assert number in written(f"저는 사과를 {number}개 샀어요.", "반말").text


def test_every_sentence_and_line_is_there() -> None:
    text = written("안녕하세요. 반갑습니다!\n3.14 + 2\n저는 학생이에요.", "반말").text
    first, second, third = text.split("\n")
    assert second == "3.14 + 2"
    assert len(first.split()) >= 2
    assert third


def test_a_stream_ends_with_the_answer() -> None:
    outputs = list(stream(ChangeStyleInput(text=f"{SOURCE} {SOURCE}", style="반말")))
    assert len(outputs) > 5
    assert outputs[-1] == written(f"{SOURCE} {SOURCE}", "반말")


def lessons(row: dict[str, Any], times: int = 40) -> list[tuple[str, str, str]]:
    """(source, style, target) of what `row` teaches, over many passes."""
    rng = random.Random(0)
    found = [example for _ in range(times) for example in training_examples(row, rng)]
    return [(str(prompt[1]), str(prompt[3]), target) for prompt, target in found]


def test_a_row_teaches_each_style_from_the_plain_ones() -> None:
    taught = {(source, style, target) for source, style, target in lessons(ROW)}
    assert (ROW["formal"], "왕", ROW["king"]) in taught
    assert (ROW["informal"], "왕", ROW["king"]) in taught
    assert ("안녕하세요.", "반말", "안녕!") in taught, "sentence by sentence too"
    assert {style for _, style, _ in taught} == {"존댓말", "반말", "왕"}


def test_other_names_and_numbers_are_the_same_on_both_sides() -> None:
    row = {"formal": "저는 고양이를 6마리 키워요.", "informal": "나는 고양이를 6마리 키워."}
    assert all(source.split()[1:3] == target.split()[1:3] for source, _, target in lessons(row))
    assert len({source for source, _, _ in lessons(row)}) > 10


def test_a_polite_text_in_the_column_of_informal_ones_is_no_lesson() -> None:
    assert {style for _, style, _ in lessons({"formal": "무슨 일이세요?", "informal": "무슨 일이세요?"})} == {"존댓말"}
