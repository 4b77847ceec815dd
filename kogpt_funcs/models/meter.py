"""What the decoder has done since the process began, in counts. It knows nobody who reads them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

_SIZES = (1, 2, 4, 8, 16, 24, 32, 48, 64, 0)  # sequences of a batch, up to each; 0: more


@dataclass
class Meter:
    """Counts only grow."""

    written: int = 0  # tokens drawn
    read: int = 0  # tokens put through the network, of prompts and of samples
    reused: int = 0  # tokens of prompts that were found read
    sequences: int = 0  # the sum of all batches' sizes
    batches: dict[int, int] = field(default_factory=lambda: dict.fromkeys(_SIZES, 0))  # passes by size


_lock = threading.Lock()
_now = Meter()


def passed(sequences: int, read: int, written: int) -> None:
    """A pass of the decoder is over."""
    size = next(most for most in _SIZES if sequences <= most or not most)
    with _lock:
        _now.sequences += sequences
        _now.read += read
        _now.written += written
        _now.batches[size] += 1


def reused(tokens: int) -> None:
    """So many tokens of a prompt need not be read."""
    with _lock:
        _now.reused += tokens


def counts() -> Meter:
    """The counts so far."""
    with _lock:
        return replace(_now, batches=dict(_now.batches))
