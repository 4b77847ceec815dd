"""A function over the rows of a file that a visitor sent: small enough, several rows at a time, stopped at will.

It knows no page. Rows that find the queue full wait for their turn.
"""

from __future__ import annotations

import threading
import zipfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from kogpt_funcs.contract.errors import Busy, CheckpointError, KogptError
from kogpt_funcs.data import tables
from kogpt_funcs.data.journal import Entry
from kogpt_funcs.data.results import write_results
from kogpt_funcs.data.tables import Row, Table
from kogpt_funcs.surfaces import faults, rows, running

MOST_BYTES = 5_000_000
MOST_ROWS = 2_000
MOST_COLUMNS = 200
ENDINGS = tuple(f".{kind}" for kind in tables.KINDS)
_MOST_UNPACKED = 100_000_000  # bytes; a sheet is a zip, and a small zip can hold gigabytes
_AT_ONCE = 4


def opened(path: Path) -> tuple[Table, int]:
    """The table in `path` with all its columns, and its number of rows; KogptError in both languages if not."""
    size = path.stat().st_size
    if path.suffix.lower() not in ENDINGS:
        endings = " ".join(ENDINGS)
        raise KogptError(
            f"{path.name}은(는) 읽을 수 없는 파일입니다. {endings} 가운데 하나로 올려 주세요.",
            f"{path.name} cannot be read. Send one of {endings}.",
        )
    if size > MOST_BYTES or (path.suffix.lower() == ".xlsx" and _unpacked(path) > _MOST_UNPACKED):
        raise KogptError(
            f"파일이 너무 큽니다. {MOST_BYTES // 1_000_000} MB까지 받습니다. 파일을 나누거나 kogpt map 명령을 쓰세요.",
            f"This file is too large: {MOST_BYTES // 1_000_000} MB is the limit. Split it, or use kogpt map.",
        )
    try:
        table, count = rows.surveyed(tables.open_table(path))
    except KogptError as error:
        said = str(error).replace(str(path), path.name)
        raise KogptError(f"파일을 표로 읽을 수 없습니다. ({said})", said) from None
    _check_count(count, MOST_ROWS, "행", "rows")
    _check_count(len(table.columns), MOST_COLUMNS, "열", "columns")
    if not count:
        raise KogptError(f"{path.name}에 읽을 행이 없습니다.", f"{path.name} has no rows to read.")
    return table, count


class Answered(NamedTuple):
    """A row's entry, and its error in English."""

    entry: Entry
    english: str = ""


def answers(plan: rows.Plan, stop: threading.Event) -> Iterator[Answered]:
    """One answer for each row in their order, until the end or `stop`. Closing this sets `stop`.

    Raises CheckpointError: without its weights no row has an answer.
    """
    waiting: deque[Future[Answered | None]] = deque()
    with ThreadPoolExecutor(_AT_ONCE, "kogpt-rows") as pool:
        try:
            for row in tables.rows(plan.table):
                if stop.is_set():
                    break
                if not row.blank:
                    waiting.append(pool.submit(_answer, plan, row, stop))
                if len(waiting) >= _AT_ONCE:
                    if (answer := waiting.popleft().result()) is None:
                        return  # a later row may be done; the answers have no gaps
                    yield answer
            while waiting and (answer := waiting.popleft().result()) is not None:
                yield answer
        finally:
            stop.set()


def write(plan: rows.Plan, done: Sequence[Entry], folder: Path) -> Path:
    """The table again with the answers, in `folder`; what a spreadsheet would run as a formula is text."""
    kind = rows.kind_written(plan.table)
    path = folder / f"{plan.table.path.stem}.{plan.function.name}.{kind}"
    table = replace(plan.table, kind=kind, encoding="utf-8-sig")  # the mark tells Excel that it is UTF-8
    write_results(path, table, list(plan.added.values()), rows.merged(plan, done), harmless=True)
    return path


def _answer(plan: rows.Plan, row: Row, stop: threading.Event) -> Answered | None:
    """The row's answer; None if it was stopped before its end."""
    while not stop.is_set():
        if row.problem:
            return Answered(Entry(row.number, None, row.problem), row.problem)
        try:
            entry = _entry(plan, row, stop)
            return Answered(entry) if entry else None
        except Busy as busy:
            stop.wait(busy.retry_after)
        except CheckpointError:
            raise
        except Exception as error:
            fault = faults.known(error)
            return Answered(Entry(row.number, None, fault.message), fault.english)
    return None


def _entry(plan: rows.Plan, row: Row, stop: threading.Event) -> Entry | None:
    entry = None
    with closing(running.streamed(plan.function, rows.given(plan, row))) as outputs:
        for output in outputs:
            if stop.is_set():
                return None
            entry = Entry(row.number, output.model_dump(mode="json"), "")
    return entry


def _unpacked(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as packed:
            return sum(part.file_size for part in packed.infolist())
    except zipfile.BadZipFile:
        return 0  # it is told when it is read


def _check_count(count: int, most: int, korean: str, english: str) -> None:
    if count > most:
        raise KogptError(
            f"{korean}이 {count:,}개입니다. {most:,}개까지 받습니다. 파일을 나누거나 kogpt map 명령을 쓰세요.",
            f"There are {count:,} {english}; {most:,} is the limit. Split the file, or use the kogpt map command.",
        )
