"""A grid of prompts and temperatures: the first words of each line, continued, beside what really follows in that
line.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from tqdm import tqdm

from kogpt_funcs import models
from kogpt_funcs.continue_text import prompt as continuing
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import memorisation
from kogpt_funcs.evaluation.diversity import distinct, loops
from kogpt_funcs.evaluation.kept_words import percent
from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.evaluation.rows import draw
from kogpt_funcs.korean.text import clean
from kogpt_funcs.models import Generation
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.training.sources import Source


@dataclass(frozen=True)
class Grid:
    """What to try: the prompts are the first `words` words of each line, the samples as long as `tokens` tokens at
    most.
    """

    words: tuple[int, ...]
    temperatures: tuple[float, ...]
    adapter: str | None = None
    samples: int = 1
    tokens: int = 64
    seed: int = 0


class Cell(NamedTuple):
    """One row of the CSV."""

    line: int
    words: int
    temperature: float
    prompt: str
    sample: str
    rest: str  # what follows the prompt in its line
    bleu: float
    chrf: float
    distinct_2: float | None  # within the sample
    loop: bool
    overlap: int  # characters in a row, prompt included, that a line or a training text holds
    memorised: bool


_NOTES = [
    "BLEU and chrF are of each sample with the rest of its own line alone, so that a text remembered from "
    "elsewhere does not look good.",
    f"overlap: the longest string that prompt and sample together share with a line of the data or of "
    f"--trained-on; memorised: {memorisation.LONG} characters "
    "or more, at least one of them beyond the prompt.",
]


def measure(
    data: Path, grid: Grid, *, trained_on: Sequence[Path] = (), column: str = "text", limit: int | None = None
) -> tuple[Figures, list[Cell]]:
    """The mean figures of each number of words and temperature, and every sample."""
    lines = [clean(str(row.cells.get(column) or "")).replace("\n", " ") for row in Source(data).read()]
    asked = draw(
        [(n, line) for n, line in enumerate(lines, 1) if len(line.split()) > min(grid.words)], limit, grid.seed
    )
    if not asked:
        raise KogptError(
            f"No line of {data.name} has more than {min(grid.words)} words in its column {column!r}, so "
            f"nothing is left to compare with."
        )
    points = [
        (n, line, k, t) for k in grid.words for t in grid.temperatures for n, line in asked if len(line.split()) > k
    ]
    written = [
        (*point, sample)
        for point in tqdm(points, "grid", unit="prompt", disable=None)
        for sample in _samples(point, grid)
    ]
    prompts = [" ".join(line.split()[:k]) for _, line, k, _, _ in written]
    whole = [f"{prompt} {sample.strip()}" for prompt, (*_, sample) in zip(prompts, written, strict=True)]
    lengths = memorisation.longest_overlaps(whole, _known(lines, trained_on))
    cells = [
        cell(n, line, k, t, text, prompt, length)
        for (n, line, k, t, text), prompt, length in zip(written, prompts, lengths, strict=True)
    ]
    return {
        "base": checkpoints.slug(settings.current().base),
        "samples": len(cells),
        "grid": dict(_means(cells, grid)),
        "notes": _NOTES,
    }, cells


def save(cells: Sequence[Cell], file: Path) -> None:
    """The samples as CSV that Excel opens, or KogptError."""
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(Cell._fields)
            writer.writerows(cells)
    except OSError as error:
        raise KogptError(f"{file} cannot be written: {error.strerror or error}.") from None


def _known(lines: list[str], trained_on: Sequence[Path]) -> Iterator[str]:
    yield from lines
    for file in trained_on:
        yield from (str(row.cells.get("text") or "") for row in Source(file).read())


def _samples(point: tuple[int, str, int, float], grid: Grid) -> list[str]:
    number, line, words, temperature = point
    request = Generation(
        prompt=continuing(" ".join(line.split()[:words])),
        adapter=grid.adapter,
        num_samples=grid.samples,
        max_new_tokens=grid.tokens,
        temperature=temperature,
        seed=grid.seed + number,
    )
    *_, last = models.generate(request)
    return [sample.text for sample in last]


def cell(number: int, line: str, words: int, temperature: float, sample: str, prompt: str, overlap: int) -> Cell:
    rest = " ".join(line.split()[words:])
    bleu, chrf = (
        round(metric.sentence_score(sample, [rest]).score, 2) for metric in (BLEU(effective_order=True), CHRF())
    )
    memorised = overlap >= memorisation.LONG and overlap > len(prompt)
    return Cell(
        number,
        words,
        temperature,
        prompt,
        sample,
        rest,
        bleu,
        chrf,
        distinct([sample], 2),
        loops(sample),
        overlap,
        memorised,
    )


def _means(cells: list[Cell], grid: Grid) -> Iterator[tuple[str, dict[str, Any]]]:
    for words in grid.words:
        for temperature in grid.temperatures:
            found = [cell for cell in cells if (cell.words, cell.temperature) == (words, temperature)]
            if found:
                yield (
                    f"{words} words, temperature {temperature:g}",
                    {
                        "samples": len(found),
                        "bleu": round(mean(cell.bleu for cell in found), 2),
                        "chrf": round(mean(cell.chrf for cell in found), 2),
                        "distinct_2": distinct([cell.sample for cell in found], 2),
                        "loop_percent": percent([cell.loop for cell in found]),
                        "longest_overlap": max(cell.overlap for cell in found),
                        "memorised_percent": percent([cell.memorised for cell in found]),
                    },
                )
