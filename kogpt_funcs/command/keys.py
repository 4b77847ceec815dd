"""`kogpt keys`: the API keys that a server in public asks for. A key is shown once; the file has its hash."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.public import rates
from kogpt_funcs.surfaces.public.keys import KeyFile

_NAME = re.compile(r"[\w.@-]{1,60}")


@click.group()
@click.option("--file", "path", type=click.Path(dir_okay=False, path_type=Path), help="The file. [default: KOGPT_KEYS]")
@click.pass_context
def keys(ctx: click.Context, path: Path | None) -> None:
    """Add, list and revoke API keys. A running server sees each change at once."""
    path = path or settings.current().public.keys
    if path is None:
        raise KogptError("Which file? Set KOGPT_KEYS, for the server too, or say: kogpt keys --file FILE …")
    ctx.obj = KeyFile(path)


@keys.command()
@click.argument("name")
@click.option("--limit", default="", help="What this key may ask, in place of KOGPT_KEY_LIMIT, as in '60/minute'.")
@click.option("--days", type=click.IntRange(1, 36_500), help="How long it is good. [default: until it is revoked]")
@click.pass_obj
def add(file: KeyFile, name: str, limit: str, days: int | None) -> None:
    """Make a key for NAME and print it: it cannot be shown again."""
    if not _NAME.fullmatch(name):
        raise KogptError(f"{name!r} is no name for a key: up to 60 letters, digits and . _ - @")
    until = (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds") if days else ""
    key, token = file.add(name, rates("--limit", limit) if limit else "", until)
    click.echo(f"{key.name} ({key.id}): send it as `Authorization: Bearer KEY`. It is not shown again.", err=True)
    click.echo(token)


@keys.command("list")
@click.pass_obj
def list_keys(file: KeyFile) -> None:
    """List the keys: id, name, when made, until when, limit. What is secret is not there."""
    for key in file.keys().values():
        click.echo("\t".join((key.id, key.name, key.made, key.until or "-", key.limit or "-")))


@keys.command()
@click.argument("which", metavar="ID|NAME")
@click.pass_obj
def revoke(file: KeyFile, which: str) -> None:
    """Take a key back: nobody gets in with it any more."""
    key = file.revoke(which)
    click.echo(f"{key.name} ({key.id}) is revoked.", err=True)
