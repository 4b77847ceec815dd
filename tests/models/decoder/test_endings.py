"""Where samples end, letter by letter."""

from __future__ import annotations

from typing import Any

import pytest
from tiny_language import END, Letters

from kogpt_funcs.models import Generation, Sample
from kogpt_funcs.models.decoder.endings import Ending


def written(text: str, *, closed: bool = False, **options: Any) -> Sample:
    """What becomes of a sample that would go on as `text`, with the end token after it if `closed`."""
    letters = Letters()
    ending = Ending(Generation(prompt=["a"], **{"max_new_tokens": 10, **options}), letters)
    ids: list[int] = []
    for token in [*letters.encode([text]), *([END] if closed else [])]:
        if not ending.admits(token, ids):
            break
        ids.append(token)
        ending.look(ids)
        if ending.reason:
            break
    return ending.sample(ids)


@pytest.mark.parametrize(
    ("text", "options", "sample"),
    [
        ("abc", {"closed": True}, Sample("abc", 3, "end_of_text")),
        ("abc", {}, Sample("abc", 3, "")),
        ("ab\ncd", {"newline_ends": True}, Sample("ab", 2, "end_of_text")),
        ("ab\ncd", {"closed": True}, Sample("ab\ncd", 5, "end_of_text")),
        ("abc  ", {"closed": True}, Sample("abc", 5, "end_of_text")),
        ("abcd efgh ijkl", {}, Sample("abcd efgh", 9, "length")),  # the last word is cut off
        ("abcde fghi jk", {}, Sample("abcde fghi", 10, "length")),  # the last word is just complete
        ("abcdefghijkl", {}, Sample("abcdefghij", 10, "length")),  # there is no other word
        ("ab. cdefghijk", {"end": "sentence"}, Sample("ab.", 3, "sentence_end")),
        ("abcdef. ghijk", {"end": "sentence"}, Sample("abcdef.", 7, "sentence_end")),
        ("abcd. efg. hi", {"end": "sentence"}, Sample("abcd. efg.", 10, "sentence_end")),
        ("abcd. efg. hi", {}, Sample("abcd. efg.", 10, "length")),
        ("abcdefghijkl", {"end": "sentence"}, Sample("abcdefghij", 10, "length")),
        ("abcdefg", {"stop": ("de",)}, Sample("abc", 5, "stop")),
        ("abcdefg", {"stop": ("fg", "bc")}, Sample("a", 3, "stop")),
    ],
    ids=repr,
)
def test_a_sample_ends_where_its_rules_say(text: str, options: dict[str, Any], sample: Sample) -> None:
    assert written(text, **options) == sample


def test_a_sentence_end_counts_only_near_the_length() -> None:
    assert written("ab. cd", end="sentence") == Sample("ab. cd", 6, "")
    assert written("abcde. f", end="sentence") == Sample("abcde.", 6, "sentence_end")
