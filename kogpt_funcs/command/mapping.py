"""A run of one function over the rows of a file: planned, done row by row, and resumed where it was stopped."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.command.exchange import Unreachable
from kogpt_funcs.command.language import say
from kogpt_funcs.contract.errors import Busy, CheckpointError, KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.reading import from_text
from kogpt_funcs.data import tables
from kogpt_funcs.data.journal import Entry, RowJournal
from kogpt_funcs.data.results import write_results
from kogpt_funcs.data.tables import Row, Table
from kogpt_funcs.surfaces import rows, running


@dataclass(frozen=True)
class Job:
    """Everything that a run over a file needs to know."""

    plan: rows.Plan
    rows: int  # those that are not blank
    out: Path
    base: str  # what answers


def plan(
    function: Function, file: Path, columns: dict[str, str], values: dict[str, str], out: Path | None, base: str
) -> Job:
    """The run over `file`; whatever can be wrong with the command is told here, before the first row."""
    for field in [*columns, *values]:
        if field not in function.fields:
            raise KogptError(f"{function.name} has no field {field!r}. Fields: {', '.join(function.fields)}.")
        if field in columns and field in values:
            raise click.UsageError(f"The field {field} has both a column and a value.")
    constants = {field: from_text(function.fields[field], value) for field, value in values.items()}
    function.parse({**function.examples[0], **constants})
    table, count = rows.surveyed(tables.open_table(file))
    planned = rows.plan(function, table, columns, constants)
    return Job(planned, count, _out(function, table, out), base)


def _out(function: Function, table: Table, out: Path | None) -> Path:
    kind = rows.kind_written(table)
    stem = table.path.name[: -len(f".{table.kind}{table.packing}")]
    out = out or table.path.with_name(f"{stem}.{function.name}.{kind}{table.packing}")
    if tables.kind_of(out) != (kind, table.packing):
        raise KogptError(f"{out} must end in .{kind}{table.packing}, since {table.path.name} is read.")
    if out.exists() and not _journal_path(out).exists():
        raise KogptError(f"{out} exists already. Delete it, or choose another --out.")
    return out


def _journal_path(out: Path) -> Path:
    return out.with_name(f"{out.name}.partial")


def run(job: Job) -> tuple[int, int]:
    """How many rows have an answer, and how many an error, earlier runs included."""
    place = _journal_path(job.out)
    journal = RowJournal(place, _identity(job))
    with contextlib.closing(journal):
        before = journal.done + journal.failed
        try:
            with contextlib.redirect_stdout(sys.stderr):  # what a library prints is no result
                _do_rows(job, journal)
        except BaseException:
            if done := journal.done + journal.failed:
                click.echo(
                    say(
                        f"{job.rows}행 가운데 {done}행을 하고 멈췄습니다. 같은 명령이 거기서부터 이어서 합니다.",
                        f"Stopped after {done} of {job.rows} rows. The same command goes on from there.",
                    ),
                    err=True,
                )
            else:
                place.unlink()
            raise
        written = replace(job.plan.table, kind=rows.kind_written(job.plan.table))
        write_results(job.out, written, list(job.plan.added.values()), rows.merged(job.plan, journal.entries()))
        place.unlink()
    click.echo(_summary(job, journal, before), err=True)
    return journal.done, journal.failed


def _summary(job: Job, journal: RowJournal, before: int) -> str:
    earlier = say(f" (앞서 한 {before}행까지)", f" ({before} of them by an earlier run)") if before else ""
    return say(
        f"{job.rows}행{earlier}: 답 {journal.done}, 오류 {journal.failed}. 쓴 곳: {job.out}",
        f"{job.rows} rows: {journal.done} done, {journal.failed} bad{earlier}. Written: {job.out}",
    )


def _identity(job: Job) -> dict[str, Any]:
    """What must be the same for a stopped run to be continued."""
    with job.plan.table.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "function": job.plan.function.name,
        "file": digest,
        "columns": job.plan.columns,
        "values": job.plan.constants,
        "base": job.base,
    }


def _do_rows(job: Job, journal: RowJournal) -> None:
    from tqdm import tqdm

    pause = 0.5 if sys.stderr.isatty() else 10  # seconds between two drawings: a log file needs few
    before = journal.done + journal.failed
    with tqdm(total=job.rows, initial=before, unit="row", mininterval=pause, file=sys.stderr) as bar:
        for row in tables.rows(job.plan.table):
            if row.blank or row.number <= journal.last_row:
                continue
            entry = _answer(job, row)
            journal.append(entry)
            if entry.error:
                bar.write(f"{say('행', 'row')} {row.number}: {entry.error}", file=sys.stderr)
            bar.update()


def _answer(job: Job, row: Row) -> Entry:
    """The entry of one row. What is no fault of the row ends the run: no checkpoint, memory or server."""
    if row.problem:
        return Entry(row.number, None, row.problem)
    output, error = running.one_of_many(job.plan.function, rows.given(job.plan, row))
    if output is not None:
        return Entry(row.number, output.model_dump(mode="json"), "")
    if isinstance(error, (Busy, CheckpointError, Unreachable)):
        raise error
    told = str(error) if isinstance(error, KogptError) else f"예상하지 못한 오류입니다: {type(error).__name__}: {error}"
    return Entry(row.number, None, told)
