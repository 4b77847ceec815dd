"""What this processor could do at most with our weights, and where a step's time goes: the bench prints both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

_READ = 256 << 20  # bytes: far more than any cache of the processor holds
_TURNS = 5
_CONTEXTS = (64, 512, 1000)  # tokens that every stream has before a step is timed
_STEPS = 15


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


def contexts(network: Any, longest: int, streams: int) -> dict[str, float]:
    """Seconds of a step of so many streams after so many tokens, the median of a few; not beyond the `longest`."""
    from kogpt_funcs.models.networks.network import Work

    found = {}
    caches = [network.cache() for _ in range(streams)]
    length = 0
    for context in _CONTEXTS:
        if context + _STEPS > longest:
            break
        for cache in caches:  # one after another: a pass over all at once would take much memory
            network.forward([Work([7] * (context - length), cache, None)])
        seconds = []
        for _ in range(_STEPS):
            started = time.perf_counter()
            network.forward([Work([7], cache, None) for cache in caches])
            seconds.append(time.perf_counter() - started)
        length = context + _STEPS
        found[str(context)] = statistics.median(seconds)
    return found


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
