"""What this processor could do at most with our weights, and where a step's time goes: the bench prints both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

_READ = 256 << 20  # bytes: far more than any cache of the processor holds
_TURNS = 5


def limits(network: Any) -> dict[str, float]:
    """Bytes read and products added a second by all threads, the best of five turns; what a step of one stream reads,
    what a token multiplies. Empty where torch writes.
    """
    if not hasattr(network, "products"):
        return {}
    kernels, block = network.kernels, np.ones(_READ, np.uint8)
    return {
        "bytes_a_second": max(kernels.bytes_a_second(block.ctypes.data, _READ) for _ in range(_TURNS)),
        "products_a_second": max(kernels.products_a_second() for _ in range(_TURNS)),
        "bytes": float(network.bytes),
        "products": float(network.products),
    }


def most(found: dict[str, float], streams: int) -> tuple[float, str]:
    """Tokens a second of so many streams that memory and arithmetic allow, and which of the two is less."""
    memory = streams * found["bytes_a_second"] / found["bytes"]
    arithmetic = found["products_a_second"] / found["products"]
    return (memory, "memory") if memory < arithmetic else (arithmetic, "arithmetic")


def profile(network: Any, write: Callable[[], Any]) -> dict[str, float]:
    """Shares of the time that `write` takes, by what it was spent on; the rest is the batch's, not the network's."""
    if not hasattr(network, "spent"):
        return {}
    network.spent()
    started = time.perf_counter()
    write()
    whole = time.perf_counter() - started
    shares = {name: seconds / whole for name, seconds in network.spent().items()}
    return {**shares, "drawing tokens, text, threads": 1 - sum(shares.values())}
