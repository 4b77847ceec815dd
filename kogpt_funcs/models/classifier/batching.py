"""Many threads ask, one worker computes: what waits at the same time shares a batch, and nobody waits for more to
come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

Ids = list[int]
Run = Callable[[list[Ids]], Sequence[Any]]


class Batches:
    """Puts rows of ids from any number of threads together, at most `budget` padded ids at a time."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._waiting: dict[Future[Any], Ids] = {}  # in order of arrival
        self._guard = threading.Lock()
        # One thread: torch keeps a pool of threads for each thread that computes. It ends when this object is dropped.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="batches")

    def __call__(self, run: Run, rows: Sequence[Ids]) -> list[Any]:
        """`run` (rows → a result a row) of `rows` and of what other threads have waiting; raises what it raises for
        one of `rows` alone.

        Each call brings `run`, the same for all, so that this object keeps no model in memory.
        """
        asked: list[Future[Any]] = [Future() for _ in rows]
        with self._guard:
            self._waiting.update(zip(asked, rows, strict=True))
        self._worker.submit(self._serve, run)
        try:
            return [future.result() for future in asked]
        finally:
            with self._guard:  # whoever stops waiting, for a fault or Ctrl-C, leaves no work behind
                for future in asked:
                    self._waiting.pop(future, None)

    def _serve(self, run: Run) -> None:
        while batch := self._next():
            _answer(run, batch)

    def _next(self) -> dict[Future[Any], Ids]:
        """The row that has waited longest, with those nearest to it in length as far as the budget goes."""
        with self._guard:
            if not self._waiting:
                return {}
            oldest = len(next(iter(self._waiting.values())))
            batch: dict[Future[Any], Ids] = {}
            longest = 0
            for future, ids in sorted(self._waiting.items(), key=lambda item: abs(len(item[1]) - oldest)):
                longest = max(longest, len(ids))
                if batch and longest * (len(batch) + 1) > self._budget:
                    break
                batch[future] = ids
            for future in batch:
                del self._waiting[future]
            return batch


def _answer(run: Run, batch: dict[Future[Any], Ids]) -> None:
    try:
        results = run(list(batch.values()))
    except BaseException as error:
        if len(batch) == 1:
            next(iter(batch)).set_exception(error)
        else:  # one of them is at fault, or together they are too large: each by itself
            for future, ids in batch.items():
                _answer(run, {future: ids})
    else:
        for future, result in zip(batch, results, strict=True):
            future.set_result(result)
