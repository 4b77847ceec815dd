"""Loaded checkpoints, shared by all who ask: one load each, least recently used ones leave when the budget is
reached.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError

log = logging.getLogger(__name__)


class Loaded:
    """What the cache keeps: a torch module under `model`, and what there is to say about it."""

    model: Any

    @property
    def parameters(self) -> int:
        return sum(p.numel() for p in self.model.parameters())

    @property
    def bytes(self) -> int:
        return sum(p.numel() * p.element_size() for p in self.model.parameters())

    @property
    def details(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        """Called when it leaves the cache."""


@dataclass
class _Entry:
    name: str
    model: Any = None
    users: int = 0
    used_at: float = 0.0
    loads: int = 0
    seconds: float = 0.0


_entries: dict[str, _Entry] = {}
_guard = threading.Lock()
#: Held while a model is built: transformers and PEFT patch torch for the whole process meanwhile (meta tensors).
building = threading.RLock()


@contextmanager
def using(name: str, load: Callable[[], Loaded]) -> Iterator[Any]:
    """The model `name`, loaded by `load` if it is not there; it is not evicted while in use.

    Many may ask at once: one loads, the others wait for that load. A load that fails is reported to the one who
    tried; the next one to ask tries again.
    """
    with _guard:
        entry = _entries.setdefault(name, _Entry(name))
        entry.users += 1
    try:
        if entry.model is None:
            with building:
                if entry.model is None:
                    started = time.monotonic()
                    with loading(name):
                        entry.model = load()
                    entry.loads += 1
                    entry.seconds = time.monotonic() - started
        entry.used_at = time.monotonic()
        _evict()
        yield entry.model
    finally:
        with _guard:
            entry.users -= 1


def resident() -> dict[str, Any]:
    """The device and, for each loaded checkpoint: parameters, bytes, how often and how long it was loaded, its
    users.
    """
    with _guard:
        loaded = [entry for entry in _entries.values() if entry.model is not None]
        return {
            "budget_bytes": settings.current().cache_bytes,
            "bytes": sum(entry.model.bytes for entry in loaded),
            "checkpoints": [
                {
                    "name": entry.name,
                    **entry.model.details,
                    "parameters": entry.model.parameters,
                    "bytes": entry.model.bytes,
                    "loads": entry.loads,
                    "load_seconds": round(entry.seconds, 3),
                    "in_use": entry.users,
                }
                for entry in loaded
            ],
        }


@contextmanager
def loading(name: str) -> Iterator[None]:
    """Turns whatever a broken checkpoint raises into CheckpointError; the fault itself goes to the log."""
    try:
        yield
    except CheckpointError:
        raise
    except MemoryError as error:
        raise CheckpointError(f"Not enough memory to load {name!r}. Free some, or lower KOGPT_CACHE_GB.") from error
    except Exception as error:  # files break in many ways, and each library has its own words for it
        log.error("Loading %s: %s: %s", name, type(error).__name__, error)  # may name folders: not for strangers
        last = name.rsplit("/")[-1]
        raise CheckpointError(
            f"Checkpoint {last!r} cannot be loaded ({type(error).__name__}). The server's log says why."
        ) from error


def _evict() -> None:
    with _guard:
        idle = [entry for entry in _entries.values() if entry.model is not None and entry.users == 0]
        used = sum(entry.model.bytes for entry in _entries.values() if entry.model is not None)
        for entry in sorted(idle, key=lambda entry: entry.used_at):
            if used <= settings.current().cache_bytes:
                break
            used -= entry.model.bytes
            entry.model.close()
            entry.model = None
