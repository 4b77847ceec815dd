"""A growing answer at a pace that a browser can draw. It knows no function and no page."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class _Newest(Generic[T]):
    """The newest item of an iterator that runs in a thread of its own; older ones are forgotten."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._changed = threading.Condition()
        self._fresh: list[T] = []  # empty or one item
        self._error: BaseException | None = None
        self._ended = self._unwanted = False
        # One thread for the whole generator: torch's inference mode and locks belong to a thread.
        threading.Thread(target=self._run, name="kogpt-answer", daemon=True).start()

    def _run(self) -> None:
        try:
            for item in self._items:
                with self._changed:
                    self._fresh = [item]
                    self._changed.notify()
                    if self._unwanted:
                        break
        except BaseException as error:
            self._error = error
        finally:
            if isinstance(self._items, Generator):
                self._items.close()
            with self._changed:
                self._ended = True
                self._changed.notify()

    def take(self) -> list[T]:
        """The newest item not yet taken; empty at the end. Raises what the iterator raised."""
        with self._changed:
            self._changed.wait_for(lambda: self._fresh or self._ended)
            fresh, self._fresh = self._fresh, []
        if not fresh and self._error:
            raise self._error
        return fresh

    def rest(self, seconds: float) -> None:
        """Waits, but not beyond the end of the iterator."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, seconds)

    def leave(self) -> None:
        """Nobody wants more: the iterator is closed at its next item."""
        with self._changed:
            self._unwanted = True


def growing(items: Iterator[T], every: float) -> Generator[T]:
    """The newest of `items` every `every` seconds, and always the last. Closing this closes `items`."""
    newest = _Newest(items)
    try:
        while item := newest.take():
            yield item[0]
            newest.rest(every)
    finally:
        newest.leave()
