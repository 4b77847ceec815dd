"""Writes texts as .txt or rows as .jsonl; a file appears under its name only when it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.files import written_whole

KINDS = (".txt", ".jsonl")


def check_kind(out: Path) -> None:
    """KogptError if `out` has no ending that can be written."""
    if out.suffix not in KINDS:
        raise KogptError(f"{out} must end in one of {', '.join(KINDS)}.")


def check_out(out: Path) -> None:
    """KogptError if `out` cannot be written, or is there already."""
    check_kind(out)
    if out.exists():
        raise KogptError(f"{out} exists already. Delete it, or choose another --out.")


def line(out: Path, row: dict[str, Any]) -> str:
    """`row` as a line of `out`: in .txt its one text, in .jsonl the row."""
    if out.suffix == ".jsonl":
        return json.dumps(row, ensure_ascii=False) + "\n"
    return str(next(iter(row.values()))) + "\n"


def write_lines(out: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Writes `rows` to `out`; how many there were."""
    count = 0
    with written_whole(out) as unfinished, unfinished.open("w", encoding="utf-8", errors="replace") as file:
        for row in rows:
            file.write(line(out, row))
            count += 1
    return count
