"""A row that holds a dialogue as an example: user and assistant by their marks, the assistant's last turn as the
target.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kogpt_funcs.korean.text import clean
from kogpt_funcs.models import Example, Special

USER, ASSISTANT = Special("<usr>"), Special("<sys>")
_MARK = re.compile(r"<(usr|sys)>")


def dialogue(row: dict[str, Any]) -> Iterator[Example]:
    """A row has `turns`, a list that the user begins; or `conversation`, a text in which <usr> and <sys> mark the
    turns.

    The last turn of the assistant is the target, what comes after it is left out.
    """
    turns = _turns(row)
    while turns and turns[-1][0] != ASSISTANT:
        turns.pop()
    if len(turns) < 2:
        raise ValueError("an answer of the assistant to a turn of the user is wanted")
    pieces: list[Special | str] = [piece for turn in turns for piece in turn]
    yield Example(pieces[:-1], turns[-1][1])


def _turns(row: dict[str, Any]) -> list[tuple[Special, str]]:
    if row.get("conversation") is not None:
        _, *parts = _MARK.split(str(row["conversation"]))
        said = [
            (USER if mark == "usr" else ASSISTANT, text) for mark, text in zip(parts[::2], parts[1::2], strict=True)
        ]
    else:
        given = row["turns"]
        if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
            raise ValueError("`turns` is to be a list of texts")
        said = [(ASSISTANT if i % 2 else USER, text) for i, text in enumerate(given)]
    said = [(speaker, " ".join(clean(text).split())) for speaker, text in said]
    if any(not text for _, text in said):
        raise ValueError("a turn is empty")
    while said and said[0][0] != USER:
        said.pop(0)
    return _joined(said)


def _joined(said: list[tuple[Special, str]]) -> list[tuple[Special, str]]:
    """Turns that follow each other from the same mouth are one."""
    turns: list[tuple[Special, str]] = []
    for speaker, text in said:
        if turns and turns[-1][0] == speaker:
            text = f"{turns.pop()[1]} {text}"
        turns.append((speaker, text))
    return turns
