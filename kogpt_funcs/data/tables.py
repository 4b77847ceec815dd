"""Rows of CSV, TSV, JSONL, XLSX and TXT files (.gz and .xz too), read as a stream. It knows no function and no surface."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import json
import lzma
import re
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from kogpt_funcs.contract.errors import KogptError

KINDS = ("csv", "tsv", "jsonl", "xlsx", "txt")
TXT_COLUMNS = ("text",)  # each line of a .txt file is a row
DELIMITERS = {"csv": ",", "tsv": "\t"}
_OPENERS: dict[str, Any] = {"": open, ".gz": gzip.open, ".xz": lzma.open}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONGEST_RECORD = 1 << 20  # characters; a quote that is still open after so many was never meant to be closed


class Row(NamedTuple):
    """One row. `number` is what an editor shows: the line of a JSONL or TXT file, else the row of the sheet (the header is 1)."""

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
        encoding = "" if kind == "xlsx" else _encoding(path, packing)
        header = next(_records(path, kind, packing, encoding), None)
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
        records = enumerate(_records(table.path, table.kind, table.packing, table.encoding), 1)
        if table.kind == "jsonl":
            yield from (_json_row(number, record) for number, record in records if record != [""])
        else:
            if table.kind != "txt":
                next(records)
            yield from (_sheet_row(number, record, table.columns) for number, record in records)


def read_paragraphs(path: Path) -> Iterator[Row]:
    """The paragraphs of a .txt file, set apart by blank lines: each a row with the cell `text`, its lines kept."""
    table = open_table(path)
    if table.kind != "txt":
        raise KogptError(f"{path.name} has rows, not paragraphs. Only a .txt file has those.")
    for blank, group in itertools.groupby(rows(table), key=lambda row: row.blank):
        if not blank:
            lines = list(group)
            text = "\n".join(str(line.cells["text"]).strip() for line in lines)
            yield lines[0]._replace(cells={"text": text}, problem=next((line.problem for line in lines if line.problem), ""))


def kind_of(path: Path) -> tuple[str, str]:
    """("csv", ".xz") for comments.csv.xz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packing = suffixes.pop() if suffixes and suffixes[-1] in (".gz", ".xz") else ""
    kind = suffixes[-1][1:] if suffixes else ""
    if kind not in KINDS or (kind == "xlsx" and packing):
        raise KogptError(f"{path.name} is not a table that can be read. Choose from: .csv .tsv .jsonl .txt (also .gz, .xz), .xlsx.")
    return kind, packing


def check_columns(table: Table, wanted: Iterable[str]) -> None:
    """KogptError naming the columns found if one of `wanted` is not among them."""
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


def _records(path: Path, kind: str, packing: str, encoding: str) -> Iterator[Any]:
    """Lists of cells (one, the line, for JSONL); a str in place of a list is the reason why that record is unreadable."""
    if kind == "xlsx":
        yield from _xlsx_records(path)
        return
    with open_packed(path, packing) as raw, io.TextIOWrapper(raw, encoding, errors="surrogateescape", newline="") as lines:
        if kind in ("jsonl", "txt"):
            yield from ([line.strip()] for line in lines)
        else:
            yield from _csv_records(lines, DELIMITERS[kind])


def open_packed(path: Path, packing: str, mode: str = "rb") -> IO[bytes]:
    """`path` opened through gzip or xz where `packing` says so."""
    opened: IO[bytes] = _OPENERS[packing](path, mode)
    return opened


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


class _Reading(NamedTuple):
    hangul: int
    other: int
    wrong: int


def _encoding(path: Path, packing: str) -> str:
    """Told by the byte order mark, else by what reads: UTF-8, a UTF-8 with few broken bytes, CP949."""
    with open_packed(path, packing) as file:
        start = file.read(4)
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            return encoding
    try:
        _reading(path, packing, "utf-8", "strict")
        return "utf-8"
    except UnicodeDecodeError:
        utf8, cp949 = (_reading(path, packing, encoding, "replace") for encoding in ("utf-8", "cp949"))
    if utf8.hangul > utf8.wrong:
        return "utf-8"
    if cp949.hangul > cp949.wrong:
        return "cp949"
    if utf8.wrong * 100 <= utf8.other:
        return "utf-8"
    raise KogptError(f"{path} is neither UTF-8 nor CP949 text. Save it as UTF-8.")


def _reading(path: Path, packing: str, encoding: str, errors: str) -> _Reading:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    hangul = other = wrong = 0
    with open_packed(path, packing) as file:
        while chunk := file.read(1 << 20):
            text = decoder.decode(chunk)
            if errors == "strict":
                continue
            found, bad = len(re.findall("[가-힣]", text)), text.count("\ufffd")
            hangul, other, wrong = hangul + found, other + len(text) - found - bad, wrong + bad
    decoder.decode(b"", final=True)
    return _Reading(hangul, other, wrong)
