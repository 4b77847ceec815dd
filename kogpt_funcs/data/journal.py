"""What a run over a file has done so far, as JSON lines beside the output, so that a killed run goes on where it was."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kogpt_funcs.contract.errors import KogptError


class Entry(NamedTuple):
    """The result of one row: the output's fields, or why there is none."""

    row: int
    output: dict[str, Any] | None
    error: str


class Journal:
    """Entries in the order of the rows. The first line says which run they belong to; a torn last line is dropped."""

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        self.path = path
        self.done = self.failed = self.last_row = 0
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise KogptError(f"{path} cannot be written: {error.strerror}.") from None
        try:
            self._lock()
            self._resume(run)
        except BaseException:
            self._file.close()
            raise

    def append(self, entry: Entry) -> None:
        self._write(entry)
        self._count(entry)

    def entries(self) -> Iterator[Entry]:
        with self.path.open("rb") as file:
            next(file)
            yield from (Entry(*json.loads(line)) for line in file)

    def close(self) -> None:
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KogptError(f"Another run is writing {self.path}. Wait for it, or choose another --out.") from None

    def _resume(self, run: dict[str, Any]) -> None:
        size = self._drop_torn_line()
        self._file.seek(0)
        first = self._file.readline()
        if len(first) == size:  # nothing is done yet
            self._file.truncate(0)
            self._write(run)
            return
        try:
            before = dict(json.loads(first))
            for line in self._file:
                self._count(Entry(*json.loads(line)))
        except (ValueError, TypeError):
            raise KogptError(f"{self.path} is damaged. Delete it to begin anew.") from None
        if differing := [key for key in {**before, **run} if before.get(key) != run.get(key)]:
            raise KogptError(self._refusal(differing, before, run))

    def _refusal(self, differing: list[str], before: dict[str, Any], run: dict[str, Any]) -> str:
        said = ", ".join(f"{key} was {before.get(key)!r} and is now {run.get(key)!r}" for key in differing)
        return f"{self.path} holds an unfinished run that differs: {said}. Repeat that run, delete the file, or choose another --out."

    def _drop_torn_line(self) -> int:
        """The size that is left."""
        end = self._file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - 65_536)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            end = start + newline + 1 if newline >= 0 else start
            if newline >= 0:
                break
        return self._file.truncate(end)

    def _count(self, entry: Entry) -> None:
        self.last_row = entry.row
        if entry.output is None:
            self.failed += 1
        else:
            self.done += 1

    def _write(self, value: Any) -> None:
        try:
            self._file.write(json.dumps(value).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise KogptError(f"{self.path} cannot be written: {error.strerror}.") from None
