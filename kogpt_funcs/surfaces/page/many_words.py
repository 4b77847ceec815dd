"""What is said while a file is worked on: its limits, how far it is, which rows are bad, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kogpt_funcs.data.journal import Entry
from kogpt_funcs.surfaces import faults, uploads
from kogpt_funcs.surfaces.page.translations import WORDS, both

_BAD_SHOWN = 5


def limits() -> str:
    size, endings = uploads.MOST_BYTES // 1_000_000, " ".join(uploads.ENDINGS)
    said = _said("many_about", size, f"{uploads.MOST_ROWS:,}", endings)
    return f'<p data-most-bytes="{uploads.MOST_BYTES}">{said}</p>'


def refused(error: Exception) -> str:
    """What is wrong, as the alert that the page's forms show."""
    fault = faults.known(error)
    return f'<p role="alert">{both((fault.message, fault.english))}</p>'


def progress(
    done: Sequence[Entry],
    count: int,
    english: Mapping[int, str] | None = None,
    seconds: float = 0,
    stopped: bool = False,
) -> str:
    """A bar, how many rows are done and bad, about how long it still takes after `seconds`, and the first bad rows.

    `english` has the errors in English, by row.
    """
    number, bad = len(done), [entry for entry in done if entry.error]
    parts = [_said("rows_done", f"{number:,}", f"{count:,}")]
    if bad:
        parts.append(_said("rows_bad", f"{len(bad):,}"))
    if seconds and 0 < number < count:
        parts.append(_left(seconds / number * (count - number)))
    if stopped:
        parts.append(both(WORDS["rows_stopped"]))
    listed = "".join(f"<li>{_bad(entry, (english or {}).get(entry.row, ''))}</li>" for entry in bad[:_BAD_SHOWN])
    named = " / ".join(WORDS["progress"])
    value = (
        f'role="progressbar" aria-valuemin="0" aria-valuemax="{count}" aria-valuenow="{number}" aria-label="{named}"'
    )
    return f'<div class="kogpt-bar" {value} style="--share:{number / count:.4f}"></div><p>{" · ".join(parts)}</p>' + (
        f"<ul>{listed}</ul>" if listed else ""
    )


def _bad(entry: Entry, english: str) -> str:
    korean, other = WORDS["row_bad"]
    return both((korean.format(entry.row, entry.error), other.format(entry.row, english or entry.error)))


def _left(seconds: float) -> str:
    minutes = round(seconds / 60)
    return _said("minutes_left", minutes) if minutes else both(WORDS["soon_done"])


def _said(key: str, *values: object) -> str:
    korean, english = WORDS[key]
    return both((korean.format(*values), english.format(*values)))
