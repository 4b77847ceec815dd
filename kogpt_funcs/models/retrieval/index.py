"""Written replies by the vectors of what they answer. It knows no function; which reply may be said is not its matter."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kogpt_funcs.models.cache import Loaded
from kogpt_funcs.models.retrieval.encoder import Array, Encoder

_ANSWER = 0.4  # weight of a reply's own likeness to the message, beside that of the message it was written for
_BEFORE = 0.5  # weight of what was said before, in a talk under way, likewise
_EMOTION = 0.08  # what the same emotion is worth


class Entry(NamedTuple):
    """A reply as it was written: to `message`, after `before` (the companion's turn in front of it; empty: none)."""

    emotion: str
    speech: str
    before: str
    message: str
    reply: str


class Found(NamedTuple):
    """`score`: how like the message that it was written for is to the one given, up to 1. `rank`: what it was chosen by."""

    entry: Entry
    score: float
    rank: float


class Index(Loaded):
    """The encoder and the entries in `folder`, as `kogpt index` writes them."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        self.encoder = Encoder(folder)
        with lzma.open(folder / "entries.tsv.xz", "rt", encoding="utf-8", newline="") as file:
            self.entries = [Entry(*row) for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]
        stored = load_file(folder / "vectors.safetensors")
        self._mean, self._messages, self._replies, self._befores = (stored[name] for name in ("mean", "messages", "replies", "befores"))
        self._first = np.array([not entry.before for entry in self.entries])
        self._emotions = np.array([entry.emotion for entry in self.entries])

    @property
    def parameters(self) -> int:
        return self.encoder.parameters

    @property
    def bytes(self) -> int:
        return self.encoder.bytes + sum(t.nbytes for t in (self._messages, self._replies, self._befores))

    def search(self, message: str, before: str = "", emotion: str = "", count: int = 20) -> list[Found]:
        """The `count` entries that fit best, best first. `before`: the companion's last turn, in a talk under way."""
        given = self._vectors([message, before] if before else [message])
        score = _likeness(self._messages, given[0])
        rank = score + _ANSWER * _likeness(self._replies, given[0]) + _EMOTION * (self._emotions == emotion)
        if before:
            rank += _BEFORE * np.where(self._first, 0, _likeness(self._befores, given[1]))
        else:
            rank = np.where(self._first, rank, -np.inf)
        best = np.argsort(-rank)[:count]
        return [Found(self.entries[i], round(float(score[i]), 4), float(rank[i])) for i in best if np.isfinite(rank[i])]

    def relevance(self, message: str, replies: Sequence[str]) -> list[float]:
        """How like each of `replies` is to `message`."""
        first, *others = self._vectors([message, *replies])
        return [float(other @ first) for other in others]

    def _vectors(self, texts: Sequence[str]) -> Array:
        return centred(self.encoder.encode(texts), self._mean)


def centred(vectors: Array, mean: Array) -> Array:
    """e5's vectors all lie in one narrow cone; without their mean, likeness runs from -1 to 1 instead of 0.75 to 1."""
    moved = vectors - mean
    shortened: Array = moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-6)
    return shortened


def packed(vectors: Array) -> Array:
    """Vectors of length 1 in eight bits a number."""
    eight: Array = np.clip(np.round(vectors * 254), -127, 127).astype(np.int8)
    return eight


def _likeness(table: Array, vector: Array) -> Array:
    """The cosine of each packed row with `vector`."""
    cosine: Array = (table.astype(np.float32) @ vector) / 254
    return cosine
