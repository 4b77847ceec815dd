"""Prose as phrases: sentence after sentence until a phrase is as long as a model's context allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kogpt_funcs.korean.text import clean, sentences

Count = Callable[[str], int]  # how many tokens a text has


def phrases(lines: Iterable[str], count: Count, length: int) -> Iterator[str]:
    """Phrases of at most `length` tokens, each in one line, that together hold every word of `lines` in order.

    A phrase ends at the end of a sentence; a sentence that alone is longer is cut between words, such a word between
    letters.
    """
    phrase, size = "", 0
    for piece in _pieces(lines, count, length):
        joined = f"{phrase} {piece}".strip()
        size += count(piece)
        if size > 0.9 * length:  # the sum is near enough before that
            size = count(joined)
        if size > length:
            yield phrase
            joined, size = piece, count(piece)
        phrase = joined
    if phrase:
        yield phrase


def _pieces(lines: Iterable[str], count: Count, length: int) -> Iterator[str]:
    for line in lines:
        for sentence in sentences(" ".join(clean(line).split())):
            if sentence:
                yield from [sentence] if count(sentence) <= length else _cut(sentence, count, length)


def _cut(sentence: str, count: Count, length: int) -> Iterator[str]:
    """The longest runs of words that fit."""
    run = ""
    for part in (part for word in sentence.split() for part in _parts(word, count, length)):
        longer = f"{run} {part}".strip()
        if run and count(longer) > length:
            yield run
            longer = part
        run = longer
    yield run


def _parts(word: str, count: Count, length: int) -> list[str]:
    if len(word) == 1 or count(word) <= length:
        return [word]
    half = len(word) // 2
    return [*_parts(word[:half], count, length), *_parts(word[half:], count, length)]
