"""The leaderboard as one HTML file that needs no other: a table to sort, and the curves of runs on the same data."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from pathlib import Path

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.training.leaderboard import COLUMNS, Entry, points

_COLOURS = (
    "#4f46e5",
    "#db2777",
    "#059669",
    "#d97706",
    "#0284c7",
    "#7c3aed",
    "#65a30d",
    "#dc2626",
    "#475569",
    "#a16207",
)
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Training runs</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1e293b }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse }}
th, td {{ padding: .3rem .6rem; text-align: left; border-bottom: 1px solid #cbd5e1;
  vertical-align: top; white-space: nowrap }}
td:last-child {{ white-space: normal; min-width: 12rem }}
th button {{ all: unset; cursor: pointer; font-weight: 600 }}
th button:focus-visible {{ outline: 2px solid #4f46e5 }}
.broken {{ color: #b91c1c }}
.key {{ display: inline-block; width: 1.2rem; height: .6rem; margin-right: .4rem; border-radius: .2rem }}
figure {{ margin: 2rem 0 }}
svg {{ max-width: 100%; height: auto }}
</style>
<h1>Training runs</h1>
<p>Losses in nats a token. <em>best</em> is the lowest on held-out rows; it compares runs on the same
data and tokenizer.</p>
<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>
{figures}
<script>
document.querySelectorAll("th button").forEach((button, column) => button.onclick = () => {{
  const body = document.querySelector("tbody"), text = row => row.cells[column].textContent;
  const number = row => text(row) === "" ? Infinity : Number(text(row));
  const sign = button.dataset.sign = button.dataset.sign === "1" ? -1 : 1;
  const order = (a, b) => Number.isNaN(number(a) - number(b)) ? text(a).localeCompare(text(b)) : number(a) - number(b);
  body.append(...[...body.rows].sort((a, b) => sign * order(a, b)));
}});
</script>
</html>
"""


def write_page(found: Sequence[Entry], path: Path) -> None:
    """Writes the page of `found` to `path`."""
    head = "".join(f"<th><button>{column}</button></th>" for column in COLUMNS)
    page = _PAGE.format(head=head, body="".join(map(_row, found)), figures="".join(_figures(found)))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise KogptError(f"{path} cannot be written: {error.strerror}.") from None


def _row(entry: Entry) -> str:
    shown = entry.cells(every=False)  # the curves show the others
    cells = "".join(f"<td>{html.escape(shown[column])}</td>" for column in COLUMNS)
    return f'<tr class="broken">{cells}</tr>' if entry.fault else f"<tr>{cells}</tr>"


def _figures(found: Sequence[Entry]) -> list[str]:
    """A figure for each task that any run has losses of."""
    tasks: dict[tuple[str, ...], list[Entry]] = {}
    for entry in found:
        if points(entry, "validation_loss") or points(entry, "train_loss"):
            tasks.setdefault(entry.task, []).append(entry)
    return [_figure(task, entries) for task, entries in sorted(tasks.items())]


def _figure(task: tuple[str, ...], entries: list[Entry]) -> str:
    colours = [_COLOURS[i % len(_COLOURS)] for i in range(len(entries))]
    keys = "".join(
        f'<div><span class="key" style="background: {colour}"></span>{html.escape(_label(entry))}</div>'
        for entry, colour in zip(entries, colours, strict=True)
    )
    title = html.escape(f"{task[0]}: {', '.join(task[1:])}")
    return f"<figure><h2>{title}</h2>{_svg(entries, colours)}<figcaption>{keys}</figcaption></figure>\n"


def _label(entry: Entry) -> str:
    strategy = entry.record.strategy if entry.record else None
    return f"{entry.run} ({strategy})" if strategy else entry.run


def _svg(entries: list[Entry], colours: list[str]) -> str:
    """Curves of held-out (solid) and training loss (dashed) over steps; their names stand beside it, in HTML."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise KogptError("The page's curves need matplotlib: pip install matplotlib") from None
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.subplots()
    for entry, colour in zip(entries, colours, strict=True):
        for name, style in (("validation_loss", "-"), ("train_loss", "--")):
            if line := points(entry, name):
                axes.plot(
                    *zip(*line, strict=True),
                    style,
                    color=colour,
                    marker="." if len(line) < 30 else None,
                    alpha=1 if style == "-" else 0.6,
                )
    axes.set(xlabel="step", ylabel="loss: held out solid, training dashed")
    axes.grid(alpha=0.3)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    text = drawn.getvalue()
    return text[text.index("<svg") :]
