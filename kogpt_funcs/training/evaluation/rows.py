"""The rows a measurement is made on, and those that a baseline may learn from: never the same."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kogpt_funcs.errors import KogptError
from kogpt_funcs.training.mix import good_rows, is_test

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """One call of `kogpt evaluate NAME`. The same values give the same figures."""

    function: str
    files: tuple[Path, ...]
    limit: int | None = None  # how many held-out rows or samples; None: as many as the function's measure takes
    seed: int = 0
    cache: Path = Path("runs/evaluation")  # fitted baselines are kept here


def held_out(files: Sequence[Path]) -> list[dict[str, Any]]:
    """The held-out rows of `files`; KogptError if there are none."""
    found = [row for file in dict.fromkeys(files) for row in good_rows(file) if is_test(row)]
    if not found:
        names = ", ".join(file.name for file in files)
        raise KogptError(f"No held-out row in {names}: about 1 row in 50 is held out, or those whose `split` is test. Give more rows.")
    return found


def training(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """The rows of `files` that may be learned from."""
    return (row for file in dict.fromkeys(files) for row in good_rows(file) if not is_test(row))


def draw(found: Sequence[T], limit: int | None, seed: int) -> list[T]:
    """At most `limit` of `found`, drawn with `seed`, in their order."""
    if limit is None or limit >= len(found):
        return list(found)
    return [found[i] for i in sorted(random.Random(seed).sample(range(len(found)), limit))]
