"""TALK: which fields are a talk's message, history and reply; a wrong one stops the load with a sentence."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.declaring import declared
from kogpt_funcs.contract.errors import BadFunction
from kogpt_funcs.contract.talk import Talk

FILE = Path(__file__).parent.parent / "functions" / "talk_back.py"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    sys.modules.pop("talk_back", None)


def loaded(source: str) -> ModuleType:
    module = sys.modules["talk_back"] = ModuleType("talk_back")
    exec(compile(source, FILE, "exec"), module.__dict__)
    return module


def test_a_talk_is_what_the_file_says() -> None:
    assert declared("talk_back", loaded(FILE.read_text("utf-8"))).talk == Talk("text", "before", "said")


def test_chat_talks_and_the_others_do_not() -> None:
    assert [name for name, function in registry.functions().items() if function.talk] == ["chat"]


@pytest.mark.parametrize(
    ("right", "wrong", "sentence"),
    [
        ('Talk(message="text", history="before", reply="said")', '"text"', "TALK must be a Talk("),
        ('message="text"', 'message="words"', "TALK.message is 'words', which is no text field; fields: text, before."),
        ('reply="said"', 'reply="before"', "TALK.reply is 'before', which is no text field"),
        ('reply="said"', 'reply="said", system="tone"', "TALK.system is 'tone', which is no text field"),
        ('history="before"', 'history="text"', "TALK.history is 'text'; in TalkBackInput it must be a list"),
        ("before: list[Turn] = Field([],", "before: list[Turn] = Field(...,", "give 'before' a default"),
        ('role: Literal["user", "assistant"]', 'role: Literal["user", "bot"]', "in TalkBackInput it must be a list"),
    ],
)
def test_what_does_not_fit_stops_the_load(right: str, wrong: str, sentence: str) -> None:
    source = FILE.read_text("utf-8")
    assert right in source
    with pytest.raises(BadFunction, match=re.escape(sentence)):
        declared("talk_back", loaded(source.replace(right, wrong)))
