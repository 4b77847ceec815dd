"""`kogpt evaluate NAME`: prints the figures as tables, and writes them as JSON. Heavy libraries are imported when a command runs."""

from __future__ import annotations

import importlib
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.errors import KogptError
from kogpt_funcs.training.evaluation.report import Figures, text_of


@click.group(help="Measure a checkpoint on rows that it was never trained on, beside a baseline.")
def evaluate() -> None:
    pass


_JSON = click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there too, as JSON.")
_LIMIT = click.option("--limit", type=click.IntRange(1), help="Held-out rows or samples, drawn at random; default: as many as the measure wants.")
_SEED = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)


def _function_command(name: str) -> click.Command:
    @click.command(name, help=f"Measure {name} on the held-out rows of its data.")
    @click.option("--data", "files", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True, required=True,
                  help="The files it was trained on; their held-out rows are measured, baselines learn from the others.")
    @_LIMIT
    @_SEED
    @_JSON
    def command(files: tuple[Path, ...], limit: int | None, seed: int, file: Path | None) -> None:
        from kogpt_funcs.training.evaluation.rows import Asked

        own = f"kogpt_funcs.training.evaluation.{name}"
        module: Any = importlib.import_module(own if find_spec(own) else "kogpt_funcs.training.evaluation.adapters")
        show(module.measure(Asked(name, files, limit, seed)), file)

    return command


def show(figures: Figures, file: Path | None) -> None:
    """Prints `figures`; writes them to `file` as JSON."""
    click.echo(text_of(figures))
    if file:
        try:
            file.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise KogptError(f"{file} cannot be written: {error.strerror or error}.") from None


def _add_functions() -> None:
    from kogpt_funcs.registry import names

    for name in names():
        evaluate.add_command(_function_command(name))


_add_functions()
