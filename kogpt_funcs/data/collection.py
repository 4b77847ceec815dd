"""The file that comments are collected in, and beside it a journal, so that a stopped collection goes on where it was."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO, Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data.lines import KINDS, line
from kogpt_funcs.data.youtube import Page


class Collection:
    """Comments in `out`, one a line: the text alone in .txt, with likes and date in .jsonl. None comes twice.

    The journal `out`.partial has a line for the run and one a page: the next page's token, the size of `out` and the
    comments' ids. `out` is cut back to that size on a resume, so that it holds whole pages only.
    """

    def __init__(self, out: Path, run: dict[str, Any]) -> None:
        if out.suffix not in KINDS:
            raise KogptError(f"{out} must end in one of {', '.join(KINDS)}.")
        self.out, self.journal = out, out.with_name(f"{out.name}.partial")
        if out.exists() and not self.journal.exists():
            raise KogptError(f"{out} exists already. Delete it, or choose another --out.")
        self.next, self.written, self.repeated, self.pages = "", 0, 0, 0
        self._seen: set[str] = set()
        self._size = 0
        try:
            self._notes: IO[bytes] = self.journal.open("a+b")
        except OSError as error:
            raise KogptError(f"{self.journal} cannot be written: {error.strerror}.") from None
        try:
            self._open(run)
        except BaseException:
            self._notes.close()
            raise

    def add(self, page: Page, limit: int | None) -> None:
        """Writes the comments of `page` that are new, as long as there are fewer than `limit`."""
        lines = []
        for comment in page.comments:
            if limit is not None and self.written >= limit:
                break
            if comment.id in self._seen or comment.text in self._seen:
                self.repeated += 1
                continue
            self._seen |= {comment.id, comment.text}
            self.written += 1
            row = {"text": comment.text, "likes": comment.likes, "date": comment.date, "reply": comment.reply}
            lines.append(line(self.out, row))
        self._write(self._file, "".join(lines))
        self._size += len("".join(lines).encode())
        ids = [comment.id for comment in page.comments]
        self._note({"next": page.next, "size": self._size, "repeated": self.repeated, "ids": ids})
        self.next, self.pages = page.next, self.pages + 1

    @property
    def whole(self) -> bool:
        """True if the last page is in."""
        return bool(self.pages) and not self.next

    def finish(self) -> None:
        """The collection is whole: the journal goes."""
        self.close()
        self.journal.unlink()

    def close(self) -> None:
        self._file.close()
        self._notes.close()
        if not self.pages:
            self.out.unlink(missing_ok=True)
            self.journal.unlink(missing_ok=True)

    def _open(self, run: dict[str, Any]) -> None:
        try:
            fcntl.flock(self._notes, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KogptError(f"Another command is writing {self.out}. Wait for it, or choose another --out.") from None
        self._resume(run)
        self._file: IO[bytes] = self.out.open("ab")
        self._file.truncate(self._size)

    def _resume(self, run: dict[str, Any]) -> None:
        self._notes.seek(0)
        lines = self._notes.read().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            lines.pop()  # it was being written when the machine stopped
        self._notes.truncate(sum(map(len, lines)))
        if not lines:
            self._note(run)
            return
        try:
            before, *pages = (dict(json.loads(line)) for line in lines)
            if before != run:
                told = ", ".join(f"{key} {value}" for key, value in before.items())
                raise KogptError(f"{self.journal} belongs to another collection ({told}). Delete it, or choose another --out.")
            for page in pages:
                self.next, self._size, self.repeated = str(page["next"]), int(page["size"]), int(page["repeated"])
                self._seen.update(page["ids"])
            self.pages = len(pages)
            self._read_written()
        except (ValueError, TypeError, KeyError):
            raise KogptError(f"{self.journal} is damaged. Delete it and {self.out} to begin anew.") from None

    def _read_written(self) -> None:
        """The texts collected so far."""
        content = self.out.read_bytes() if self.out.exists() else b""
        if len(content) < self._size:
            raise KogptError(f"{self.out} is shorter than it was. Delete it and {self.journal} to begin anew.")
        for written in content[: self._size].decode().splitlines():
            self._seen.add(written if self.out.suffix == ".txt" else json.loads(written)["text"])
            self.written += 1

    def _note(self, entry: dict[str, Any]) -> None:
        self._write(self._notes, json.dumps(entry) + "\n")

    def _write(self, file: IO[bytes], text: str) -> None:
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        except OSError as error:
            raise KogptError(f"{self.out} cannot be written: {error.strerror}. The same command goes on when it can.") from None
