"""`kogpt runs`: the leaderboard of training runs in the terminal, as CSV and as a page, and a remark on a run."""

from __future__ import annotations

from pathlib import Path

import click

from kogpt_funcs.training import leaderboard, record


@click.group("runs", invoke_without_command=True)
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("runs"), show_default=True, help="Where the runs are."
)
@click.option(
    "--sort",
    "order",
    type=click.Choice(leaderboard.ORDERS),
    default="best",
    show_default=True,
    help="best: lowest held-out loss first.",
)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the table there too, with the losses of every evaluation.",
)
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page with curves there too: one file, works offline.",
)
@click.pass_context
def runs(context: click.Context, folder: Path, order: str, csv_file: Path | None, page: Path | None) -> None:
    """List the training runs with their losses in nats a token; those that cannot be read come last and say why."""
    context.obj = folder
    if context.invoked_subcommand:
        return
    found = leaderboard.entries(folder, order)
    if csv_file:
        leaderboard.write_csv(found, csv_file)
    if page:
        from kogpt_funcs.training.curves import write_page

        write_page(found, page)
    click.echo(leaderboard.table(found) if found else f"No run in {folder}. Train one: kogpt train --help")


@runs.command("remark")
@click.argument("run")
@click.argument("text")
@click.pass_obj
def remark(folder: Path, run: str, text: str) -> None:
    """Write the remark TEXT on RUN, a folder or its name in the runs' folder; an empty one takes it away."""
    place = folder / run if (folder / run).is_dir() else Path(run)
    about = record.read(place)
    about.remark = " ".join(text.split())
    about.save(place)
