"""Which of several rewritings of a text to give: the one the others agree with. It knows no model and no function."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from kogpt_funcs.korean.stems import STEM

_ORDERS = 6  # chrF's n-grams: of one to six characters
_BETA = 2  # chrF's weight of recall beside precision
_KEPT = 2.0  # weight of the share of the source's words that are kept, beside the agreement
_FACT = re.compile(r"\d+|[A-Za-z]{2,}")


def ranked(candidates: Sequence[str], source: str) -> list[str]:
    """The distinct `candidates`, best first, by minimum Bayes risk (Eikema and Aziz 2020): how much chrF each has on
    average with all of them, a candidate that was written twice counting twice. A slip that only one made has nobody
    to agree with.

    The share of the source's words that any candidate keeps counts too. One that loses a number or a Latin word of
    `source` comes after all that lose fewer. Empty ones are left out.
    """
    written = Counter(text for text in candidates if text)
    grams = {text: _grams(text) for text in written}
    stems = [stem for stem in STEM.findall(source) if any(stem in text for text in written)]

    def order(text: str) -> tuple[int, float]:
        agreement = sum(times * _chrf(grams[text], grams[other]) for other, times in written.items()) / written.total()
        kept = sum(stem in text for stem in stems) / max(1, len(stems))
        return lost(text, source), -(agreement + _KEPT * kept)

    return sorted(written, key=order)


def lost(text: str, source: str) -> int:
    """How many numbers and Latin words of `source` are missing in `text`."""
    return (Counter(_FACT.findall(source)) - Counter(_FACT.findall(text))).total()


def _grams(text: str) -> list[Counter[str]]:
    letters = "".join(text.split())
    return [Counter(letters[i : i + n] for i in range(len(letters) - n + 1)) for n in range(1, _ORDERS + 1)]


def _chrf(written: list[Counter[str]], reference: list[Counter[str]]) -> float:
    """chrF (Popović 2015) from 0 to 1: precision and recall are means over the orders that both texts are long enough
    for.
    """
    shares = [(one & other, one, other) for one, other in zip(written, reference, strict=True) if one and other]
    precision = sum(shared.total() / one.total() for shared, one, _ in shares)
    recall = sum(shared.total() / other.total() for shared, _, other in shares)
    weighted = _BETA**2 * precision + recall
    return (1 + _BETA**2) * precision * recall / (weighted * len(shares)) if weighted else 0.0
