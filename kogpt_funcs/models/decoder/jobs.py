"""What the engine holds of a request: its samples, its prompts as far as they have been read, what its reader waits on."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from kogpt_funcs.models.decoder.endings import Ending
from kogpt_funcs.models.decoder.sampling import Choice
from kogpt_funcs.models.networks.network import Work
from kogpt_funcs.models.prompt import Generation

_SHOW_SECONDS = 0.025  # snapshots of a request come no closer than this, but for the first and the last


@dataclass(eq=False)
class Row:
    """One sample under way."""

    choice: Choice
    ending: Ending
    caches: list[Any] = field(default_factory=list)  # one a prompt of the job

    @property
    def ids(self) -> list[int]:
        return self.choice.ids


@dataclass(eq=False)
class Job:
    """One request: its rows, and what its reader waits on."""

    request: Generation
    prompts: list[list[int]]  # its own, then those it is guided away from
    adapter: Any
    rows: list[Row]
    changed: threading.Condition = field(default_factory=threading.Condition)
    version: int = 0
    shown: float = 0.0
    error: BaseException | None = None
    cancelled: bool = False
    filled: list[Any] = field(default_factory=list)  # the caches of the prompts, as far as they have been read
    first: dict[int, np.ndarray] = field(default_factory=dict)  # logits after those prompts that have been read to their end
    turn: int = 0  # tokens since it joined the batch

    @property
    def alive(self) -> list[Row]:
        return [row for row in self.rows if not row.ending.reason]

    @property
    def places(self) -> int:
        """Tokens that it adds to each pass, once its prompts are read."""
        return len(self.alive) * len(self.prompts)

    @property
    def over(self) -> bool:
        return self.error is not None or not self.alive

    @property
    def repeatable(self) -> bool:
        return self.request.seed is not None or self.request.temperature == 0

    def show(self, *, now: bool) -> None:
        """Wakes the reader, unless it was woken a moment ago."""
        if now or time.monotonic() - self.shown >= _SHOW_SECONDS:
            self.shown = time.monotonic()
            with self.changed:
                self.version += 1
                self.changed.notify_all()

    def fail(self, error: BaseException) -> None:
        self.error = error
        self.show(now=True)


class Entry(NamedTuple):
    """What one pass does for one sample after one of the job's prompts, or for that prompt: then it has no row yet."""

    job: Job
    row: Row | None
    number: int  # of the prompt
    work: Work
