"""Builds the index of written replies: dialogues (JSONL: turns, emotion, speech) and pairs (TSV: message, reply,
emotion).
"""

from __future__ import annotations

import csv
import io
import lzma
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.retrieval.encoder import Array, Encoder
from kogpt_funcs.models.retrieval.index import Entry, centred, packed
from kogpt_funcs.training.sources import Source

_BATCH = 64


def read(files: Sequence[Path]) -> list[Entry]:
    """The entries of all good rows in `files`, each reply once; bad rows are told on stderr."""
    found: dict[tuple[str, str], Entry] = {}
    for file in files:
        source = Source(file)
        for row in source.read():
            try:
                for entry in entries_of(row.cells):
                    found.setdefault((entry.message, entry.reply), entry)
            except (KeyError, TypeError) as error:
                source.skip(row, f"turns, or message and reply, are wanted ({error}).")
    if not found:
        raise KogptError(
            f"No reply in {', '.join(file.name for file in files)}. Wanted: rows with turns, or with message and reply."
        )
    return list(found.values())


def entries_of(row: dict[str, Any]) -> Iterator[Entry]:
    """A dialogue gives an entry for each turn of the user that was answered, a pair one."""
    emotion, speech = str(row.get("emotion") or ""), str(row.get("speech") or "존댓말")
    turns = row["turns"] if "turns" in row else [row["message"], row["reply"]]
    said = [" ".join(str(turn).split()) for turn in turns]
    for place in range(0, len(said) - 1, 2):
        yield Entry(emotion, speech, place // 2, said[place], said[place + 1])


def build(entries: Sequence[Entry], folder: Path) -> None:
    """Writes the index of `entries` beside the encoder in `folder`."""
    encoder = Encoder(folder)
    starts = tqdm(range(0, len(entries), _BATCH), "Messages", unit=f" {_BATCH} texts", file=sys.stderr, disable=None)
    write(
        entries, np.concatenate([encoder.encode([e.message for e in entries[i : i + _BATCH]]) for i in starts]), folder
    )


def write(entries: Sequence[Entry], vectors: Array, folder: Path) -> None:
    """Writes `entries` with the vectors of their messages."""
    from safetensors.numpy import save_file

    mean = vectors.mean(0)
    save_file({"mean": mean, "messages": packed(centred(vectors, mean))}, folder / "vectors.safetensors")
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n").writerows(entries)
    (folder / "entries.tsv.xz").write_bytes(lzma.compress(text.getvalue().encode(), preset=9))
