"""A request to score texts: how likely each is after its prompt. A prompt that several share is read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kogpt_funcs.contract.errors import KogptError, TooLarge
from kogpt_funcs.models.decoder.prefill import PromptReading, encode, fit
from kogpt_funcs.models.decoder.running import OpenCache, Pick, Piece, Running
from kogpt_funcs.models.networks.network import Work
from kogpt_funcs.models.prompt import Prompt, Score
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer

_AT_ONCE = 16  # prompts and targets under way: each has a cache of its own
_KEPT = 4  # prompts whose caches are kept for later requests


class Target:
    """The token ids of one text, their log probabilities as far as they are known, its cache while it is under way."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids
        self.known: list[float] = []
        self.cache: Any = None

    @property
    def done(self) -> bool:
        return len(self.known) == len(self.ids)

    @property
    def score(self) -> Score:
        return Score(sum(self.known), len(self.ids))

    def next(self, room: int, prompt: Any) -> list[int]:
        """The ids to read next, `room` at most; the last one is not read. The first time, its prompt's cache is
        copied.
        """
        if self.cache is None:
            self.cache = prompt.copy(prompt.length)
        start = len(self.known) - 1
        return self.ids[start : min(start + room, len(self.ids) - 1)]

    def learn(self, logits: np.ndarray, totals: np.ndarray) -> None:
        """Takes the log probabilities of its next tokens from logits [tokens, vocabulary] and their log-sum-exp."""
        wanted = self.ids[len(self.known) : len(self.known) + len(logits)]
        self.known += (logits[np.arange(len(wanted)), wanted] - totals).tolist()
        if self.done:
            self.cache = None


class Candidates:
    """The targets of one prompt."""

    def __init__(self) -> None:
        self.targets: list[Target] = []
        self.prompt = PromptReading([])

    @property
    def done(self) -> bool:
        return all(target.done for target in self.targets)


class RunningScoring(Running):
    """Scores `targets`, each after the prompt at its place. Raises TooLarge where one is longer than `context`."""

    repeatable = True

    def __init__(
        self, prompts: Sequence[Prompt], targets: Sequence[str], adapter: Any, tokenizer: Tokenizer, context: int
    ) -> None:
        super().__init__(adapter)
        groups: dict[tuple[int, ...], Candidates] = {}
        self._targets: list[Target] = []
        for prompt, text in zip(prompts, targets, strict=True):
            self._targets.append(Target(_target(tokenizer, text, context)))
            groups.setdefault(tuple(encode(tokenizer, prompt)), Candidates()).targets.append(self._targets[-1])
        for ids, group in groups.items():
            room = context - max(len(target.ids) for target in group.targets) + 1
            group.prompt = PromptReading(fit(list(ids), room))
        self._groups = list(groups.values())
        self._read: list[tuple[list[int], Any]] = []

    @property
    def scores(self) -> list[Score]:
        return [target.score for target in self._targets]

    @property
    def places(self) -> int:
        return min(_AT_ONCE, sum(not target.done for target in self._targets))

    @property
    def over(self) -> bool:
        return self.error is not None or not self._groups

    @property
    def prefilling(self) -> bool:
        return True

    def pieces(self, room: int, open_cache: OpenCache) -> list[Piece]:
        self.turn += 1
        pieces: list[Piece] = []
        for group in self._groups:
            for target in [target for target in group.targets if not target.done] if group.prompt.done else [None]:
                if room <= 0 or len(pieces) == _AT_ONCE:
                    return pieces
                ids = target.next(room, group.prompt.cache) if target else group.prompt.next(room, open_cache)
                cache = (target or group.prompt).cache
                pieces.append(Piece(self, Work(ids, cache, self.adapter), (group, target), every=target is not None))
                room -= len(ids)
        return pieces

    def take(self, piece: Piece, logits: np.ndarray, row: int) -> list[Pick]:
        group, target = piece.part
        if target is not None:
            after = logits[row + 1 - len(piece.work.ids) : row + 1]
            target.learn(after, _log_sum_exp(after))
        elif group.prompt.done:
            after = logits[row : row + 1]
            totals = _log_sum_exp(after)
            for first in group.targets:
                first.learn(after, totals)
        if group.done:
            self._finish(group)
        return []

    def _finish(self, group: Candidates) -> None:
        self._groups.remove(group)
        if len(self._read) < _KEPT:
            self._read.append((group.prompt.ids, group.prompt.cache))

    def report(self) -> None:
        if self.over:
            self.show()

    def read(self) -> list[tuple[list[int], Any]]:
        return self._read


def _target(tokenizer: Tokenizer, text: str, context: int) -> list[int]:
    ids = tokenizer.encode([text])
    if not ids:
        raise KogptError(f"{text!r} has no tokens to score. A target is a text that is not empty.")
    if len(ids) > context:
        raise TooLarge(
            f"A text of {len(ids)} tokens is too long to be scored: this base reads {context} tokens at once, "
            f"with the prompt."
        )
    return ids


def _log_sum_exp(logits: np.ndarray) -> np.ndarray:
    top = logits.max(1)
    return top + np.log(np.exp(logits - top[:, None]).sum(1, dtype=np.float64))
