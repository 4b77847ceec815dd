"""댓글 쓰기: write comments on a topic, in a mood."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from kogpt_funcs import models
from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.similarity import distinct
from kogpt_funcs.korean.text import clean, missing_marks, required
from kogpt_funcs.models import Example, Generation, Special

Mood = Literal["호평", "보통", "혹평"]

_ROUNDS = 4  # how often missing comments (abusive or repeated ones) are written anew
_GUIDANCE = 1.5  # how much less likely the comments shall be in the other moods, if the adapter says nothing else
_MOST = 32  # comments written at once
_ALIKE = 0.5  # the most that two comments of one answer may share
_ANYTHING = "이것저것"  # a topic that is none
_OF_TOPIC, _OF_MOOD = 0.7, 0.5  # how much it counts that a comment is likelier here than elsewhere
_A_NUMBER, _A_WORD_AGAIN = 0.35, 0.5  # what each of them costs, in nats a token; read on twenty topics and moods
_THINNED = 0.65  # share of the best-rated comments that is not learned from
_PARTICLE = re.compile(r"(?:에서|으로|이나|까지|부터|은|는|이|가|을|를|의|에|도|만|과|와|로)$")


class WriteCommentInput(Sampling):
    topic: str = Field(
        ...,
        min_length=1,
        max_length=100,
        title="주제",
        examples=["배우 연기"],
        description="댓글을 달 글이나 작품의 제목, 또는 낱말 몇 개입니다. 100자까지 받습니다.",
    )
    mood: Mood = Field("호평", title="분위기", examples=["호평"], description="댓글의 평가입니다.")
    num_samples: int = Field(5, ge=1, le=20, title="개수", examples=[5], description="댓글을 몇 개 쓸지 정합니다.")
    max_new_tokens: int = Field(
        48,
        ge=8,
        le=128,
        title="최대 길이",
        examples=[48],
        description="댓글 하나에 쓰는 토큰의 최대 개수입니다. 토큰 하나는 한글 두 글자쯤입니다.",
    )


class WriteCommentOutput(BaseModel):
    comments: list[str] = Field(..., title="댓글", description="서로 다른 댓글들입니다.")


EXAMPLES = [
    {"topic": "배우 연기", "mood": "호평", "num_samples": 5, "seed": 1},
    {"topic": "결말", "mood": "혹평", "num_samples": 5, "seed": 2},
    {"topic": "공포영화", "mood": "보통", "num_samples": 3, "seed": 3},
]

ENGLISH = {
    "title": "Write comments",
    "description": "Give a topic and a mood, and it writes several different comments.",
    "input": {
        "topic": ("Topic", "The title of a text or a work, or a few words, in Korean. Up to 100 characters."),
        "mood": ("Mood", "What the comments think of it."),
        "num_samples": ("Number of comments", "How many comments to write."),
        "max_new_tokens": ("Maximum length", "The most tokens in a comment. A token is about two Korean letters."),
    },
    "output": {"comments": ("Comments", "The different comments.")},
    "labels": {"호평": "Favourable", "보통": "Mixed", "혹평": "Unfavourable"},
}


def write_comment(input: WriteCommentInput) -> WriteCommentOutput:
    """댓글 쓰기

    주제와 분위기를 주면 서로 다른 댓글을 여러 개 씁니다.
    """
    *_, last = stream(input)
    return last


def stream(input: WriteCommentInput) -> Iterator[WriteCommentOutput]:
    """Partial outputs as the comments grow; repeated and abusive ones are dropped and written anew.

    Where the adapter prefers to choose among several, those come first whose words the topic and the mood explain best.
    """
    topic = required(input.topic, "topic")
    asked = models.preferences("write_comment")
    done: list[str] = []
    like_others: list[str] = []
    for attempt in range(_ROUNDS):
        missing = input.num_samples - len(done)
        written: list[str] = []
        for samples in models.generate(_request(input, topic, _pool(missing, asked), attempt, asked)):
            written = [s.text.strip() for s in samples]
            shown = done + [text for text in written if _presentable(text)]
            yield WriteCommentOutput(comments=shown[: input.num_samples])
        new = [text for text in dict.fromkeys(written) if _presentable(text)]
        ranked = _ranked(new, topic, input.mood, asked)
        done = distinct(ranked, _ALIKE, done)[: input.num_samples]
        like_others += [text for text in ranked if text not in done]
        if len(done) == input.num_samples or input.temperature == 0:
            break
    spare = [text for text in dict.fromkeys(like_others) if text not in done]
    yield WriteCommentOutput(comments=[*done, *spare][: input.num_samples])


def _presentable(text: str) -> bool:
    return bool(text) and not is_abusive(text)


def _pool(missing: int, asked: dict[str, float]) -> int:
    """How many comments to write for `missing` ones."""
    return max(missing, min(_MOST, round(missing * asked.get("candidates", 1))))


def _ranked(texts: list[str], topic: str, mood: str, asked: dict[str, float]) -> list[str]:
    """Best first: what is much less likely on no particular topic and in the other moods, and is not cluttered."""
    if asked.get("candidates", 1) <= 1 or len(texts) < 2:
        return texts
    others = [other for other in get_args(Mood) if other != mood]
    places = [prompt(topic, mood), prompt(_ANYTHING, mood), *(prompt(topic, other) for other in others)]
    scores = models.score([p for p in places for _ in texts], texts * len(places), "write_comment")
    here, anywhere, *else_ = ([s.mean for s in scores[i : i + len(texts)]] for i in range(0, len(scores), len(texts)))
    worth = {
        text: (1 + _OF_MOOD) * own - _OF_TOPIC * neutral - _OF_MOOD * max(rest) - _clutter(text)
        for text, own, neutral, *rest in zip(texts, here, anywhere, *else_, strict=True)
    }
    return sorted(texts, key=lambda text: -worth[text])


def _clutter(text: str) -> float:
    """What numbers and repeated words cost: where a small model loses the thread it counts, or says a word again."""
    beginnings = [word[:2] for word in re.findall("[가-힣]{2,}", text)]
    again = len(beginnings) - len(set(beginnings))
    return _A_NUMBER * len(re.findall(r"\d+(?:[.,]\d+)*", text)) + _A_WORD_AGAIN * again


def _request(
    input: WriteCommentInput, topic: str, num_samples: int, attempt: int, asked: dict[str, float]
) -> Generation:
    guidance = asked.get("guidance", _GUIDANCE)
    return Generation(
        prompt=prompt(topic, input.mood),
        against=tuple(prompt(topic, mood) for mood in get_args(Mood) if mood != input.mood) if guidance else (),
        guidance=guidance,
        adapter="write_comment",
        num_samples=num_samples,
        min_new_tokens=3,
        no_repeat_ngram=3,
        newline_ends=True,
        bad_words=missing_marks(topic) if asked.get("in_kind") else (),
        **models.preferred({**input.options(), "seed": input.seed_of(attempt)}, asked),
    )


def prompt(topic: str, mood: str) -> list[Special | str]:
    """`<unused0>` mood `<unused1>` topic `<unused2>`; an empty topic or mood leaves its place empty."""
    return [
        Special("<unused0>"),
        *([mood] if mood else []),
        Special("<unused1>"),
        *([topic] if topic else []),
        Special("<unused2>"),
    ]


def training_examples(row: dict[str, Any], rng: random.Random) -> Iterator[Example]:
    """A row has `text` and may have `rating` (1 to 10) or `mood`, and `topic`. If the topic is missing, a word of the
    text mostly takes its place.

    A mood is learned from clear ratings alone. Of the best ratings, which are the most, only so many are kept as there
    are of the others.
    """
    text = clean(str(row["text"])).replace("\n", " ")
    mood = row.get("mood") or _clear_mood(row.get("rating"))
    if not text or is_abusive(text) or (mood == "호평" and "rating" in row and rng.random() < _THINNED):
        return
    topic = clean(str(row.get("topic") or ""))
    if not topic and rng.random() < 0.6:
        topic = _keyword(text, rng)
    yield Example(prompt(topic, mood), text)


def _clear_mood(rating: int | None) -> str:
    return mood_of(rating) if rating in (1, 2, 3, 5, 6, 9, 10) else ""


def mood_of(rating: int | None) -> str:
    """The mood of a rating from 1 to 10; empty if there is none."""
    if rating is None:
        return ""
    return "혹평" if rating <= 4 else "보통" if rating <= 7 else "호평"


def _keyword(text: str, rng: random.Random) -> str:
    words = [w for w in re.findall(r"[가-힣]{2,8}", text) if len(_PARTICLE.sub("", w)) >= 2]
    return _PARTICLE.sub("", rng.choice(words)) if words else ""
