"""`kogpt evaluate NAME`: prints the figures as tables, and writes them as JSON. Heavy libraries are imported when a
command runs.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from kogpt_funcs.command.train_options import column_option, columns_of, data_option
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation.report import Figures, text_of


@click.group(help="Measure a checkpoint on rows that it was never trained on, beside a baseline.")
def evaluate() -> None:
    pass


_JSON = click.option(
    "--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there too, as JSON."
)
_LIMIT = click.option(
    "--limit",
    type=click.IntRange(1),
    help="Held-out rows or samples, drawn at random; default: as many as the measure wants.",
)
_SEED = click.option("--seed", type=click.IntRange(0), default=0, show_default=True)


@evaluate.command("base")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the files that the mix names; needed unless the run's text is packed.",
)
@click.option(
    "--mix",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML of the text mix; default: the shipped base's.",
)
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    default=Path("runs/base"),
    show_default=True,
    help="Folder with the text as `kogpt train base` packed it; packed there if it is not.",
)
@_LIMIT
@_JSON
def evaluate_base(data: Path | None, mix: Path | None, run: Path, limit: int | None, file: Path | None) -> None:
    """Measure KOGPT_BASE on the held-out rows of its text mix, beside a 5-gram Kneser-Ney model of the same text."""
    from kogpt_funcs.evaluation import base

    if data and not (run / "train.npz").is_file():
        base.pack(run, data, mix)
    show(base.measure(run, limit), file)


@evaluate.command("grid")
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help=".txt with a text a line, or a table.",
)
@click.option("--column", default="text", show_default=True, help="Of a table: the column with the texts.")
@click.option(
    "--words",
    type=click.IntRange(1, 100),
    multiple=True,
    default=(2, 3),
    show_default=True,
    help="Prompts are so many words; may be given several times.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 100),
    multiple=True,
    default=(1.0, 3.0, 5.0, 10.0),
    show_default=True,
    help="May be given several times.",
)
@click.option("--adapter", default=None, help="Adapter to write with; default: the bare base.")
@click.option(
    "--samples", type=click.IntRange(1, 20), default=1, show_default=True, help="Of each prompt and temperature."
)
@click.option("--tokens", type=click.IntRange(1, 256), default=64, show_default=True, help="At most so many a sample.")
@click.option(
    "--trained-on",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="Files whose texts a sample may have been learned from.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("grid.csv"),
    show_default=True,
    help="CSV with every sample.",
)
@_LIMIT
@_SEED
@_JSON
def evaluate_grid(
    data: Path,
    column: str,
    words: tuple[int, ...],
    temperature: tuple[float, ...],
    adapter: str | None,
    samples: int,
    tokens: int,
    trained_on: tuple[Path, ...],
    out: Path,
    limit: int | None,
    seed: int,
    file: Path | None,
) -> None:
    """Continue the first words of each line at several temperatures: every sample as CSV, the means of each pair."""
    from kogpt_funcs.evaluation import grid

    figures, cells = grid.measure(
        data,
        grid.Grid(words, temperature, adapter, samples, tokens, seed),
        trained_on=trained_on,
        column=column,
        limit=limit,
    )
    grid.save(cells, out)
    show(figures, file)


@evaluate.command("all")
@click.option(
    "--data",
    "folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with the written rows. [default: data/written of this clone]",
)
@click.option(
    "--base", "bases", multiple=True, help="May be given several times. [default: the base in use, and small]"
)
@click.option(
    "--limit", type=click.IntRange(1), default=60, show_default=True, help="Held-out rows or samples a function."
)
@_SEED
@_JSON
def evaluate_all(folder: Path | None, bases: tuple[str, ...], limit: int, seed: int, file: Path | None) -> None:
    """Print one table a function, with a column a base: the same held-out rows, the figures that tell most."""
    from kogpt_funcs.evaluation import overview

    chosen = bases or tuple(dict.fromkeys((settings.current().base, "small")))
    show(overview.measure(chosen, folder or overview.WRITTEN, limit, seed), file)


def _function_command(name: str) -> click.Command:
    @click.command(name, help=f"Measure {name} on the held-out rows of its data.")
    @data_option("The files it was trained on; their held-out rows are measured, baselines learn from the others.")
    @column_option("The file calls the column WANTED otherwise, e.g. text=sent.")
    @_LIMIT
    @_SEED
    @_JSON
    def command(
        files: tuple[Path, ...], pairs: tuple[str, ...], limit: int | None, seed: int, file: Path | None
    ) -> None:
        from kogpt_funcs.evaluation.measuring import measure
        from kogpt_funcs.evaluation.rows import Asked

        show(measure(Asked(name, files, limit, seed, columns_of(pairs))), file)

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
    from kogpt_funcs.contract.registry import names

    for name in names():
        evaluate.add_command(_function_command(name))


_add_functions()
