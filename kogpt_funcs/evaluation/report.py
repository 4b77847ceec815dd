"""Figures as a text that people read: a mapping of mappings is a table, anything else a line."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

Figures = dict[str, Any]


def text_of(figures: Figures) -> str:
    """What `kogpt evaluate` prints of `figures`; the same that --json writes."""
    return "\n".join(line for key, value in figures.items() for line in _lines(key, value))


def beside(**columns: Figures) -> Figures:
    """A table with a row for each figure and a column for each of `columns`."""
    names = dict.fromkeys(name for figures in columns.values() for name in figures)
    return {name: {column: figures.get(name) for column, figures in columns.items()} for name in names}


def _lines(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value and all(isinstance(row, dict) for row in value.values()):
        yield from ("", _words(key))
        yield from _table(value)
    elif isinstance(value, list):
        yield from ("", _words(key), *(f"- {item}" for item in value))
    elif isinstance(value, dict):
        yield from ("", _words(key), *(f"{_words(name)}: {_shown(one)}" for name, one in value.items()))
    else:
        yield f"{_words(key)}: {_shown(value)}"


def _table(rows: dict[str, dict[str, Any]]) -> Iterator[str]:
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    cells = [["", *map(_words, columns)]]
    cells += [[_words(name), *(_shown(row.get(column)) for column in columns)] for name, row in rows.items()]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    for first, *others in cells:
        padded = [" " * (width - _width(cell)) + cell for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first + " " * (widths[0] - _width(first)), *padded]).rstrip()


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _words(key: str) -> str:
    return key.replace("_percent", " %").replace("_", " ")


def _width(text: str) -> int:
    """Columns in a terminal: Hangul takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
