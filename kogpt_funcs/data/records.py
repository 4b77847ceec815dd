"""Files of rows as records: lists of cells, read as a stream. It knows neither columns nor what is wrong with a row."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kogpt_funcs.data.encodings import open_packed

DELIMITERS = {"csv": ",", "tsv": "\t"}
_LONGEST_RECORD = 1 << 20  # characters; a quote that is still open after so many was never meant to be closed


def read(path: Path, kind: str, packing: str, encoding: str) -> Iterator[Any]:
    """Lists of cells (for JSONL one, the line); a str in place of a list says why that record cannot be read."""
    if kind == "xlsx":
        yield from _xlsx_records(path)
        return
    raw = open_packed(path, packing)
    with raw, io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="") as lines:
        if kind in ("jsonl", "txt"):
            yield from ([line.strip()] for line in lines)
        else:
            yield from _csv_records(lines, DELIMITERS[kind])


@dataclass
class _Lines:
    """Lines that can be given back: those that the current record has taken."""

    lines: Iterator[str]
    waiting: deque[str] = field(default_factory=deque)
    taken: list[str] = field(default_factory=list)
    size: int = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.taken and self.size > _LONGEST_RECORD:
            raise StopIteration
        line = self.waiting.popleft() if self.waiting else next(self.lines)
        self.taken.append(line)
        self.size += len(line)
        return line

    def begin(self) -> None:
        self.taken.clear()
        self.size = 0

    def give_back_all_but_first(self) -> str:
        first, *rest = self.taken
        self.waiting.extendleft(reversed(rest))
        return first


def _csv_records(lines: Iterator[str], delimiter: str) -> Iterator[list[str] | str]:
    """A quote that is never closed costs its own line, not the rest of the file; in TSV such a quote is a character."""
    csv.field_size_limit(2 * _LONGEST_RECORD)
    feed = _Lines(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin()
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            line = feed.give_back_all_but_first().rstrip("\r\n")
            yield line.split(delimiter) if delimiter == "\t" else "따옴표가 어긋나 칸을 나눌 수 없습니다."
            reader = csv.reader(feed, delimiter=delimiter, strict=True)


def _xlsx_records(path: Path) -> Iterator[list[Any]]:
    """Cells as they are stored; a formula is its text."""
    import warnings

    from openpyxl import load_workbook

    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")  # what openpyxl leaves out (charts, validation) is no matter for reading cells
        try:
            book = load_workbook(file, read_only=True)
            sheet = book.active if book.active in book.worksheets else book.worksheets[0]
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise zipfile.BadZipFile(str(error)) from None
        sheet.reset_dimensions()
        blank = 0
        for values in sheet.iter_rows(values_only=True):
            if all(value in ("", None) for value in values):
                blank += 1  # sheets often end in thousands of blank rows: told only if something follows
                continue
            yield from ([] for _ in range(blank))
            blank = 0
            yield [getattr(value, "text", value) for value in values]
