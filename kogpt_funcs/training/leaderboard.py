"""The runs of a folder side by side: what was trained on what, the losses of each evaluation, and the best of them."""

from __future__ import annotations

import csv
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training import record, seals

COLUMNS = (
    "run",
    "model",
    "base",
    "data",
    "strategy",
    "epochs",
    "train_loss",
    "validation_loss",
    "best",
    "date",
    "remark",
)
ORDERS = ("best", "date", "run")
_WIDEST = 34  # characters of a cell in the terminal


@dataclass(frozen=True)
class Entry:
    """One run. `fault` says why a folder's run cannot be read; then the other fields are empty."""

    run: str
    record: record.Record | None = None
    curve: list[dict[str, Any]] = field(default_factory=list)
    fault: str = ""

    @property
    def best(self) -> float:
        """The lowest held-out loss in nats a token, infinite if there is none. It compares runs on the same data and
        tokenizer.
        """
        return min((loss for _, loss in points(self, "validation_loss")), default=math.inf)

    @property
    def task(self) -> tuple[str, ...]:
        """What must be the same for losses to be comparable: the function and the data."""
        return (self.record.name, *(str(file["file"]) for file in self.record.data)) if self.record else ()

    def cells(self, *, every: bool = True) -> dict[str, str]:
        """COLUMNS as text; the losses of `every` evaluation, or of the first and the last."""
        if self.record is None:
            return dict.fromkeys(COLUMNS, "") | {"run": self.run, "remark": f"broken: {self.fault}"}
        about = self.record
        losses = {name: _losses(self, name, every) for name in ("train_loss", "validation_loss")}
        return losses | {
            "run": self.run,
            "model": about.name if about.name == about.kind else f"{about.name} ({about.kind})",
            "base": about.base or "from scratch",
            "data": " ".join(str(file["file"]) for file in about.data),
            "strategy": about.strategy or "",
            "epochs": f"{self.curve[-1]['epoch']:.2f}" if self.curve and "epoch" in self.curve[-1] else "",
            "best": "" if math.isinf(self.best) else f"{self.best:.4f}",
            "date": about.started[:16].replace("T", " "),
            "remark": about.remark,
        }


def entries(folder: Path, order: str = "best") -> list[Entry]:
    """The runs in `folder`, sorted by "best" (lowest held-out loss first), "date" (latest first) or "run"; broken
    ones last.
    """
    if not folder.is_dir():
        raise KogptError(f"No folder {folder}. Runs are kept there by kogpt train; give another one with --folder.")
    found = [_entry(path) for path in sorted(folder.iterdir()) if path.is_dir() and _is_run(path)]
    if order == "date":
        found.sort(key=lambda entry: entry.record.started if entry.record else "", reverse=True)
    if order == "best":
        found.sort(key=lambda entry: entry.best)
    return sorted(found, key=lambda entry: bool(entry.fault))


def points(entry: Entry, name: str) -> list[tuple[float, float]]:
    """(step, loss) of each evaluation that has a finite loss called `name`."""
    found = [(line.get("step"), line.get(name)) for line in entry.curve]
    return [
        (s, loss)
        for s, loss in found
        if isinstance(s, (int, float)) and isinstance(loss, (int, float)) and math.isfinite(loss)
    ]


def table(found: Sequence[Entry]) -> str:
    """The entries as lines for a terminal."""
    rows = [dict(zip(COLUMNS, COLUMNS, strict=True)), *(_short(entry) for entry in found)]
    widths = {column: max(_width(row[column]) for row in rows) for column in COLUMNS}
    return "\n".join("  ".join(_padded(row[column], widths[column]) for column in COLUMNS).rstrip() for row in rows)


def write_csv(found: Sequence[Entry], path: Path) -> None:
    """The entries as UTF-8 CSV that spreadsheets read; losses are those of every evaluation."""
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(entry.cells() for entry in found)
    except OSError as error:
        raise KogptError(f"{path} cannot be written: {error.strerror}.") from None


def _is_run(path: Path) -> bool:
    return (path / record.RUN).exists() or (path / record.CURVE).exists() or bool(seals.checkpoints(path))


def _entry(path: Path) -> Entry:
    try:
        about, curve = record.read(path), record.curve(path)
        if not all(isinstance(line, dict) for line in curve):
            raise KogptError(f"{path / record.CURVE} is damaged.")
        entry = Entry(path.name, about, curve)
        entry.cells()  # of fields that have another type than they should
        return entry
    except KogptError as error:
        return Entry(path.name, fault=str(error))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        return Entry(path.name, fault=f"{path / record.RUN} is not as kogpt train writes it ({type(error).__name__}).")


def _losses(entry: Entry, name: str, every: bool) -> str:
    losses = [f"{loss:.3f}" for _, loss in points(entry, name)]
    return " ".join(losses) if every or len(losses) < 2 else f"{losses[0]}→{losses[-1]}"


def _short(entry: Entry) -> dict[str, str]:
    """The cells for a terminal; why a run is broken is told whole."""
    cells = entry.cells(every=False)
    kept = {"remark"} if entry.fault else set()
    return {
        name: text if len(text) <= _WIDEST or name in kept else text[: _WIDEST - 1] + "…"
        for name, text in cells.items()
    }


def _width(text: str) -> int:
    """Columns on a terminal, where a Hangul syllable takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
