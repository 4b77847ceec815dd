"""A listener's words: for each kind of message some, sound in both ways of speaking, presuming nothing."""

from __future__ import annotations

import random
import re

import pytest

from kogpt_funcs.assistant.fitting import fitting
from kogpt_funcs.assistant.listening import LISTENING, kind, listening
from kogpt_funcs.korean.presumed import presumes
from kogpt_funcs.korean.speech import casual, speaks


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("네, 먼저 말 걸어 볼게요", "resolve"),
        ("평지라도 걸어 봐야겠네요", "resolve"),
        ("그게 왜 그런 거게요", "일상"),
        ("어떻게 말해야 할까요", "question"),
        ("뭐 입고 가야 할지 모르겠어", "question"),
        ("고마워요 좀 나아졌어요", "thanks"),
        ("그래, 오늘은 그냥 잘래", "goodbye"),
        ("빚부터 갚아야지", "resolve"),
        ("복권 됐으면 좋겠다", "wish"),
        ("디자인 회사예요", "일상"),
    ],
)
def test_a_message_is_told_by_its_end(message: str, expected: str) -> None:
    assert kind(message, {"일상": 0.9}) == expected


def test_a_feeling_is_named_only_where_it_is_sure() -> None:
    assert kind("아무 말도 안 해요", {"슬픔": 0.7, "기쁨": 0.2}) == "슬픔"
    assert kind("열 살이에요", {"기쁨": 0.7}) == "일상"


@pytest.mark.parametrize("text", [text for texts in LISTENING.values() for text in texts])
def test_each_is_sound_in_both_ways_of_speaking(text: str) -> None:
    assert fitting([text], [], "") == [text]
    assert not presumes(text, "")
    assert speaks(text, "존댓말")
    assert speaks(casual(text), "반말"), casual(text)
    assert not re.search(r"저는|제가|저도", casual(text))


def test_there_is_enough_for_a_long_talk() -> None:
    for message in ("디자인 회사예요", "어떡하죠?"):
        found = listening(message, {"불안": 0.9}, random.Random(1))
        assert len(found) == len(set(found)) >= 7
