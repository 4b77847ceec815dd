"""What a function's adapter learns from: each row of the data rendered as examples, the held-out rows told apart."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Example
from kogpt_funcs.training.mix import is_test
from kogpt_funcs.training.sources import Source


def examples(
    function: str, sources: list[Source], *, passes: int = 1, keep: float = 1.0, seed: int = 0
) -> Iterator[tuple[bool, Example]]:
    """(held out?, example) of every row of `sources`, as `function` renders it, streamed; a share `keep` of the rows.

    A renderer may draw at random: training rows are rendered `passes` times. Held-out ones are rendered once, even if
    their file is named twice.
    """
    render = registry.get(function).training_examples
    if render is None:
        raise KogptError(f"kogpt_funcs/{function}.py has no training_examples(row, rng); it trains no adapter.")
    seen: set[Path] = set()
    for number in range(passes):
        draws = {held_out: random.Random(seed + number) for held_out in (False, True)}
        for source in sources:
            first = source.path not in seen
            seen.add(source.path)
            for row in source.read(quiet=not first or number > 0):
                held_out = is_test(row.cells)
                if (first or not held_out) and draws[held_out].random() < keep:
                    yield from ((held_out, example) for example in source.render(render, row, draws[held_out]))
