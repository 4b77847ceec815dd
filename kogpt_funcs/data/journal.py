"""What a run has done so far, as JSON lines beside its output, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kogpt_funcs.contract.errors import KogptError

_BLOCK = 65_536  # bytes, read from the end to find the last line break


class Journal:
    """One line that says which run this is, then one a step. One process writes it; a torn last line is dropped.

    `resume` gets each step of an earlier run that was the same; KogptError tells of one that differs, and of damage,
    where it says to delete `to_delete` (default: the journal).
    """

    def __init__(
        self,
        path: Path,
        run: dict[str, Any],
        resume: Callable[[Any], None],
        to_delete: str = "it",
        durable: bool = False,
    ) -> None:
        self.path = path
        self._to_delete, self._durable = to_delete, durable
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise KogptError(f"{path} cannot be written: {error.strerror}.") from None
        try:
            self._lock()
            self._resume(run, resume)
        except BaseException:
            self._file.close()
            raise

    def append(self, step: Any) -> None:
        write(self._file, json.dumps(step) + "\n", self.path, self._durable)

    def steps(self) -> Iterator[Any]:
        with self.path.open("rb") as file:
            next(file)
            yield from map(json.loads, file)

    def close(self) -> None:
        self._file.close()

    def damaged(self) -> KogptError:
        return KogptError(f"{self.path} is damaged. Delete {self._to_delete} to begin anew.")

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KogptError(f"Another run is writing {self.path}. Wait for it, or choose another --out.") from None

    def _resume(self, run: dict[str, Any], resume: Callable[[Any], None]) -> None:
        size = self._drop_torn_line()
        self._file.seek(0)
        first = self._file.readline()
        if len(first) == size:  # nothing is done yet
            self._file.truncate(0)
            self.append(run)
            return
        try:
            before = dict(json.loads(first))
            if not before:
                raise self.damaged()
            self._check_same(before, run)
            for line in self._file:
                resume(json.loads(line))
        except (ValueError, TypeError, KeyError):
            raise self.damaged() from None

    def _check_same(self, before: dict[str, Any], run: dict[str, Any]) -> None:
        differing = [key for key in {**before, **run} if before.get(key) != run.get(key)]
        if differing:
            said = ", ".join(f"{key} was {before.get(key)!r} and is now {run.get(key)!r}" for key in differing)
            raise KogptError(
                f"{self.path} holds an unfinished run that differs: {said}. "
                "Repeat that run, delete the file, or choose another --out."
            )

    def _drop_torn_line(self) -> int:
        """The size that is left."""
        end = self._file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _BLOCK)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            end = start + newline + 1 if newline >= 0 else start
            if newline >= 0:
                break
        return self._file.truncate(end)


def write(file: Any, text: str, path: Path, durable: bool = False) -> None:
    """Adds `text` to the open binary `file` at once; `durable`: it outlives the machine's going down."""
    try:
        file.write(text.encode())
        file.flush()
        if durable:
            os.fsync(file.fileno())
    except OSError as error:
        raise KogptError(f"{path} cannot be written: {error.strerror}. The same command goes on when it can.") from None


class Entry(NamedTuple):
    """The result of one row: the output's fields, or why there is none."""

    row: int
    output: dict[str, Any] | None
    error: str


class RowJournal:
    """The entries of a run over the rows of a file, in their order."""

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        self.done = self.failed = self.last_row = 0
        self._journal = Journal(path, run, lambda step: self._count(Entry(*step)))

    def append(self, entry: Entry) -> None:
        self._journal.append(entry)
        self._count(entry)

    def entries(self) -> Iterator[Entry]:
        return (Entry(*step) for step in self._journal.steps())

    def close(self) -> None:
        self._journal.close()

    def _count(self, entry: Entry) -> None:
        self.last_row = entry.row
        if entry.output is None:
            self.failed += 1
        else:
            self.done += 1
