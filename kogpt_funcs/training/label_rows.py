"""Labelled rows: which of them are never trained on, and how they become batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import torch

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data.tables import Row
from kogpt_funcs.models import Labelled
from kogpt_funcs.models.classifier.encoding import Encoder, pad
from kogpt_funcs.training.mix import is_held_out
from kogpt_funcs.training.sources import Source

Groups = dict[str, dict[str, Any]]


_BLOCK, _BLOCKS, _CHOSEN = 20, 15, 7  # of neighbouring lines; of fifteen blocks the eighth is held out


def held_out(rows: Sequence[Row]) -> list[bool]:
    """Which rows of a file have labels that are never trained on.

    Rows with one `label` stand beside others that are nearly the same but for it: whole blocks of 20 neighbouring lines
    are held out, one in fifteen. Other files, and those of few lines, go row by row.
    """
    apart = len(rows) >= _BLOCK * _BLOCKS and all("label" in row.cells and "split" not in row.cells for row in rows)
    if apart:
        return [i // _BLOCK % _BLOCKS == _CHOSEN for i in range(len(rows))]
    return [is_held_out_label_row(row.cells) for row in rows]


def is_held_out_label_row(row: dict[str, Any]) -> bool:
    """True for a row whose labels are never trained on: 1 in 8, by a checksum of its text.

    Where rows have a `split`, it is 1 in 4 of those of "test": KOTE's train rows are not to be had, so its others must
    be learned from, and a base may have read the texts of its "val".
    """
    return row["split"] == "test" and is_held_out(row, every=4) if "split" in row else is_held_out(row, every=8)


def calibrates(text: str) -> bool:
    """True for the half of the held-out texts that chooses temperatures and thresholds; the other half only
    measures.
    """
    return crc32(text.encode()) >> 8 & 1 == 0


def halves(kept_back: Iterable[Labelled]) -> tuple[list[Labelled], list[Labelled]]:
    """The rows that calibrate, and those that measure."""
    rows = list(kept_back)
    return [row for row in rows if calibrates(row.text)], [row for row in rows if not calibrates(row.text)]


class Split(NamedTuple):
    train: list[Labelled]
    calibration: list[Labelled]
    test: list[Labelled]


def read(render: Any, sources: list[Source]) -> Split:
    """The rows of `sources` as `render` labels them; bad ones are told on stderr. A file named twice is trained on
    twice, held out once.
    """
    train: list[Labelled] = []
    kept_back: list[Labelled] = []
    for i, source in enumerate(sources):
        again = source.path in [before.path for before in sources[:i]]
        rows = list(source.read(quiet=again))
        for row, measured in zip(rows, held_out(rows), strict=True):
            labelled = _rendered(render, row, source)
            if not measured:
                train.extend(labelled)
            elif not again:
                kept_back.extend(labelled)
    if not train:
        faults = next((f" {source.path.name}, {source.first_fault}" for source in sources if source.first_fault), "")
        names = ", ".join(source.path.name for source in sources)
        raise KogptError(
            f"No row with labels to train on in {names}.{faults} What is wanted: "
            f"{' '.join((render.__doc__ or '').split())}"
        )
    return Split(train, *halves(kept_back))


def _rendered(render: Any, row: Any, source: Source) -> list[Labelled]:
    try:
        return list(render(row.cells))
    except KeyError as error:
        source.skip(row, f"no column {error}; columns found: {', '.join(row.cells)}.")
    except (TypeError, ValueError, AttributeError) as error:
        source.skip(row, f"{error}.")
    return []


def columns_of(groups: Groups) -> dict[str, slice]:
    """The slice of the outputs that each group has."""
    slices, start = {}, 0
    for name, group in groups.items():
        slices[name] = slice(start, start := start + len(group["labels"]))
    return slices


def targets_of(rows: Sequence[Labelled], groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    """Targets fp32 [rows, labels] in 0 to 1, and known fp32 [rows, labels]: how much each weighs, 0 where it is not
    meant.
    """
    values = [
        [row.targets.get(name, {}).get(label, 0.0) for name, group in groups.items() for label in group["labels"]]
        for row in rows
    ]
    known = [[row.weight(name) for name, group in groups.items() for _ in group["labels"]] for row in rows]
    labels = sum(len(group["labels"]) for group in groups.values())
    return np.array(values, np.float32).reshape(-1, labels), np.array(known, np.float32).reshape(-1, labels)


class Rows(torch.utils.data.Dataset):
    """Texts as ids with their targets and known; `collate` pads them into a batch."""

    def __init__(self, rows: Sequence[Labelled], encoder: Encoder, groups: Groups) -> None:
        self.texts = [row.text for row in rows]
        self.ids = [np.array(encoder.encode(text), np.int32) for text in self.texts]
        self.targets, self.known = targets_of(rows, groups)
        self.lengths = [len(ids) for ids in self.ids]
        self._pad_id = encoder.pad_id

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"input_ids": self.ids[index], "targets": self.targets[index], "known": self.known[index]}

    def collate(self, rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        return {
            **pad([row["input_ids"].tolist() for row in rows], self._pad_id),
            "targets": torch.from_numpy(np.stack([row["targets"] for row in rows])),
            "known": torch.from_numpy(np.stack([row["known"] for row in rows])),
        }
