"""Writes a table again with columns added: CSV, TSV, JSONL or XLSX. It knows no function."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.files import written_whole
from kogpt_funcs.data.encodings import open_packed
from kogpt_funcs.data.records import DELIMITERS
from kogpt_funcs.data.tables import Table

Record = dict[str, Any]


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_NUMBER = re.compile(r"[-+]?[\d,.]+%?$")


def write_results(
    path: Path, table: Table, added: list[str], records: Iterable[Record], harmless: bool = False
) -> None:
    """`records` (column → value) as a table like `table`; `path` appears only when it is whole.

    What a spreadsheet would run as a formula is made a text in the added columns, and, if `harmless`, in all: a file
    that a stranger made stays a stranger's.
    """
    with written_whole(path) as unfinished:
        if table.kind in DELIMITERS:
            _write_csv(unfinished, table, added, records, _given_harmless if harmless else lambda value: value)
        else:
            {"jsonl": _write_jsonl, "xlsx": _write_xlsx}[table.kind](unfinished, table, added, records)


@contextlib.contextmanager
def _text(path: Path, table: Table, encoding: str) -> Iterator[io.TextIOWrapper]:
    raw = open_packed(path, table.packing, "wb")
    with raw, io.TextIOWrapper(raw, encoding, errors="replace", newline="") as file:
        yield file


def _write_jsonl(path: Path, table: Table, added: list[str], records: Iterable[Record]) -> None:
    with _text(path, table, "utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _write_csv(
    path: Path, table: Table, added: list[str], records: Iterable[Record], guarded: Callable[[Any], Any]
) -> None:
    """CP949 and UTF-16 become UTF-8 with a mark, which Excel reads too and which holds every character."""
    encoding = table.encoding if table.encoding == "utf-8" else "utf-8-sig"
    with _text(path, table, encoding) as file:
        writer = csv.writer(file, delimiter=DELIMITERS[table.kind], lineterminator="\n")
        writer.writerow([guarded(column) for column in [*table.columns, *added]])
        for record in records:
            given = [guarded(record.get(column, "")) for column in table.columns]
            writer.writerow([*given, *(_harmless(_cell(record.get(column))) for column in added)])


def _write_xlsx(path: Path, table: Table, added: list[str], records: Iterable[Record]) -> None:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet()

    def cell(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        readable = ILLEGAL_CHARACTERS_RE.sub("", value).encode("utf-8", "replace").decode()
        made = WriteOnlyCell(sheet, readable)
        made.data_type = "s"  # a text, even where it looks like a formula
        return made

    sheet.append([cell(column) for column in [*table.columns, *added]])
    for record in records:
        given = [record.get(column) for column in table.columns]
        sheet.append([cell(value) for value in [*given, *(_cell(record.get(column)) for column in added)]])
    book.save(path)


def _cell(value: Any) -> Any:
    """A value as one cell: lists and objects as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else value


def _harmless(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _given_harmless(value: Any) -> Any:
    """The same for a cell that was there before; a number keeps its sign."""
    return value if isinstance(value, str) and _NUMBER.match(value) else _harmless(value)
