"""A function over the rows of a table: which column gives which field, and the table again with the answers.

The command and the page run files through this; each has its own way to stop, go on and tell how far it is.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.reading import from_text
from kogpt_funcs.contract.shape import Shape
from kogpt_funcs.data import tables
from kogpt_funcs.data.journal import Entry
from kogpt_funcs.data.tables import Row, Table


@dataclass(frozen=True)
class Plan:
    """What each row is asked, and under which columns its answer goes."""

    function: Function
    table: Table  # with every column
    columns: dict[str, str]  # input field → column
    constants: dict[str, Any]  # input field → value
    added: dict[str, str]  # output field, or "error" → new column


def surveyed(table: Table) -> tuple[Table, int]:
    """`table` with every column (a JSONL row may bring new ones), and how many rows there are to do."""
    count, columns = 0, dict.fromkeys(table.columns)
    for row in tables.rows(table):
        count += not row.blank
        columns.update(dict.fromkeys(row.cells))
    return replace(table, columns=tuple(columns)), count


def plan(function: Function, table: Table, columns: dict[str, str], constants: dict[str, Any]) -> Plan:
    """The plan for a surveyed `table`; KogptError if it lacks one of `columns`."""
    tables.check_columns(table, columns.values())
    return Plan(function, table, columns, constants, _added_columns(function, table.columns))


def given(plan: Plan, row: Row) -> dict[str, Any]:
    """The function's input from a row. An empty cell leaves a field that is not required to its default."""
    values = dict(plan.constants)
    for field, column in plan.columns.items():
        value, shape = row.cells.get(column), plan.function.fields[field]
        if value in ("", None) and not shape.required:
            continue
        if value is not None or column in row.cells:
            values[field] = value if plan.table.kind == "jsonl" else _from_cell(shape, value)
    return values


def kind_written(table: Table) -> str:
    """The kind of file that the answers go into: lines of text become a table."""
    return "csv" if table.kind == "txt" else table.kind


def merged(plan: Plan, entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    """The rows as they were, each with its answer: one of `entries` for each that is not blank, in their order.

    KogptError where an entry belongs to another row.
    """
    waiting = iter(entries)
    for row in tables.rows(plan.table):
        entry = Entry(row.number, None, "") if row.blank else next(waiting, Entry(row.number, None, ""))
        if entry.row != row.number:
            raise KogptError(f"The answers do not fit {plan.table.path}: row {row.number} has that of {entry.row}.")
        answer = {plan.added[field]: (entry.output or {}).get(field) for field in plan.function.answers}
        yield {**row.cells, **answer, plan.added["error"]: entry.error or None}


def _added_columns(function: Function, taken: tuple[str, ...]) -> dict[str, str]:
    """Each output field's new column: the field's name, or NAME.field where the file has such a column already."""
    added: dict[str, str] = {}
    for field in [*function.answers, "error"]:
        column = field
        while column in taken or column in added.values():
            column = f"{function.name}.{column}"
        added[field] = column
    return added


def _from_cell(shape: Shape, value: Any) -> Any:
    """Sheets turn digits into numbers, numbers into fractions and dates into dates: back to what the field takes."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (datetime.date, datetime.time)):
        value = value.isoformat()
    if (shape.number or shape.kind is bool) and not isinstance(value, str):
        return value
    return from_text(shape, "" if value is None else str(value))
