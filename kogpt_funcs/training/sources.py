"""Data files as rows and examples: columns mapped by name, bad rows told by their number and skipped. It knows no
function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data import tables
from kogpt_funcs.data.tables import Row
from kogpt_funcs.models import Example, Special

_TOLD = 20  # bad rows of a file that are told one by one; the others are counted
_BAD = (KeyError, TypeError, ValueError, AttributeError, IndexError)  # what a renderer raises on a row it cannot use


@dataclass
class Source:
    """One data file. `columns` maps a name that a function wants to the file's own, e.g. {"text": "sent"}."""

    path: Path
    columns: dict[str, str] = field(default_factory=dict)
    paragraphs: bool = False  # of a .txt file: texts are set apart by blank lines, not one a line
    rows: int = 0
    bad: int = 0
    first_fault: str = ""
    _told: int = _TOLD

    def read(self, *, quiet: bool = False) -> Iterator[Row]:
        """The good rows; the others are told on stderr, unless `quiet` says that they were before."""
        self.rows = self.bad = 0
        self._told = 0 if quiet else _TOLD
        for row in self._rows():
            self.rows += 1
            missing = [name for name in self.columns.values() if name not in row.cells]
            if row.problem or missing:
                self.skip(row, row.problem or f"no column {missing[0]!r}.")
                continue
            yield row._replace(cells=row.cells | {wanted: row.cells[name] for wanted, name in self.columns.items()})
        if self.bad > self._told > 0:
            print(
                f"{self.path.name}: {self.bad - _TOLD:,} more bad rows, {self.bad:,} of {self.rows:,} in all, skipped.",
                file=sys.stderr,
            )

    def render(self, render: Callable[..., Any], row: Row, *options: Any) -> list[Example]:
        """The examples that `render(cells, *options)` makes of a row; none, and the row told, where it cannot use
        it.
        """
        try:
            found = list(render(row.cells, *options))
            for example in found:
                _check(example)
            return found
        except KeyError as error:
            if self._has_header:
                raise self._lacks(str(error.args[0]), list(row.cells), render) from None
            self.skip(row, f"no column {error}.")
        except _BAD as error:
            self.skip(row, f"{error}.")
        return []

    def skip(self, row: Row, why: str) -> None:
        self.bad += 1
        self.first_fault = self.first_fault or f"row {row.number}: {why}"
        if self.bad <= self._told:
            print(f"{self.path.name}, row {row.number}: {why} Skipped.", file=sys.stderr)

    def _lacks(self, column: str, found: list[str], render: Callable[..., Any]) -> KogptError:
        return KogptError(
            f"{self.path.name} has no column {column!r}. Columns found: {', '.join(found)}. If one of them is meant: "
            f"--column {column}=NAME. What is wanted: {' '.join((render.__doc__ or '').split())}"
        )

    @property
    def _has_header(self) -> bool:
        """Does every row have the same columns?"""
        return tables.kind_of(self.path)[0] != "jsonl"

    def _rows(self) -> Iterator[Row]:
        if self.paragraphs:
            return tables.read_paragraphs(self.path)
        table = tables.open_table(self.path)
        for wanted, name in self.columns.items():
            if name not in table.columns:
                raise KogptError(
                    f"{self.path.name} has no column {name!r} (--column {wanted}={name}). Columns found: "
                    f"{', '.join(table.columns)}."
                )
        return (row for row in tables.rows(table) if not row.blank)


def _check(example: Example) -> None:
    for text in (*(piece for piece in example.prompt if not isinstance(piece, Special)), example.target):
        if not isinstance(text, str):
            raise ValueError(f"a text is wanted, not {text!r:.40}")
    if not example.target.strip():
        raise ValueError("there is no text in it")
