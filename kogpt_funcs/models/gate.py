"""How many requests may be at work or waiting: the rest are told to come back, at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy

_lock = threading.Lock()
_admitted = 0


@contextmanager
def admitted() -> Iterator[None]:
    """A place among the KOGPT_QUEUE requests, or Busy."""
    global _admitted
    with _lock:
        if _admitted >= settings.current().queue:
            raise Busy()
        _admitted += 1
    try:
        yield
    finally:
        with _lock:
            _admitted -= 1
