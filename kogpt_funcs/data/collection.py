"""The file that comments are collected in, and a journal beside it, so that a stopped collection can go on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data.journal import Journal, write
from kogpt_funcs.data.lines import check_kind, line
from kogpt_funcs.data.youtube import Page


class Collection:
    """Comments in `out`, one a line: the text alone in .txt, with likes and date in .jsonl. None comes twice.

    A step of the journal `out`.partial is a page: the next page's token, the size of `out` and the comments' ids. `out`
    is cut back to that size on a resume, so that it holds whole pages only.
    """

    def __init__(self, out: Path, run: dict[str, Any]) -> None:
        check_kind(out)
        journal = out.with_name(f"{out.name}.partial")
        if out.exists() and not journal.exists():
            raise KogptError(f"{out} exists already. Delete it, or choose another --out.")
        self.out = out
        self.next, self.written, self.repeated, self.pages = "", 0, 0, 0
        self._seen: set[str] = set()
        self._size = 0
        self._journal = Journal(journal, run, self._resume_page, to_delete=f"it and {out}", durable=True)
        try:
            self._read_written()
            self._file: IO[bytes] = self.out.open("ab")
            self._file.truncate(self._size)
        except BaseException:
            self._journal.close()
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
        write(self._file, "".join(lines), self.out, durable=True)
        self._size += len("".join(lines).encode())
        ids = [comment.id for comment in page.comments]
        self._journal.append({"next": page.next, "size": self._size, "repeated": self.repeated, "ids": ids})
        self.next, self.pages = page.next, self.pages + 1

    @property
    def whole(self) -> bool:
        """True if the last page is in."""
        return bool(self.pages) and not self.next

    def finish(self) -> None:
        """The collection is whole: the journal goes."""
        self.close()
        self._journal.path.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()
        self._journal.close()
        if not self.pages:
            self.out.unlink(missing_ok=True)
            self._journal.path.unlink(missing_ok=True)

    def _resume_page(self, page: dict[str, Any]) -> None:
        self.next, self._size, self.repeated = str(page["next"]), int(page["size"]), int(page["repeated"])
        self._seen.update(page["ids"])
        self.pages += 1

    def _read_written(self) -> None:
        """The texts collected so far."""
        content = self.out.read_bytes() if self.out.exists() else b""
        if len(content) < self._size:
            raise KogptError(f"{self.out} is shorter than it was. Delete it and {self._journal.path} to begin anew.")
        try:
            for written in content[: self._size].decode().splitlines():
                self._seen.add(written if self.out.suffix == ".txt" else json.loads(written)["text"])
                self.written += 1
        except (ValueError, TypeError, KeyError):
            raise self._journal.damaged() from None
