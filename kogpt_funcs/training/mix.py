"""The text mix of a base: its data files, how their rows are rendered, and how often they are seen."""

from __future__ import annotations

import random
import tomllib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Example
from kogpt_funcs.training.dialogue_rows import dialogue
from kogpt_funcs.training.sources import Source

HELD_OUT_EVERY = 50  # one row in fifty is never trained on


@dataclass(frozen=True)
class Part:
    """Rows of one file, rendered by one function."""

    file: Path
    function: str
    where: dict[str, list[Any]] = field(default_factory=dict)
    keep: float = 1.0
    repeat: int = 1
    group: str = "text"
    columns: dict[str, str] = field(default_factory=dict)

    def examples(self, *, held_out: bool, seed: int = 0) -> Iterator[Example]:
        """The examples of the held-out rows, or of the others; the choice depends on the row's text alone."""
        rng = random.Random(seed)
        render = _renderer(self.function)
        for _ in range(1 if held_out else self.repeat):
            source = Source(self.file, self.columns)
            for row in source.read(quiet=not held_out):  # the held-out rows are read first: they tell the bad ones
                if any(row.cells.get(column) not in values for column, values in self.where.items()):
                    continue
                if is_held_out(row.cells) == held_out and rng.random() < self.keep:
                    yield from source.render(render, row, rng)


def plain(files: list[Path], columns: dict[str, str]) -> list[Part]:
    """A mix of files that hold texts, each file with a held-out figure of its own."""
    return [Part(file, "continue_text", columns=columns, group=file.name.split(".")[0]) for file in files]


def read_mix(path: Path, data: Path) -> tuple[list[Path], list[Part]]:
    """The vocabulary files and the parts of a mix; file names are relative to the folder `data`."""
    try:
        mix = tomllib.loads(path.read_text(encoding="utf-8"))
        parts = [Part(**{**part, "file": data / part["file"]}) for part in mix["part"]]
        vocabulary = [data / name for name in mix["vocabulary"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise KogptError(f"{path} is not a text mix: {error}. See kogpt_funcs/training/mixes/base.toml.") from error
    missing = sorted({str(f) for f in [*vocabulary, *(part.file for part in parts)] if not f.is_file()})
    if missing:
        raise KogptError(
            f"The mix names files that are not in {data}: {', '.join(missing)}. Give the folder with --data."
        )
    return vocabulary, parts


def is_held_out(row: dict[str, Any], every: int = HELD_OUT_EVERY) -> bool:
    """True for one row in `every`, by a checksum of the row's text: the same rows whatever the order or the file."""
    text = row.get("text") or row.get("turns") or row.get("formal") or row
    return zlib.crc32(str(text).encode()) % every == 0


def is_test(row: dict[str, Any]) -> bool:
    """True for a row that is for measuring alone: its `split` says so, or else it is held out."""
    return row["split"] in ("test", "dev", "validation") if "split" in row else is_held_out(row)


def _renderer(name: str) -> Any:
    return (lambda row, rng: dialogue(row)) if name == "dialogue" else registry.get(name).training_examples
