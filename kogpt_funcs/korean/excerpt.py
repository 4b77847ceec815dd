"""What of a long text fits a model's context: the beginning, what matters now, and the end. It knows no model."""

from __future__ import annotations

from kogpt_funcs.korean.stems import stems
from kogpt_funcs.korean.text import sentences

_OPENING = 0.2  # share of the room for the beginning: who, where
_LAST = 0.5  # share of the room for the end


def excerpt(text: str, room: int, about: str) -> str:
    """At most `room` letters of `text`, whole sentences in their order, joined by blanks.

    A text that fits stays whole. Of a longer one: its opening, its last sentences, and between them those that share
    most words with `about`, the later ones first among equals.
    """
    told = [
        _shortened(sentence, room // 2) for line in text.split("\n") if line.strip() for sentence in sentences(line)
    ]
    if _length(told) <= room:
        return " ".join(told)
    end = _taken(told[::-1], int(room * _LAST)) or 1
    opening = _taken(told[:-end], int(room * _OPENING))
    left = room - _length(told[:opening]) - _length(told[len(told) - end :]) - 2
    middle = _related(told, range(opening, len(told) - end), left, stems(about))
    kept = [*range(opening), *middle, *range(len(told) - end, len(told))]
    return " ".join(told[i] for i in kept)


def _related(told: list[str], places: range, room: int, words: set[str]) -> list[int]:
    """The places, in order, of the sentences that fit `room` and share most with `words`."""
    kept: list[int] = []
    for i in sorted(places, key=lambda i: (len(words & stems(told[i])), i), reverse=True):
        if len(told[i]) + 1 <= room:
            kept.append(i)
            room -= len(told[i]) + 1
    return sorted(kept)


def _taken(told: list[str], room: int) -> int:
    """How many of the first sentences fit `room`."""
    count = 0
    while count < len(told) and _length(told[: count + 1]) <= room:
        count += 1
    return count


def _length(told: list[str]) -> int:
    return sum(map(len, told)) + max(0, len(told) - 1)


def _shortened(sentence: str, most: int) -> str:
    """The end of a sentence that is longer than `most`, from a word's beginning where there is one."""
    if len(sentence) <= most:
        return sentence
    cut = sentence[-most:]
    return cut.partition(" ")[2] or cut
