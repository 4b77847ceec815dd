"""How many requests may be at work or waiting: the rest are told to come back, at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy

_lock = threading.Lock()
_admitted = 0
_refused = 0


class Load(NamedTuple):
    """How full it is."""

    admitted: int
    limit: int
    refused: int  # since the process began


def load() -> Load:
    """How many are at work or waiting now, of how many; and how many have been told to come back."""
    with _lock:
        return Load(_admitted, settings.current().queue, _refused)


def full() -> Busy:
    """Counts one who is told to come back, and gives what to tell."""
    global _refused
    with _lock:
        _refused += 1
    return Busy()


@contextmanager
def admitted() -> Iterator[None]:
    """A place among the KOGPT_QUEUE requests, or Busy."""
    global _admitted, _refused
    with _lock:
        if _admitted >= settings.current().queue:
            _refused += 1
            raise Busy()
        _admitted += 1
    try:
        yield
    finally:
        with _lock:
            _admitted -= 1
