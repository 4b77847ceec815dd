"""What every kind of training takes on the command line: its budget, its run, its columns."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.contract.errors import KogptError

_RUNS = Path("runs")


def data_option(text: str) -> Callable[[Any], Any]:
    """--data, the files with the rows: `files`."""
    kind = click.Path(path_type=Path, exists=True, dir_okay=False)
    return click.option("--data", "files", type=kind, multiple=True, required=True, help=text)


def column_option(text: str) -> Callable[[Any], Any]:
    """--column, what a file calls a column that is wanted: `pairs`, for columns_of."""
    return click.option("--column", "pairs", multiple=True, metavar="WANTED=NAME", help=text)


def run_options(name: str, out: str, minutes: int) -> Callable[[Any], Any]:
    """The options that every kind of training has: its budget, its run folder, and what becomes of the run that is
    there.
    """
    options = [
        click.option(
            "--minutes",
            type=click.FloatRange(0, min_open=True),
            help=f"Training time, all resumes together. [default: {minutes}, without --epochs]",
        ),
        click.option("--epochs", type=click.IntRange(1, 10_000), help="Times through the data, in place of --minutes."),
        click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True),
        click.option(
            "--run",
            type=click.Path(path_type=Path),
            default=_RUNS / name,
            show_default=True,
            help="Folder of checkpoints, curve and logs.",
        ),
        click.option("--resume", "mode", flag_value="resume", help="Go on with the run in that folder."),
        click.option("--fresh", "mode", flag_value="fresh", help="Delete the run in that folder and begin anew."),
        click.option(
            "--out", type=click.Path(path_type=Path), help=f"Folder of the trained checkpoint. [default: {out}]"
        ),
    ]

    def add(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def budget_of(minutes: float | None, epochs: int | None, default: float) -> dict[str, Any]:
    """`minutes` and `epochs` of a run, one of them None."""
    if minutes and epochs:
        raise KogptError("--minutes and --epochs are two budgets. Give one of them.")
    return {"minutes": None if epochs else minutes or default, "epochs": epochs}


def columns_of(pairs: tuple[str, ...]) -> dict[str, str]:
    """{"text": "sent"} of ("text=sent",)."""
    found = {}
    for pair in pairs:
        wanted, _, name = pair.partition("=")
        if not (wanted and name):
            raise KogptError(
                f"--column {pair!r} is not WANTED=NAME, such as text=sent: the function's column, then the file's."
            )
        found[wanted.strip()] = name.strip()
    return found


@contextlib.contextmanager
def messages_on_stderr() -> Iterator[None]:
    """Libraries print to stdout while they train; it is for the figures."""
    from kogpt_funcs.training import messages

    messages.errors_only()
    with contextlib.redirect_stdout(sys.stderr):
        yield


def place_of(name: str, base: str, full: bool) -> Path:
    from kogpt_funcs.models.bases import checkpoints

    return checkpoints.place(base) / (f"{name}-full" if full else name)
