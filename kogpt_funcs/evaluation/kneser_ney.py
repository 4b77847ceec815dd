"""An n-gram model with interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999), the baseline of a base.

A type is an n-gram by its number; the types of order k are numbered in the order of their keys, which pair the number
of the first k-1 tokens with the last token. Counts of 20 M tokens take about a minute and 2 GB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kogpt_funcs.models.tokenizers.kogpt2 import END, PAD


@dataclass(frozen=True)
class Stream:
    """Documents one after another: their tokens, and how many tokens of its own document stand before each."""

    tokens: np.ndarray  # [tokens] int64
    offsets: np.ndarray  # [tokens] int64

    @classmethod
    def of_blocks(cls, ids: np.ndarray) -> Stream:
        """The documents in blocks of ids [blocks, length]: each ends with the end token, or where its block does."""
        starts = np.zeros(ids.shape, bool)
        starts[:, 0] = True
        starts[:, 1:] = ids[:, :-1] == END
        kept = ids != PAD
        tokens, starts = ids[kept].astype(np.int64), starts[kept]
        positions = np.arange(len(tokens))
        return cls(tokens, positions - np.maximum.accumulate(np.where(starts, positions, 0)))

    def without_repeats(self) -> Stream:
        """Each document once, however often it occurs."""
        starts = np.flatnonzero(self.offsets == 0)
        seen: set[bytes] = set()
        keep = np.ones(len(self.tokens), bool)
        for start, end in zip(starts, [*starts[1:], len(self.tokens)], strict=True):
            document = self.tokens[start:end].tobytes()
            keep[start:end] = document not in seen
            seen.add(document)
        return Stream(self.tokens[keep], self.offsets[keep])


@dataclass(frozen=True)
class _Order:
    """The n-grams of one length. `share` is what is left of a type's count over its context's total."""

    keys: np.ndarray  # [types] int64, sorted: context's number × vocabulary + last token
    share: np.ndarray  # [types] float64
    backoff: np.ndarray  # [contexts] float64: the share that the next shorter order distributes


class KneserNey:
    """Probabilities of tokens after the up to `order` - 1 tokens before them in their document.

    What stands at a document's start has nothing before it: it counts as often as it occurs, a longer order's n-gram as
    often as different words stand before it. A document's first token is given, as `<s>` is.
    """

    def __init__(self, stream: Stream, order: int, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.orders: list[_Order] = []
        numbers = np.zeros(
            len(stream.tokens), np.int64
        )  # of the (k-1)-gram that ends at each position; the empty one is 0
        contexts = 1
        shorter: tuple[np.ndarray, np.ndarray] | None = (
            None  # keys and the counts at document starts of the order before
        )
        for k in range(1, order + 1):
            there, all_keys = _keys(stream, numbers, k, vocabulary)
            keys, found = np.unique(all_keys, return_inverse=True)
            if shorter is not None:
                self.orders.append(
                    _smoothed(
                        shorter[0],
                        shorter[1] + _followed(there, found, numbers, keys, shorter[0]),
                        vocabulary,
                        contexts,
                    )
                )
                contexts = len(shorter[0])
            numbers = np.full(len(stream.tokens), -1, np.int64)
            numbers[there] = found
            at_start = (
                np.bincount(found[stream.offsets[there] == k - 1], minlength=len(keys))
                if k > 1
                else np.zeros(len(keys), np.int64)
            )
            shorter = keys, at_start
        self.orders.append(_smoothed(keys, np.bincount(found, minlength=len(keys)), vocabulary, contexts))

    def probabilities(self, stream: Stream) -> np.ndarray:
        """[tokens] of `stream`: the probability of each after those before it."""
        chances = np.full(len(stream.tokens), 1.0 / self.vocabulary)
        numbers = np.zeros(len(stream.tokens), np.int64)
        for k, order in enumerate(self.orders, 1):
            there, keys = _keys(stream, numbers, k, self.vocabulary)
            found = np.searchsorted(order.keys, keys)
            known = np.append(order.keys, -1)[found] == keys
            chances[there] = (
                np.append(order.share, 0.0)[np.where(known, found, -1)]
                + order.backoff[keys // self.vocabulary] * chances[there]
            )
            numbers = np.full(len(stream.tokens), -1, np.int64)
            numbers[there] = np.where(known, found, -1)
        return chances


def _keys(stream: Stream, numbers: np.ndarray, k: int, vocabulary: int) -> tuple[np.ndarray, np.ndarray]:
    """The positions where a k-gram with a known context ends, and its key."""
    there = np.flatnonzero(stream.offsets >= k - 1)
    before = numbers[there - 1] if k > 1 else numbers[there]
    there, before = there[before >= 0], before[before >= 0]
    return there, before * vocabulary + stream.tokens[there]


def _followed(
    there: np.ndarray, found: np.ndarray, numbers: np.ndarray, keys: np.ndarray, shorter: np.ndarray
) -> np.ndarray:
    """For each shorter type, how many different tokens stand before it: how many types of this order end in it."""
    somewhere = np.empty(len(keys), np.int64)  # any place of a type: its end is the same shorter type everywhere
    somewhere[found] = there
    return np.bincount(numbers[somewhere], minlength=len(shorter))


def _smoothed(keys: np.ndarray, counts: np.ndarray, vocabulary: int, contexts: int) -> _Order:
    context = keys // vocabulary
    taken = _discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(context, counts, contexts)
    taken_of = np.bincount(context, taken, contexts)
    # A context that nothing follows leaves all to the shorter one.
    backoff = np.divide(taken_of, totals, out=np.ones(contexts), where=totals > 0)
    return _Order(
        keys, np.divide(counts - taken, totals[context], out=np.zeros(len(keys)), where=totals[context] > 0), backoff
    )


def _discounts(counts: np.ndarray) -> np.ndarray:
    """What counts of 0, 1, 2, and 3 or more give away, from how many types have which count (their equation 26)."""
    n1, n2, n3, n4 = (int((counts == c).sum()) for c in (1, 2, 3, 4))
    if not n1 * n2 * n3 * n4:
        return np.array([0.0, 0.5, 1.0, 1.5])  # too few to tell: KenLM's fallback
    y = n1 / (n1 + 2 * n2)
    found = [0.0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    return np.clip(found, 0.0, [0.0, 1.0, 2.0, 3.0])
