"""write_comment on the shipped weights, and what a rated comment teaches."""

from __future__ import annotations

import importlib
import random
from typing import Any

import pytest

from kogpt_funcs import write_comment
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.models import Score
from kogpt_funcs.write_comment import WriteCommentInput, mood_of, training_examples


def lessons(row: dict[str, Any]) -> list[tuple[list[str], str]]:
    """What is between the prompt's special tokens, and the target, over many passes."""
    rng = random.Random(0)
    return [
        ([p for p in e.prompt if isinstance(p, str)], e.target) for _ in range(100) for e in training_examples(row, rng)
    ]


@pytest.mark.parametrize("mood", ["호평", "보통", "혹평"])
def test_as_many_as_asked_none_twice_none_abusive(mood: str) -> None:
    comments = write_comment(
        WriteCommentInput.model_validate({"topic": "배우 연기", "mood": mood, "num_samples": 8, "seed": 1})
    ).comments
    assert len(comments) == len(set(comments)) == 8
    assert all(comments)
    assert not any(map(is_abusive, comments))


@pytest.mark.parametrize(("rating", "mood"), [(1, "혹평"), (3, "혹평"), (5, "보통"), (6, "보통"), (10, "호평")])
def test_a_clear_rating_teaches_its_mood(rating: int, mood: str) -> None:
    assert lessons({"text": "그냥 그랬어요", "rating": rating, "topic": "결말"})[0] == ([mood, "결말"], "그냥 그랬어요")
    assert mood_of(rating) == mood


@pytest.mark.parametrize("rating", [4, 7, 8, None])
def test_a_rating_in_between_teaches_none(rating: int | None) -> None:
    assert {tuple(said) for said, _ in lessons({"text": "그냥 그랬어요", "rating": rating, "topic": "결말"})} == {
        ("결말",)
    }


def test_the_best_ratings_are_thinned_and_given_moods_are_not() -> None:
    rated = {"text": "최고의 영화", "topic": "영화"}
    assert 20 < len(lessons({**rated, "rating": 10})) < 50
    assert len(lessons({**rated, "mood": "호평"})) == len(lessons({**rated, "rating": 1})) == 100


def test_a_missing_topic_is_mostly_a_word_of_the_text_without_its_particle() -> None:
    said = [said for said, _ in lessons({"text": "결말이 아쉬웠다", "rating": 1})]
    assert 40 < said.count(["혹평", "결말"]) + said.count(["혹평", "아쉬웠다"]) < 80
    assert ["혹평", "결말이"] not in said


def test_abuse_is_not_learned() -> None:
    assert lessons({"text": "이 개새끼야", "rating": 1}) == []


def test_among_like_comments_the_uncluttered_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("kogpt_funcs.write_comment")
    alike = [Score(-20.0, 10)]
    monkeypatch.setattr(module.models, "score", lambda prompts, targets, adapter: alike * len(targets))
    said = ["버스에서 10분, 30분 만에 내렸다", "지연이라니, 지연이라더니", "바다가 참 예쁘다"]
    assert module._ranked(said, "여행", "호평", {"candidates": 5})[0] == "바다가 참 예쁘다"
    assert module._ranked(said, "여행", "호평", {"candidates": 1}) == said
