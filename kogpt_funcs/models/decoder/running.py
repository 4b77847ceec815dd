"""A request in the batch, as both its asker and the scheduler's thread see it. It knows no network and no tokenizer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple

import numpy as np

from kogpt_funcs.models.decoder.samples import RunningSample
from kogpt_funcs.models.networks.network import Work

_SHOW_SECONDS = 0.025  # updates of a request come no closer than this, but for the first and the last

#: From the ids of a prompt to a cache that holds none of them yet, or a beginning.
OpenCache = Callable[[list[int]], Any]


class Piece(NamedTuple):
    """New tokens of a request for the next pass."""

    running: Running
    work: Work
    part: Any  # what of the request they belong to; the request alone knows what that is
    every: bool = False  # are logits wanted after each of the tokens, or after the last one alone?


class Pick(NamedTuple):
    """A sample that gets its next token from a row of the logits."""

    row: int
    running: Running
    sample: RunningSample


class Running:
    """What all requests have in common: an adapter, an asker who waits, an end. Subclasses say what is read and made
    of it.
    """

    #: Does it get the same answer whenever it is asked? Then it may not depend on what happens to be kept in memory.
    repeatable = False

    def __init__(self, adapter: Any) -> None:
        self.adapter = adapter
        self.turn = 0  # steps that it has had since it joined the batch
        self.error: BaseException | None = None
        self.cancelled = False
        self._changed = threading.Condition()
        self._version = 0
        self._shown_at = 0.0

    # -- for the scheduler's thread --

    @property
    def places(self) -> int:
        """How many sequences of it the batch holds at once, from when its prompts have been read."""
        raise NotImplementedError

    @property
    def over(self) -> bool:
        """Is there nothing left to do?"""
        raise NotImplementedError

    @property
    def prefilling(self) -> bool:
        """Do its next pieces count towards the prompt tokens that one step reads?"""
        raise NotImplementedError

    def pieces(self, room: int, open_cache: OpenCache) -> list[Piece]:
        """What to put through the network next; `room` tokens at most while it is prefilling."""
        raise NotImplementedError

    def take(self, piece: Piece, logits: np.ndarray, row: int) -> list[Pick]:
        """Makes use of a pass: `row` of `logits` [rows, vocabulary] is the one after the last token of `piece`.

        The samples that are returned get a token each. The rows of one request follow each other in the order of its
        pieces.
        """
        raise NotImplementedError

    def report(self) -> None:
        """Called after each step: shows the asker what there is to show."""
        raise NotImplementedError

    def read(self) -> list[tuple[list[int], Any]]:
        """When it is over: token ids, each with the cache that holds exactly these, for prompts that begin so."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        self.error = error
        self.show()

    def show(self) -> None:
        """Wakes the asker."""
        self._shown_at = time.monotonic()
        with self._changed:
            self._version += 1
            self._changed.notify_all()

    def show_seldom(self) -> None:
        """Wakes the asker, unless that happened a moment ago."""
        if not self._version or time.monotonic() - self._shown_at >= _SHOW_SECONDS:
            self.show()

    # -- for the asker --

    def updates(self) -> Generator[None, None, None]:
        """Comes back each time there is news, and ends when the request is over. Raises what it failed of.

        Closing the iterator cancels the request.
        """
        seen = 0
        try:
            while True:
                with self._changed:
                    while self._version == seen:
                        self._changed.wait()
                    seen = self._version
                if self.error is not None:
                    raise self.error
                over = self.over  # asked before the asker looks: what it sees then is complete
                yield
                if over:
                    return
        finally:
            self.cancelled = True
            self.error = None  # its traceback holds the request, caches and all


def requests_of(entries: Sequence[Piece] | Sequence[Pick]) -> list[Running]:
    """The requests that these belong to, each once, in order."""
    return list(dict.fromkeys(entry.running for entry in entries))
