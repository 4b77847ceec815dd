"""`kogpt map NAME FILE --column text`: a function over the rows of a file, resumable, bad rows told by number."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.command.call import field_schemas, from_text
from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import Busy, CheckpointError, KogptError
from kogpt_funcs.contract.registry import Function
from kogpt_funcs.data import tables
from kogpt_funcs.data.journal import Entry, Journal
from kogpt_funcs.data.results import write_results
from kogpt_funcs.data.tables import Row, Table


@click.command("map")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--column", help="The column that the function's first required field reads.")
@click.option("--map", "mapped", multiple=True, metavar="FIELD=COLUMN", help="Another field and the column it reads.")
@click.option("--set", "constants", multiple=True, metavar="FIELD=VALUE", help="A field's value for every row.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write. [default: FILE with NAME in its name]")
def map_file(
    name: str, file: Path, column: str | None, mapped: tuple[str, ...], constants: tuple[str, ...], out: Path | None
) -> None:
    """Run the function NAME over the rows of FILE: .csv, .tsv, .jsonl, .txt (also .gz, .xz) or .xlsx.

    The output is FILE with the answer's fields and `error` as further columns; of .txt, whose column is `text`, a .csv.
    A run that was stopped goes on where it was when the same command is given again. Rows are numbered as an editor
    shows them: the header is row 1.
    """
    function = registry.get(name)
    columns, values = _pairs("--map", mapped), _pairs("--set", constants)
    if column is not None:
        columns = {_main_field(function): column, **columns}
    if not columns:
        raise click.UsageError("Say which column to read: --column COLUMN, or --map FIELD=COLUMN.")
    job = _job(function, file, columns, values, out)
    done, failed = _run(job)
    if failed and not done:
        raise click.exceptions.Exit(1)


@dataclass(frozen=True)
class Job:
    """Everything that a run over a file needs to know."""

    function: Function
    schemas: dict[str, dict[str, Any]]  # input field → its JSON schema
    table: Table
    rows: int  # those that are not blank
    columns: dict[str, str]  # input field → column
    constants: dict[str, Any]  # input field → value
    out: Path
    added: dict[str, str]  # output field, or "error" → new column


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not equals or not field:
            raise click.UsageError(f"{option} takes FIELD=…, not {text!r}.")
        pairs[field] = value
    return pairs


def _main_field(function: Function) -> str:
    required = [name for name, info in function.input.model_fields.items() if info.is_required()]
    return (required or list(function.input.model_fields))[0]


def _job(function: Function, file: Path, columns: dict[str, str], values: dict[str, str], out: Path | None) -> Job:
    schemas = field_schemas(function)
    for field in [*columns, *values]:
        if field not in schemas:
            raise KogptError(f"{function.name} has no field {field!r}. Fields: {', '.join(schemas)}.")
        if field in columns and field in values:
            raise click.UsageError(f"The field {field} has both a column and a value.")
    constants = {field: from_text(schemas[field], value) for field, value in values.items()}
    function.parse({**function.examples[0], **constants})  # a wrong constant is told before the first row
    table, rows = _surveyed(tables.open_table(file))
    tables.check_columns(table, columns.values())
    out = _out(function, table, out)
    return Job(function, schemas, table, rows, columns, constants, out, _added_columns(function, table.columns))


def _surveyed(table: Table) -> tuple[Table, int]:
    """`table` with every column (a JSONL row may bring new ones), and how many rows there are to do."""
    count, found = 0, dict.fromkeys(table.columns)
    for row in tables.rows(table):
        count += not row.blank
        found.update(dict.fromkeys(row.cells))
    return replace(table, columns=tuple(found)), count


def _added_columns(function: Function, taken: tuple[str, ...]) -> dict[str, str]:
    """Each output field's new column: the field's name, or NAME.field where the file has such a column already."""
    added: dict[str, str] = {}
    for field in [*function.output.model_fields, "error"]:
        column = field
        while column in taken or column in added.values():
            column = f"{function.name}.{column}"
        added[field] = column
    return added


def _out(function: Function, table: Table, out: Path | None) -> Path:
    kind = _kind_written(table)
    stem = table.path.name[: -len(f".{table.kind}{table.packing}")]
    out = out or table.path.with_name(f"{stem}.{function.name}.{kind}{table.packing}")
    if tables.kind_of(out) != (kind, table.packing):
        raise KogptError(f"{out} must end in .{kind}{table.packing}, since {table.path.name} is read.")
    if out.exists() and not _journal_path(out).exists():
        raise KogptError(f"{out} exists already. Delete it, or choose another --out.")
    return out


def _kind_written(table: Table) -> str:
    return "csv" if table.kind == "txt" else table.kind


def _journal_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.partial")


def _run(job: Job) -> tuple[int, int]:
    """How many rows have an answer, and how many an error, earlier runs included."""
    journal = Journal(_journal_path(job.out), _identity(job))
    with contextlib.closing(journal):
        before = journal.done + journal.failed
        try:
            _do_rows(job, journal)
        except BaseException:
            if done := journal.done + journal.failed:
                click.echo(f"Stopped after {done} of {job.rows} rows. The same command goes on from there.", err=True)
            else:
                journal.path.unlink()
            raise
        written = replace(job.table, kind=_kind_written(job.table))
        write_results(job.out, written, list(job.added.values()), _merged(job, journal))
        journal.path.unlink()
    earlier = f" ({before} of them by an earlier run)" if before else ""
    click.echo(f"{job.rows} rows: {journal.done} done, {journal.failed} bad{earlier}. Written: {job.out}", err=True)
    return journal.done, journal.failed


def _identity(job: Job) -> dict[str, Any]:
    """What must be the same for a stopped run to be gone on with."""
    with job.table.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "function": job.function.name, "file": digest, "columns": job.columns, "values": job.constants,
        "base": settings.current().base,
    }  # fmt: skip


def _do_rows(job: Job, journal: Journal) -> None:
    from tqdm import tqdm

    pause = 0.5 if sys.stderr.isatty() else 10  # seconds between two drawings: a log file needs few
    before = journal.done + journal.failed
    with tqdm(total=job.rows, initial=before, unit="row", mininterval=pause, file=sys.stderr) as bar:
        for row in tables.rows(job.table):
            if row.blank or row.number <= journal.last_row:
                continue
            entry = _answer(job, row)
            journal.append(entry)
            if entry.error:
                bar.write(f"row {row.number}: {entry.error}", file=sys.stderr)
            bar.update()


def _answer(job: Job, row: Row) -> Entry:
    """The entry of one row. What is no fault of the row ends the run: a checkpoint or memory that is wanting."""
    if row.problem:
        return Entry(row.number, None, row.problem)
    try:
        request = job.function.parse(_input(job, row))
        with contextlib.redirect_stdout(sys.stderr):
            return Entry(row.number, job.function.call(request).model_dump(mode="json"), "")
    except (Busy, CheckpointError):
        raise
    except KogptError as error:
        return Entry(row.number, None, str(error))
    except Exception as error:
        return Entry(row.number, None, f"예상하지 못한 오류입니다: {type(error).__name__}: {error}")


def _input(job: Job, row: Row) -> dict[str, Any]:
    """The function's input from a row. An empty cell leaves a field that is not required to its default."""
    values = dict(job.constants)
    for field, column in job.columns.items():
        value = row.cells.get(column)
        if value in ("", None) and "default" in job.schemas[field]:
            continue
        if value is not None or column in row.cells:
            values[field] = value if job.table.kind == "jsonl" else _from_cell(job.schemas[field], value)
    return values


def _from_cell(schema: dict[str, Any], value: Any) -> Any:
    """Sheets turn digits into numbers, numbers into fractions and dates into dates: back to what the field takes."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (datetime.date, datetime.time)):
        value = value.isoformat()
    if schema.get("type") in ("integer", "number", "boolean") and not isinstance(value, str):
        return value
    return from_text(schema, "" if value is None else str(value))


def _merged(job: Job, journal: Journal) -> Iterator[dict[str, Any]]:
    """The rows as they were, each with its answer."""
    entries = journal.entries()
    for row in tables.rows(job.table):
        entry = Entry(row.number, None, "") if row.blank else next(entries)
        if entry.row != row.number:
            raise KogptError(f"{journal.path} does not fit {job.table.path}. Delete it to begin anew.")
        answer = {job.added[field]: (entry.output or {}).get(field) for field in job.function.output.model_fields}
        yield {**row.cells, **answer, job.added["error"]: entry.error or None}
