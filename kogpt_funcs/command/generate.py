"""`kogpt generate`: prompts typed one after another, each continued; the samples are kept with their settings."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.contract.errors import InvalidInput, KogptError


@click.command()
@click.option("--text", help="The first prompt; without it they are all read from stdin, one a line.")
@click.option(
    "--loops",
    type=click.IntRange(-1),
    default=-1,
    show_default=True,
    help="How many prompts to continue; -1: until the input ends (Ctrl-D).",
)
@click.option(
    "--length",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Most tokens a sample, its prompt not counted.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 2),
    default=0.7,
    show_default=True,
    help="0 takes the likeliest token each time.",
)
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), default=0.9, show_default=True)
@click.option("--top-k", type=click.IntRange(0, 1000), default=40, show_default=True, help="0: all tokens.")
@click.option("--repetition-penalty", type=click.FloatRange(1, 2), default=1.1, show_default=True)
@click.option("--num-samples", type=click.IntRange(1, 20), default=1, show_default=True, help="Samples a prompt.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Repeats the samples of each prompt.")
@click.option("--base", help="Checkpoint in weights/, a folder, or a hub name. [default: KOGPT_BASE, else base]")
@click.option("--adapter", help="An adapter for that base in weights/, such as continue_text once it is trained.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("samples.jsonl"),
    show_default=True,
    help="JSON lines of prompts, samples and settings; added to.",
)
def generate(
    text: str | None, loops: int, base: str | None, adapter: str | None, out: Path, length: int, **sampling: Any
) -> None:
    """Continue prompts typed one after another; keep the samples with their settings."""
    from kogpt_funcs.contract import settings

    if base:
        settings.replace(base=base)
    used = {"base": settings.current().base, "adapter": adapter, "length": length, **sampling}
    for prompt in islice(_prompts(text), None if loops < 0 else loops):
        try:
            samples = _samples(prompt, adapter, length, sampling)
        except InvalidInput as error:
            click.echo(f"kogpt: {error}", err=True)
            continue
        for sample in samples:
            click.echo(f"{prompt}{sample}")
        _keep(out, {"prompt": prompt, "samples": samples, **used})


def _prompts(first: str | None) -> Iterator[str]:
    if first is not None:
        yield first
    while line := _typed():
        if line.strip():
            yield line.rstrip("\r\n")


def _typed() -> str:
    if sys.stdin.isatty():
        click.echo("> ", nl=False, err=True)
    return sys.stdin.readline()


def _samples(prompt: str, adapter: str | None, length: int, sampling: dict[str, Any]) -> list[str]:
    """What follows `prompt`, once a sample."""
    from kogpt_funcs import models
    from kogpt_funcs.korean.text import required

    request = models.Generation(
        prompt=[models.Special("<s>"), required(prompt)], adapter=adapter, max_new_tokens=length, **sampling
    )
    with contextlib.redirect_stdout(sys.stderr):
        *_, samples = models.generate(request)
    return [sample.text for sample in samples]


def _keep(out: Path, entry: dict[str, Any]) -> None:
    line = json.dumps({**entry, "date": datetime.now(UTC).isoformat(timespec="seconds")}, ensure_ascii=False)
    try:
        with out.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise KogptError(f"{out} cannot be written: {error.strerror}. Choose another --out.") from None
