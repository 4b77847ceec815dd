"""What a file that was sent looks like: its first rows, and which column is likely meant for what."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import islice
from typing import Any

from kogpt_funcs.contract.function import Function
from kogpt_funcs.data import tables
from kogpt_funcs.data.dates import as_date
from kogpt_funcs.data.tables import Row, Table
from kogpt_funcs.surfaces.page.translations import WORDS

_SAMPLE = 20  # rows looked at
_SHOWN_ROWS, _SHOWN_COLUMNS, _SHOWN_CHARACTERS = 3, 8, 60
_MOSTLY = 0.8  # of the sample must be dates for a column of dates


def sample(table: Table) -> list[Row]:
    return list(islice((row for row in tables.rows(table) if not row.blank), _SAMPLE))


def likely(function: Function, field: str, table: Table, rows: Sequence[Row]) -> str:
    """The column for an input field: the one that bears its name; for the main field else the one with the longest
    texts that are no dates; else none.
    """
    english = function.english.input[field].title
    names = {name.casefold() for name in (field, function.fields[field].title, english)}
    named = next((column for column in table.columns if column.strip().casefold() in names), "")
    if named or field != function.main_field or not table.columns:
        return named
    return max(table.columns, key=lambda column: sum(len(_text(row, column)) for row in rows))


def dates(table: Table, rows: Sequence[Row]) -> str:
    """The first column that mostly holds dates, or none."""
    for column in table.columns:
        found = sum(as_date(row.cells.get(column)) is not None for row in rows)
        if rows and found >= _MOSTLY * len(rows):
            return column
    return ""


def preview(table: Table, rows: Sequence[Row]) -> str:
    """The first rows as an HTML table."""
    columns = table.columns[:_SHOWN_COLUMNS]
    head = "".join(f'<th scope="col">{_cell(column)}</th>' for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(row.cells.get(column))}</td>' for column in columns)}</tr>"
        for row in rows[:_SHOWN_ROWS]
    )
    return scrolled("file", f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def scrolled(key: str, table: str) -> str:
    """A table that may be wider than the screen: it can be reached and scrolled by the keyboard too."""
    named = " / ".join(WORDS[key])
    return f'<div class="kogpt-months" tabindex="0" role="region" aria-label="{named}">{table}</div>'


def _text(row: Row, column: str) -> str:
    value = row.cells.get(column)
    return value if isinstance(value, str) and as_date(value) is None else ""


def _cell(value: Any) -> str:
    text = "" if value is None else str(value).encode("utf-8", "replace").decode()
    return escape(text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…")
