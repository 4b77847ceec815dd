"""`kogpt map NAME FILE --column text`: a function over the rows of a file, resumable, bad rows told by number."""

from __future__ import annotations

from pathlib import Path

import click

from kogpt_funcs.command import mapping, server
from kogpt_funcs.contract import registry, settings


@server.asking
@click.command("map")
@click.argument("name", shell_complete=lambda *given: [name for name in registry.names() if name.startswith(given[2])])
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--column", help="The column that the function's first required field reads.")
@click.option("--map", "mapped", multiple=True, metavar="FIELD=COLUMN", help="Another field and the column it reads.")
@click.option("--set", "constants", multiple=True, metavar="FIELD=VALUE", help="A field's value for every row.")
@click.option("--out", type=click.Path(path_type=Path), help="The file to write. [default: FILE with NAME in its name]")
def map_file(
    name: str,
    file: Path,
    column: str | None,
    mapped: tuple[str, ...],
    constants: tuple[str, ...],
    out: Path | None,
    server_url: str | None,
    alone: bool,
) -> None:
    """Run the function NAME over the rows of FILE: .csv, .tsv, .jsonl, .txt (also .gz, .xz) or .xlsx.

    The output is FILE with the answer's fields and `error` as further columns; of .txt, whose column is `text`, a .csv.
    A run that was stopped goes on where it was when the same command is given again. Rows are numbered as an editor
    shows them: the header is row 1.
    """
    place = server.chosen(server_url, alone)
    function = server.asked(registry.get(name), place)
    columns, values = _pairs("--map", mapped), _pairs("--set", constants)
    if column is not None:
        columns = {function.main_field: column, **columns}
    if not columns:
        raise click.UsageError("Say which column to read: --column COLUMN, or --map FIELD=COLUMN.")
    job = mapping.plan(
        function, file, columns, values, out, settings.current().base if place is None or place.same else place.url
    )
    done, failed = mapping.run(job)
    if failed and not done:
        raise click.exceptions.Exit(1)


def _pairs(option: str, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        field, equals, value = text.partition("=")
        if not equals or not field:
            raise click.UsageError(f"{option} takes FIELD=…, not {text!r}.")
        pairs[field] = value
    return pairs
