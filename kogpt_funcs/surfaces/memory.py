"""Keeps the process small under load on glibc (https://sourceware.org/glibc/wiki/MallocInternals)."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time

_M_ARENA_MAX = -8  # from glibc's malloc.h
_ARENAS = 2
_TRIM_SECONDS = 15


def keep_small() -> None:
    """Makes all threads share two arenas, and gives what lies free in them back to the system every 15 seconds.

    glibc would give each thread an arena of its own and keep what the thread has freed: with a hundred visitors the
    process grew by a sixth in five minutes, though it held no more than before. If MALLOC_ARENA_MAX is set, it decides
    how many arenas there are. Called before there are threads.
    """
    try:
        library = ctypes.CDLL(None)
        share, trim = library.mallopt, library.malloc_trim
    except (OSError, TypeError, AttributeError):  # another C library, or another system
        return
    if "MALLOC_ARENA_MAX" not in os.environ:
        share(_M_ARENA_MAX, _ARENAS)
    threading.Thread(target=_trim, args=(trim,), name="kogpt-trim", daemon=True).start()


def settle() -> None:
    """Called once everything is loaded: the garbage collector no longer looks at the half million objects that stay.

    While it looks at them nobody is answered; and with so many of them it runs so rarely that garbage piles up.
    """
    gc.collect()
    gc.freeze()


def _trim(trim: ctypes._NamedFuncPointer) -> None:
    while True:
        time.sleep(_TRIM_SECONDS)
        trim(ctypes.c_size_t(0))
