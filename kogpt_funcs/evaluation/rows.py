"""The rows a measurement is made on, and those that a baseline may learn from: never the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training.mix import is_test
from kogpt_funcs.training.sources import Source

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """One call of `kogpt evaluate NAME`. The same values give the same figures."""

    function: str
    files: tuple[Path, ...]
    limit: int | None = None  # how many held-out rows or samples; None: as many as the function's measure takes
    seed: int = 0
    columns: dict[str, str] = field(default_factory=dict)  # wanted name → the file's own
    cache: Path = Path("runs/evaluation")  # fitted baselines are kept here

    @property
    def sources(self) -> list[Source]:
        return [Source(file, self.columns) for file in dict.fromkeys(self.files)]

    @property
    def names(self) -> str:
        return ", ".join(file.name for file in self.files)


def held_out(asked: Asked) -> list[dict[str, Any]]:
    """The held-out rows; KogptError if there are none. Bad rows are told here."""
    found = [row.cells for source in asked.sources for row in source.read() if is_test(row.cells)]
    if not found:
        raise KogptError(
            f"No held-out row in {asked.names}: about 1 row in 50 is held out, or those whose `split` is test. "
            f"Give more rows."
        )
    return found


def training(asked: Asked) -> Iterator[dict[str, Any]]:
    """The rows that may be learned from."""
    return (row.cells for source in asked.sources for row in source.read(quiet=True) if not is_test(row.cells))


def draw(found: Sequence[T], limit: int | None, seed: int) -> list[T]:
    """At most `limit` of `found`, drawn with `seed`, in their order."""
    if limit is None or limit >= len(found):
        return list(found)
    return [found[i] for i in sorted(random.Random(seed).sample(range(len(found)), limit))]
