"""What samples share verbatim with the text that was trained on. Runs of blanks count as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from kogpt_funcs.evaluation.kept_words import percent

SHORTEST = 20  # characters; a shorter overlap is ordinary language and counts as none
LONG = 40
_CHUNK = 2_000_000  # characters hashed at once
_BASE = np.uint64(0x9E3779B97F4A7C15)
_GAP = "\0"  # between texts: no sample holds it


def figures(lengths: Sequence[int]) -> dict[str, Any]:
    """Of the longest overlaps of samples: the longest, and the share of 40 characters or more."""
    return {
        "longest_verbatim_overlap": max(lengths, default=0),
        f"verbatim_{LONG}_characters_percent": percent([length >= LONG for length in lengths]),
    }


def longest_overlaps(samples: Sequence[str], texts: Iterable[str]) -> list[int]:
    """For each sample the length in characters of the longest string it shares with one of `texts`; 0 below SHORTEST.

    The windows of the samples are found in the texts by a polynomial hash; each hit is then compared letter by letter.
    """
    plain = [" ".join(sample.split()) for sample in samples]
    places = [(i, at) for i, sample in enumerate(plain) for at in range(len(sample) - SHORTEST + 1)]
    longest = [0] * len(plain)
    if not places:
        return longest
    hashes = np.concatenate([_hashes(sample) for sample in plain if len(sample) >= SHORTEST])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    for text in _chunks(texts):
        found = _hashes(text)
        first = np.minimum(np.searchsorted(hashes, found), len(hashes) - 1)
        for position in np.flatnonzero(hashes[first] == found).tolist():
            for entry in range(first[position], np.searchsorted(hashes, found[position], side="right")):
                i, at = places[order[entry]]
                if (
                    at == 0 or position == 0 or plain[i][at - 1] != text[position - 1]
                ):  # else a longer overlap has begun before
                    longest[i] = max(longest[i], _common(plain[i], at, text, position))
    return longest


def _common(sample: str, at: int, text: str, position: int) -> int:
    length = 0
    while (
        at + length < len(sample) and position + length < len(text) and sample[at + length] == text[position + length]
    ):
        length += 1
    return length if length >= SHORTEST else 0


def _hashes(text: str) -> np.ndarray:
    """[characters - SHORTEST + 1] uint64: a hash of each window."""
    letters = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    windows = max(0, len(letters) - SHORTEST + 1)
    found = np.zeros(windows, np.uint64)
    for i in range(SHORTEST):
        found = found * _BASE + letters[i : i + windows]
    return found


def _chunks(texts: Iterable[str]) -> Iterator[str]:
    waiting: list[str] = []
    size = 0
    for text in texts:
        waiting.append(" ".join(text.split()))
        size += len(waiting[-1]) + 1
        if size > _CHUNK:
            yield _GAP.join(waiting)
            waiting, size = [], 0
    yield _GAP.join(waiting)
