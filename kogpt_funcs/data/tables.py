"""Rows of CSV, TSV, JSONL, XLSX and TXT files (.gz and .xz too), read as a stream. It knows no function."""

from __future__ import annotations

import gzip
import itertools
import json
import lzma
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data import records
from kogpt_funcs.data.encodings import encoding_of

KINDS = ("csv", "tsv", "jsonl", "xlsx", "txt")
TXT_COLUMNS = ("text",)  # each line of a .txt file is a row


class Row(NamedTuple):
    """One row. `number` is what an editor shows: the line of a JSONL or TXT file, the row of a sheet (the header is
    1).
    """

    number: int
    cells: dict[str, Any]
    problem: str = ""  # why this row could not be read; then `cells` is empty or incomplete
    blank: bool = False  # a row of a sheet with nothing in it


@dataclass(frozen=True)
class Table:
    """A file of rows and what is known before reading them."""

    path: Path
    kind: str  # one of KINDS
    packing: str  # "", ".gz" or ".xz"
    encoding: str
    columns: tuple[str, ...]  # JSONL: the keys of the first row


def open_table(path: str | Path) -> Table:
    """The table in `path`, or KogptError saying why it cannot be read. Reads text once to tell its encoding."""
    path = Path(path)
    kind, packing = kind_of(path)
    with _readable(path):
        encoding = "" if kind == "xlsx" else encoding_of(path, packing)
        header = next(records.read(path, kind, packing, encoding), None)
    if header is None:
        raise KogptError(f"{path} is empty." + ("" if kind == "txt" else " Its first row must name the columns."))
    if kind == "txt":
        return Table(path, kind, packing, encoding, TXT_COLUMNS)
    if kind == "jsonl":
        first = next((row for row in rows(Table(path, kind, packing, encoding, ())) if row.cells), None)
        return Table(path, kind, packing, encoding, tuple(first.cells) if first else ())
    return Table(path, kind, packing, encoding, _column_names(path, header))


def read_rows(path: str | Path) -> Iterator[Row]:
    """The rows of `path` that hold anything. A row that cannot be read has a `problem`; it does not end the file."""
    return (row for row in rows(open_table(path)) if not row.blank)


def rows(table: Table) -> Iterator[Row]:
    """Every row of `table`, blank ones included (in JSONL a blank line is no row)."""
    with _readable(table.path):
        numbered = enumerate(records.read(table.path, table.kind, table.packing, table.encoding), 1)
        if table.kind == "jsonl":
            yield from (_json_row(number, record) for number, record in numbered if record != [""])
        else:
            if table.kind != "txt":
                next(numbered)
            yield from (_sheet_row(number, record, table.columns) for number, record in numbered)


def read_paragraphs(path: Path) -> Iterator[Row]:
    """The paragraphs of a .txt file, set apart by blank lines: each a row with the cell `text`, its lines kept."""
    table = open_table(path)
    if table.kind != "txt":
        raise KogptError(f"{path.name} has rows, not paragraphs. Only a .txt file has those.")
    for blank, group in itertools.groupby(rows(table), key=lambda row: row.blank):
        if not blank:
            lines = list(group)
            text = "\n".join(str(line.cells["text"]).strip() for line in lines)
            problem = next((line.problem for line in lines if line.problem), "")
            yield lines[0]._replace(cells={"text": text}, problem=problem)


def kind_of(path: Path) -> tuple[str, str]:
    """("csv", ".xz") for comments.csv.xz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packing = suffixes.pop() if suffixes and suffixes[-1] in (".gz", ".xz") else ""
    kind = suffixes[-1][1:] if suffixes else ""
    if kind not in KINDS or (kind == "xlsx" and packing):
        endings = ".csv .tsv .jsonl .txt (also .gz, .xz), .xlsx"
        raise KogptError(f"{path.name} is not a table that can be read. Choose from: {endings}.")
    return kind, packing


def check_columns(table: Table, wanted: Iterable[str]) -> None:
    """KogptError naming the columns of the table if one of `wanted` is not among them."""
    for column in wanted:
        if column not in table.columns:
            raise KogptError(f"{table.path} has no column {column!r}. Columns: {', '.join(table.columns) or 'none'}.")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise KogptError(f"No file {path}.") from None
    except (EOFError, SyntaxError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, gzip.BadGzipFile) as error:
        raise KogptError(f"{path} is damaged, or is not what its name says: {error}.") from None
    except OSError as error:
        raise KogptError(f"{path} cannot be read: {error.strerror or error}.") from None


def _column_names(path: Path, header: list[Any] | str) -> tuple[str, ...]:
    if isinstance(header, str):
        raise KogptError(f"{path}: the first row, which names the columns, has a quote that is never closed.")
    names = ["" if name is None else str(name).strip() for name in header]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise KogptError(f"{path}: the first row is blank. It must name the columns.")
    names = [name or f"column {number}" for number, name in enumerate(names, 1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise KogptError(f"{path} has two columns called {twice[0]!r}. Rename one.")
    return tuple(names)


def _sheet_row(number: int, record: list[Any] | str, columns: tuple[str, ...]) -> Row:
    if isinstance(record, str):
        return Row(number, {}, record)
    padded = record + [""] * (len(columns) - len(record))
    cells = dict(zip(columns, padded, strict=False))
    if any(value not in ("", None) for value in record[len(columns) :]):
        return Row(number, cells, f"칸이 {len(record)}개인데 머리글은 {len(columns)}개입니다.")
    return _decoded(Row(number, cells, blank=all(value in ("", None) for value in cells.values())))


def _json_row(number: int, record: list[str]) -> Row:
    try:
        cells = json.loads(record[0], parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return Row(number, {}, f"JSON이 아닙니다: {error}.")
    if not isinstance(cells, dict):
        return Row(number, {}, "JSON 객체가 아닙니다.")
    return _decoded(Row(number, cells))


def _decoded(row: Row) -> Row:
    """`row`, or the same with a problem if its bytes did not decode."""
    if any(isinstance(value, str) and _undecoded(value) for value in row.cells.values()):
        return row._replace(problem="글자로 읽을 수 없는 바이트가 있습니다.")
    return row


def _undecoded(text: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in text) if not text.isascii() else False


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
