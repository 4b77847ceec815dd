"""Caches of finished requests, so that a prompt that begins as an earlier text did is not read again from its start."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from kogpt_funcs.models import meter

_BYTES = 64_000_000
_LEAST = 8  # tokens; a shorter beginning is sooner read than copied


class Prefixes:
    """Texts as token ids with their keys and values, per adapter; the least recently used leave when memory is full."""

    def __init__(self, limit: int = _BYTES) -> None:
        self.limit = limit
        self._kept: OrderedDict[tuple[int, ...], tuple[Any, Any]] = OrderedDict()

    @property
    def bytes(self) -> int:
        return sum(cache.bytes for _, cache in self._kept.values())

    def keep(self, adapter: Any, ids: list[int], cache: Any) -> None:
        """Takes over `cache`, which holds exactly `ids` as read with `adapter`."""
        if cache.bytes <= self.limit:
            self._kept[tuple(ids)] = adapter, cache
            self._kept.move_to_end(tuple(ids))
        while self.bytes > self.limit:
            self._kept.popitem(last=False)

    def find(self, adapter: Any, prompt: list[int]) -> Any:
        """A copy of the cache that shares the longest beginning with `prompt`, its last token left out; None if there
        is none.
        """
        longest, best = _LEAST - 1, None
        for ids, (made_with, cache) in self._kept.items():
            if made_with is adapter and (shared := _shared(ids, prompt)) > longest:
                longest, best = shared, (ids, cache)
        if best is None:
            return None
        self._kept.move_to_end(best[0])
        meter.reused(longest)
        return best[1].copy(longest)


def _shared(a: tuple[int, ...], prompt: list[int]) -> int:
    most = min(len(a), len(prompt) - 1)
    return next((i for i in range(most) if a[i] != prompt[i]), most)
