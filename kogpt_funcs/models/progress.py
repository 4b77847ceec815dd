"""What is being prepared now, for whoever shows it: the page, health, the terminal. It knows no checkpoint."""

from __future__ import annotations

import sys
import threading
import time

_lock = threading.Lock()
_now: tuple[str, float] | None = None
_told = 0.0


def tell(name: str, share: float) -> None:
    """`share` of 1 of preparing `name` is done. A terminal gets a line that is written over."""
    global _now, _told
    with _lock:
        _now = name, share
        if sys.stderr.isatty() and time.monotonic() - _told > 0.1:
            _told = time.monotonic()
            print(f"\rPreparing {name}: {share:4.0%}", end="", file=sys.stderr, flush=True)


def clear() -> None:
    """Nothing is being prepared any more."""
    global _now
    with _lock:
        if _now and sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        _now = None


def current() -> tuple[str, float] | None:
    """What is being prepared, and the share of it that is done; None if nothing is."""
    with _lock:
        return _now
