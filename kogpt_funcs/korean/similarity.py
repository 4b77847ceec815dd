"""How alike two short texts are, by their letters. It knows no model and no function."""

from __future__ import annotations

from collections.abc import Iterable


def trigrams(text: str) -> set[str]:
    """Every three letters in a row; blanks do not count."""
    letters = "".join(text.split())
    return {letters[i : i + 3] for i in range(len(letters) - 2)} or {letters}


def alike(one: str, other: str) -> float:
    """The share, 0 to 1, of the shorter text's trigrams that the other one has."""
    a, b = trigrams(one), trigrams(other)
    return len(a & b) / min(len(a), len(b))


def distinct(texts: Iterable[str], most: float, chosen: Iterable[str] = ()) -> list[str]:
    """`chosen`, then those of `texts` in order that are no more than `most` alike to any before them."""
    kept = list(chosen)
    for text in texts:
        if all(alike(text, other) <= most for other in kept):
            kept.append(text)
    return kept
