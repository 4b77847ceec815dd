"""`kogpt train dialogue`: one base, one data set, one of four ways to choose what the loss counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.command.train_options import (
    budget_of,
    column_option,
    columns_of,
    data_option,
    messages_on_stderr,
    place_of,
    run_options,
)

_SHARE = click.FloatRange(0, 1, min_open=True)


@click.command("dialogue")
@data_option("JSONL with `turns`, or any table with `conversation`; may be given several times.")
@click.option(
    "--strategy",
    type=click.Choice(["input", "last", "all", "shift"]),
    default="all",
    show_default=True,
    help="What the loss counts, see above.",
)
@column_option("E.g. conversation=대화: which column of the data is the one wanted.")
@click.option("--base", default="small", show_default=True, help="Checkpoint in weights/, a folder, or a hub name.")
@click.option("--full/--lora", default=False, help="Train all weights, or an adapter of few. [default: --lora]")
@click.option("--lr", type=_SHARE, help="Default: 1e-3 for an adapter, 3e-4 for all weights.")
@click.option("--rank", type=click.IntRange(1, 512), default=32, show_default=True, help="LoRA rank of an adapter.")
@click.option("--keep", type=_SHARE, default=1.0, show_default=True, help="Share of the rows to use, drawn at random.")
@click.option(
    "--patience", type=click.IntRange(1), help="Stop after so many evaluations without a better held-out loss."
)
@click.option("--batch-size", type=click.IntRange(1, 4096), default=64, show_default=True)
@run_options("dialogue", "weights/BASE/dialogue, with --full weights/BASE/dialogue-full", 20)
def dialogue(
    files: tuple[Path, ...],
    strategy: Any,
    pairs: tuple[str, ...],
    base: str,
    minutes: float | None,
    epochs: int | None,
    run: Path,
    mode: Any,
    out: Path | None,
    **options: Any,
) -> None:
    """Train a base to answer in dialogues; the loss on the assistant's tokens of held-out dialogues, and hits@1 of 20.

    A row has `turns`, a list that the user begins, or `conversation`, a text in which <usr> and <sys> mark the turns.

    \b
    --strategy, with ChatHuman's name, and what the loss counts:
      input  Input      every token
      last   -100       the assistant's last turn
      all    -100+sys   all of the assistant's turns
      shift  Shift      every token, behind <s>
    """
    budget = budget_of(minutes, epochs, 20)
    with messages_on_stderr():
        from kogpt_funcs.training.dialogue import NAME, train_dialogue
        from kogpt_funcs.training.finetuning import Options
        from kogpt_funcs.training.sources import Source

        figures = train_dialogue(
            [Source(file, columns_of(pairs)) for file in files],
            strategy,
            base=base,
            run=run,
            out=out or place_of(NAME, base, options["full"]),
            options=Options(**options, **budget),
            mode=mode or "new",
        )
    click.echo(json.dumps(figures, ensure_ascii=False, indent=2))
