"""How much samples differ from one another, and whether one goes round in a circle. Words are what blanks set apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

from sacrebleu.metrics.bleu import BLEU


def ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    words = text.split()
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def distinct(texts: Sequence[str], n: int) -> float | None:
    """distinct-n (Li et al. 2016): different word n-grams over all word n-grams of `texts`; None if there are none."""
    found = [gram for text in texts for gram in ngrams(text, n)]
    return round(len(set(found)) / len(found), 3) if found else None


def self_bleu(texts: Sequence[str], most: int = 200) -> float | None:
    """Self-BLEU (Zhu et al. 2018), 0 to 100: the mean BLEU of each of the first `most` texts with the others as
    references.
    """
    chosen = [text for text in texts if text.strip()][:most]
    if len(chosen) < 2:
        return None
    bleu = BLEU(effective_order=True)
    return round(
        mean(bleu.sentence_score(text, chosen[:i] + chosen[i + 1 :]).score for i, text in enumerate(chosen)), 1
    )


def loops(text: str) -> bool:
    """Does a word 4-gram occur twice in `text`, or a word four times in a row?"""
    fours = ngrams(text, 4)
    return len(set(fours)) < len(fours) or any(len(set(four)) == 1 for four in fours)


def cut_to(texts: Sequence[str], others: Sequence[str]) -> Iterator[str]:
    """Each of `texts` with at most as many words as its neighbour in `others`: distinct-n falls with length."""
    for text, other in zip(texts, others, strict=True):
        yield " ".join(text.split()[: len(other.split())])
