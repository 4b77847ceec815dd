"""Written replies by the vectors of what they answer. It knows no function; which reply may be said is not its
matter.
"""

from __future__ import annotations

import csv
import lzma
import re
from collections.abc import Container, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from kogpt_funcs.models.cache import Loaded
from kogpt_funcs.models.retrieval.encoder import Array, Encoder

_EMOTION = 0.1  # what the same emotion is worth where it is certain, beside a likeness of up to 1
_BEFORE = 0.25  # what likeness of what was said just before is worth, likewise
_WORD = re.compile("[가-힣]{2,}")
_SCALE = 254  # of eight-bit numbers: none in a vector of length 1 and this width comes near 0.5

NO_EMOTION: Mapping[str, float] = MappingProxyType({})


class Entry(NamedTuple):
    """A reply as it was written: to `message`, the first of a talk or (`turn` above 0) a later one."""

    emotion: str
    speech: str
    turn: int
    message: str
    reply: str


class Found(NamedTuple):
    """`score`: how like the message that it was written for is to the one given, up to 1. `rank`: what it was chosen
    by.
    """

    entry: Entry
    score: float
    rank: float


class Index(Loaded):
    """The encoder and the entries in `folder`, as `kogpt index` writes them."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file

        self.encoder = Encoder(folder)
        with lzma.open(folder / "entries.tsv.xz", "rt", encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            self.entries = [
                Entry(emotion, speech, int(turn), message, reply) for emotion, speech, turn, message, reply in rows
            ]
        stored = load_file(folder / "vectors.safetensors")
        self._mean, self._messages = stored["mean"], stored["messages"]
        self._first = np.array([entry.turn == 0 for entry in self.entries])
        self._emotions = [set(entry.emotion.split("+")) for entry in self.entries]
        turns = [entry.turn for entry in self.entries]  # a talk's entries stand behind one another
        follows = [place > 0 and turns[place - 1] == turn - 1 >= 0 for place, turn in enumerate(turns)]
        self._follows = np.array(follows)
        self._hidden = np.zeros(len(turns), bool)

    @property
    def parameters(self) -> int:
        return self.encoder.parameters

    @property
    def bytes(self) -> int:
        return self.encoder.bytes + self._messages.nbytes

    def search(
        self, message: str, emotions: Mapping[str, float] = NO_EMOTION, *, before: str = "", count: int = 20
    ) -> list[Found]:
        """The `count` entries that fit best, best first. `emotions`: how probable each is in the message. `before`:
        what the same person said just before; where that is nothing, entries that begin a talk alone.
        """
        given, earlier = self._vectors([message, before or message])
        score = self._messages.astype(np.float32) @ given / _SCALE
        rank = score + _EMOTION * np.array([max(emotions.get(one, 0) for one in entry) for entry in self._emotions])
        if before:
            likeness = np.roll(self._messages.astype(np.float32) @ earlier / _SCALE, 1)
            rank += _BEFORE * np.where(self._follows, np.maximum(likeness, 0), 0)
        else:
            rank[~self._first] = -np.inf
        rank[self._hidden] = -np.inf
        best = np.argsort(-rank)[:count]
        return [
            Found(self.entries[i], min(1.0, round(float(score[i]), 4)), float(rank[i]))
            for i in best
            if np.isfinite(rank[i])
        ]

    def relevance(self, message: str, replies: Sequence[str]) -> list[float]:
        """How like each of `replies` is to `message`."""
        return self.likeness([message], replies)[0].tolist()

    def likeness(self, texts: Sequence[str], others: Sequence[str]) -> Array:
        """How like each of `texts` is to each of `others`, [texts, others]."""
        vectors = self._vectors([*texts, *others])
        alike: Array = vectors[: len(texts)] @ vectors[len(texts) :].T
        return alike

    def hide(self, replies: Container[str]) -> None:
        """Finds none of `replies` from now on: a measurement must not find what it measures by."""
        self._hidden = np.array([entry.reply in replies for entry in self.entries])

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        """How the words of all entries begin: their first two syllables."""
        return frozenset(
            word[:2] for entry in self.entries for text in (entry.message, entry.reply) for word in _WORD.findall(text)
        )

    def knows(self, text: str, also: str = "") -> bool:
        """Is each word of `text` one that begins as a word of the entries, or of `also`, does? Else it is misspelt."""
        return all(word[:2] in self._beginnings or word[:2] in also for word in _WORD.findall(text))

    def _vectors(self, texts: Sequence[str]) -> Array:
        return centred(self.encoder.encode(texts), self._mean)


def centred(vectors: Array, mean: Array) -> Array:
    """e5's vectors all lie in one narrow cone; without their mean, likeness runs from -1 to 1 instead of 0.75 to 1."""
    moved = vectors - mean
    shortened: Array = moved / np.maximum(np.linalg.norm(moved, axis=-1, keepdims=True), 1e-6)
    return shortened


def packed(vectors: Array) -> Array:
    """Vectors of length 1 in eight bits a number."""
    eight: Array = np.clip(np.round(vectors * _SCALE), -127, 127).astype(np.int8)
    return eight
