"""`kogpt collect youtube`: comments for training, with progress, an end at any time, and a beginning where that was."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError

if TYPE_CHECKING:
    from kogpt_funcs.data.collection import Collection
    from kogpt_funcs.data.youtube import Wanted, Youtube

_ADDRESS = re.compile(r"(?:[?&]v=|youtu\.be/|/shorts/|/live/|/channel/)([\w-]+)")


@click.group(help="Collect text for training.")
def collect() -> None:
    pass


@collect.command("youtube")
@click.option("--video", help="A video's id or address.")
@click.option("--channel", help="A channel's id (UC…): the comments on all its videos.")
@click.option("--order", type=click.Choice(["time", "relevance"]), default="time", show_default=True)
@click.option("--limit", type=click.IntRange(1), help="Stop after so many comments. [default: all there are]")
@click.option("--replies", is_flag=True, help="Replies too; a thread with many costs a unit of quota more.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="A .txt file (a comment a line), or .jsonl with likes and date too.",
)
def youtube(video: str | None, channel: str | None, order: str, limit: int | None, replies: bool, out: Path) -> None:
    """Collect the comments on a video or a channel by the YouTube Data API v3.

    The API key is read from KOGPT_YOUTUBE_KEY. A hundred threads cost one unit of its quota. Authors' names are not
    written. When it is stopped, by Ctrl-C or by the quota, the same command goes on from there.
    """
    if (video is None) == (channel is None):
        raise click.UsageError("Give one of --video ID and --channel ID.")
    kind, name = ("video", video) if video else ("channel", channel)
    from kogpt_funcs.data.youtube import Wanted

    match = _ADDRESS.search(name or "")
    _collect(Wanted(kind, match[1] if match else name or "", order, replies), limit, out)


def _collect(wanted: Wanted, limit: int | None, out: Path) -> None:
    from kogpt_funcs.data.collection import Collection
    from kogpt_funcs.data.youtube import Youtube

    api = Youtube(settings.current().key_for_youtube(), settings.current().youtube_url)
    run = {wanted.kind: wanted.name, "order": wanted.order, "replies": wanted.replies}
    with contextlib.closing(Collection(out, run)) as found:
        try:
            _pages(api, wanted, found, limit)
        except (KogptError, KeyboardInterrupt):
            if found.pages:
                click.echo(f"Stopped after {found.written:,} comments. The same command goes on from there.", err=True)
            raise
        found.finish()
    repeated = f" ({found.repeated:,} repeated ones left out)" if found.repeated else ""
    click.echo(f"{found.written:,} comments{repeated}, {api.units:,} units of quota. Written: {out}", err=True)


def _pages(api: Youtube, wanted: Wanted, found: Collection, limit: int | None) -> None:
    from tqdm import tqdm

    from kogpt_funcs.data.refusals import StalePage

    pause = 0.5 if sys.stderr.isatty() else 10  # seconds between two drawings: a log file needs few
    with tqdm(total=limit, initial=found.written, unit=" comments", mininterval=pause, file=sys.stderr) as bar:
        token = found.next
        while not found.whole and (limit is None or found.written < limit):
            try:
                page = api.page(wanted, token)
            except StalePage:
                if not token:
                    raise
                token = ""  # from the first page on: what is there already is not written again
                continue
            found.add(page, limit)
            token = found.next
            bar.update(found.written - bar.n)
