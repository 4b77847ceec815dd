"""Do the words that must survive a change of style survive it? No tagger: words are told by their letters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

#: How the figures below are to be read; printed with them.
DEFINITION = (
    "words: the Hangul words of the source, particles cut off, two syllables or more, and its Latin words (any case), "
    "as far as the reference has them too; numbers: all numbers of the source, exactly. all: the texts that "
    "keep every one."
)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_HANGUL = re.compile(r"[가-힣]{2,}")
_PARTICLE = re.compile(
    r"(?:에게서|한테서|으로는|에서는|에서도|이라고|이라도|께서|에게|한테|에서|에는|에도|으로|이나|까지|부터|"
    r"처럼|보다|마다|조차|"
    r"밖에|하고|이랑|라고|라도|은|는|이|가|을|를|의|에|도|만|과|와|로|랑|께|나)$"
)


def kept(triples: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """Shares of the words and numbers of (source, written, reference) that are kept in `written`, in percent."""
    said = [(words(source, reference), numbers(source), written, reference) for source, written, reference in triples]
    of_words = [_has(written, word) for found, _, written, _ in said for word in found]
    of_numbers = [number in numbers(written) for _, found, written, _ in said for number in found]
    by_references = [number in numbers(reference) for _, found, _, reference in said for number in found]
    texts = [
        all(_has(written, word) for word in found) and all(n in numbers(written) for n in counted)
        for found, counted, written, _ in said
        if found or counted
    ]
    return {
        "words": {"found": len(of_words), "kept_percent": percent(of_words)},
        "numbers": {
            "found": len(of_numbers),
            "kept_percent": percent(of_numbers),
            "by_references_percent": percent(by_references),
        },
        "all": {"found": len(texts), "kept_percent": percent(texts)},
    }


def words(source: str, reference: str) -> list[str]:
    """The words of `source` that `reference` has too: Hangul stems and Latin words."""
    return [word for word in dict.fromkeys(stems(source)) if _has(reference, word)]


def stems(text: str) -> list[str]:
    """The words of `text`: of Hangul ones the particle is cut off, unless only a syllable would be left."""
    cut = [stem if len(stem := _PARTICLE.sub("", word)) >= 2 else word for word in _HANGUL.findall(text)]
    return [*cut, *_LATIN.findall(text)]


def numbers(text: str) -> list[str]:
    return _NUMBER.findall(text)


def percent(shares: Sequence[bool]) -> float | None:
    """How many of `shares` are true, in percent; None if there are none."""
    return round(100 * sum(shares) / len(shares), 1) if shares else None


def _has(text: str, word: str) -> bool:
    return word.casefold() in text.casefold()
