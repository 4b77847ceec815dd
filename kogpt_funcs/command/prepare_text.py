"""`kogpt clean` and `kogpt pack`: files of text in, a file to train on out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.data import tables
from kogpt_funcs.data.lines import check_out, write_lines
from kogpt_funcs.data.tables import Row, Table
from kogpt_funcs.models.metadata import read_json

_COLUMNS = ("text", "sent", "conversation", "turns")  # read where no --column is given
_REPORTED = 20  # bad rows told one by one


@click.command("clean")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A .txt file (of one column), or .jsonl.",
)
@click.option("--column", "columns", multiple=True, help=f"A column of texts. [default: any of {', '.join(_COLUMNS)}]")
@click.option(
    "--rules",
    type=click.Choice(["clear", "light"]),
    default="clear",
    show_default=True,
    help="clear: clear_sentence's, for chat; light: letters and marks stay, for prose.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the made-up names.")
def clean(file: Path, out: Path, columns: tuple[str, ...], rules: str, seed: int) -> None:
    """Clean the rows of FILE: .csv, .tsv, .jsonl, .txt (also .gz, .xz) or .xlsx; how many rows each rule met, as JSON.

    Made-up names come in place of #@이름#, personal data (addresses, e-mails, phone, resident and account numbers,
    mentions) is taken out. Rows that point to a picture, hold abuse or came before are left out.
    """
    from kogpt_funcs.data.cleaning import Cleaner

    check_out(out)
    table = tables.open_table(file)
    chosen = _chosen(table, columns)
    if out.suffix == ".txt" and len(chosen) > 1:
        raise KogptError(
            f"{out.name} can hold one column, not {', '.join(chosen)}. Choose one with --column, or write .jsonl."
        )
    cleaner = Cleaner(clear=rules == "clear", seed=seed)
    good = _Good(table)
    written = write_lines(out, _cleaned(good, cleaner, chosen, out))
    report: dict[str, Any] = {"rows": good.count, "written": written, "unreadable": good.bad}
    report |= {"dropped": dict(cleaner.dropped.most_common()), "changed": dict(cleaner.changed.most_common())}
    click.echo(json.dumps(report, ensure_ascii=False, indent=2))


@click.command("pack")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A .txt file (a phrase a line), or .jsonl.",
)
@click.option(
    "--tokenizer",
    default="small",
    show_default=True,
    help="Checkpoint whose tokens count: in weights/, a folder, a hub name.",
)
@click.option(
    "--length",
    type=click.IntRange(16),
    help="Tokens a phrase at most. [default: two fewer than the checkpoint's context; KoGPT2: 1022]",
)
@click.option("--column", help="The column of texts, each a document. [default: text; a .txt file is one document]")
def pack(files: tuple[Path, ...], out: Path, tokenizer: str, length: int | None, column: str | None) -> None:
    """Pack the sentences of novels into phrases that fill a model's context; JSON of what was written."""
    from kogpt_funcs.data.packing import phrases

    check_out(out)
    count, length = _counter(tokenizer, length)
    sizes: list[int] = []

    def packed() -> Iterator[dict[str, Any]]:
        for file in files:
            for lines in _documents(file, column):
                for phrase in phrases(lines, count, length):
                    sizes.append(count(phrase))
                    yield {"text": phrase}

    written = write_lines(out, packed())
    if not written:
        out.unlink()
        raise KogptError(f"No text in {', '.join(file.name for file in files)}.")
    click.echo(json.dumps({"phrases": written, "tokens": sum(sizes), "longest": max(sizes), "length": length}))


class _Good:
    """The readable rows of a table, counted; a bad one is told by its number and passed over."""

    def __init__(self, table: Table) -> None:
        self.table, self.count, self.bad = table, 0, 0

    def __iter__(self) -> Iterator[Row]:
        for row in tables.rows(self.table):
            if row.blank:
                continue
            self.count += 1
            if not row.problem:
                yield row
                continue
            self.bad += 1
            if self.bad <= _REPORTED:
                click.echo(f"row {row.number}: {row.problem}", err=True)
        if self.bad > _REPORTED:
            click.echo(f"{self.bad - _REPORTED} more rows cannot be read.", err=True)


def _chosen(table: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    tables.check_columns(table, columns)
    chosen = columns or tuple(column for column in _COLUMNS if column in table.columns)
    if not chosen:
        raise KogptError(
            f"{table.path} has none of the columns {', '.join(_COLUMNS)}. Give --column: one of "
            f"{', '.join(table.columns) or 'none'}."
        )
    return chosen


def _cleaned(rows: _Good, cleaner: Any, columns: tuple[str, ...], out: Path) -> Iterator[dict[str, Any]]:
    from tqdm import tqdm

    pause = 0.5 if sys.stderr.isatty() else 10
    for row in tqdm(rows, unit=" rows", mininterval=pause, file=sys.stderr):
        found = cleaner.row(row.number, {column: row.cells.get(column) for column in columns})
        if found is None:
            continue
        if out.suffix == ".txt" and isinstance(next(iter(found.values())), list):
            raise KogptError(
                f"Row {row.number} holds turns, which do not go into one line of {out.name}. Write .jsonl."
            )
        yield {**row.cells, **found} if out.suffix == ".jsonl" else found


def _documents(file: Path, column: str | None) -> Iterator[Iterator[str]]:
    table = tables.open_table(file)
    if table.kind == "txt":
        yield (row.cells["text"] for row in _Good(table))
        return
    tables.check_columns(table, [column or "text"])
    for row in _Good(table):
        yield iter(str(row.cells.get(column or "text") or "").split("\n"))


def _counter(name: str, length: int | None) -> tuple[Callable[[str], int], int]:
    """How to count tokens as checkpoint `name` does, and how many fit between `<s>` and `</s>`."""
    from kogpt_funcs.models.bases import checkpoints
    from kogpt_funcs.models.tokenizers.kogpt2 import Tokenizer

    folder = checkpoints.folder(name)
    tokenizer = Tokenizer(folder / "tokenizer.json")
    context = int(read_json(folder / "config.json").get("n_positions") or 1024)
    return lambda text: len(tokenizer.encode([text])), length or context - 2
