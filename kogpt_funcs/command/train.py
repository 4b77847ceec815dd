"""`kogpt train base` and `kogpt train NAME`. Heavy libraries are imported when a command runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from kogpt_funcs.command.train_dialogue import dialogue
from kogpt_funcs.command.train_options import (
    budget_of,
    column_option,
    columns_of,
    data_option,
    messages_on_stderr,
    place_of,
    run_options,
)
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError

_FILE = click.Path(path_type=Path, exists=True)
_SHARE = click.FloatRange(0, 1, min_open=True)


@click.group(help="Train a base, or a function's checkpoint on it. A run is kept in runs/, and goes on with --resume.")
def train() -> None:
    pass


@train.command("base")
@click.option(
    "--data",
    "data",
    type=_FILE,
    multiple=True,
    required=True,
    help="Folder of the files that the mix names; or files of texts: TXT, CSV, TSV, JSONL, XLSX (.gz, .xz).",
)
@click.option("--mix", type=_FILE, help="TOML of the text mix of a folder; default: the shipped base's.")
@click.option(
    "--column", "pairs", multiple=True, metavar="text=NAME", help="The column of a file of texts that holds them."
)
@click.option(
    "--decay",
    type=_SHARE,
    default=0.4,
    show_default=True,
    help="Share of the budget over which the learning rate falls to zero.",
)
@click.option("--layers", type=click.IntRange(1, 48), default=6, show_default=True)
@click.option("--width", type=click.IntRange(32, 4096), default=256, show_default=True)
@click.option("--heads", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option("--length", type=click.IntRange(32, 2048), default=512, show_default=True, help="Tokens a block.")
@click.option("--vocabulary", type=click.IntRange(2500, 60000), default=8192, show_default=True)
@click.option("--batch-size", type=click.IntRange(1, 1024), default=8, show_default=True, help="Blocks a step.")
@click.option(
    "--start", help="Checkpoint whose weights, shape and tokenizer a new run begins with; default: from scratch."
)
@run_options("base", "weights/small", 60)
def train_base(
    data: tuple[Path, ...],
    mix: Path | None,
    pairs: tuple[str, ...],
    decay: float,
    layers: int,
    width: int,
    heads: int,
    length: int,
    vocabulary: int,
    batch_size: int,
    start: str | None,
    minutes: float | None,
    epochs: int | None,
    seed: int,
    run: Path,
    mode: Any,
    out: Path | None,
) -> None:
    """Pretrain a base: vocabulary, packed text, GPT-2; prints held-out bits per character."""
    if width % heads:
        raise KogptError(f"--width {width} is not a multiple of --heads {heads}.")
    budget = budget_of(minutes, epochs, 60)
    with messages_on_stderr():
        from kogpt_funcs.training import pretraining
        from kogpt_funcs.training.loop import Budget

        files, parts, mix = _texts(list(data), mix, columns_of(pairs))
        asked = pretraining.Asked(
            files,
            parts,
            mix,
            shape=pretraining.Shape(layers, width, heads),
            length=length,
            vocabulary_size=vocabulary,
            budget=Budget(**budget),
            decay=decay,
            batch_size=batch_size,
            start=start,
            seed=seed,
        )
        figures = pretraining.train_base(asked, run, out or settings.current().weights / "small", mode or "new")
    _print(figures)


def _texts(data: list[Path], mix: Path | None, columns: dict[str, str]) -> tuple[list[Path], list[Any], Path | None]:
    """The vocabulary files and the parts of a mix, or of plain files; and the mix."""
    from kogpt_funcs.training import mix as mixes

    if len(data) == 1 and data[0].is_dir():
        mix = mix or Path(__file__).parent.parent / "training" / "mixes" / "base.toml"
        return (*mixes.read_mix(mix, data[0]), mix)
    if mix or any(path.is_dir() for path in data):
        raise KogptError("--data is one folder, whose files a --mix names; or files of texts, without a --mix.")
    return data, mixes.plain(data, columns), None


def _function_command(name: str) -> click.Command:
    @click.command(name, help=f"Train {name}: an adapter on a base or all its weights; or a classifier from it.")
    @data_option("TXT, CSV, TSV, JSONL or XLSX (.gz, .xz); may be given several times.")
    @column_option("Which column of the data is the one that the function wants, e.g. text=sent.")
    @click.option(
        "--paragraphs", is_flag=True, help="In a TXT file a blank line sets texts apart; otherwise each line is a text."
    )
    @click.option(
        "--base",
        default=lambda: settings.current().base,
        show_default="KOGPT_BASE",
        help="Checkpoint in weights/, a folder, or a hub name.",
    )
    @click.option(
        "--start",
        type=click.Path(exists=True, file_okay=False),
        help="Folder of an adapter of this base to go on from; default: a fresh one.",
    )
    @click.option("--full/--lora", default=False, help="Train all weights, or an adapter of few. [default: --lora]")
    @click.option(
        "--lr", type=_SHARE, help="Default: 6e-4 for an adapter, 5e-4 with a classifier's head, 3e-4 for all weights."
    )
    @click.option("--rank", type=click.IntRange(1, 512), default=16, show_default=True, help="LoRA rank of an adapter.")
    @click.option(
        "--passes",
        type=click.IntRange(1, 100),
        default=1,
        show_default=True,
        help="How often the rows are rendered anew.",
    )
    @click.option(
        "--keep", type=_SHARE, default=1.0, show_default=True, help="Share of the rows to use, drawn at random."
    )
    @click.option(
        "--patience", type=click.IntRange(1), help="Stop after so many evaluations without a better held-out loss."
    )
    @click.option(
        "--batch-size", type=click.IntRange(1, 4096), default=64, show_default=True, help="Rows a step at most."
    )
    @click.option(
        "--batch-tokens",
        type=click.IntRange(32, 1 << 20),
        default=1536,
        show_default=True,
        help="Tokens a step at most, pads among them.",
    )
    @run_options(name, f"weights/BASE/{name}, with --full weights/BASE/{name}-full", 20)
    def command(
        files: tuple[Path, ...],
        base: str,
        minutes: float | None,
        epochs: int | None,
        run: Path,
        mode: str | None,
        out: Path | None,
        **options: Any,
    ) -> None:
        from kogpt_funcs.contract import registry

        budget = budget_of(minutes, epochs, 20)
        if options["start"] and options["full"]:
            raise KogptError("--start goes on from an adapter; with --full all weights of --base are trained.")
        options["columns"] = columns_of(options.pop("pairs"))
        tuned = _train_classifier if registry.get(name).training_labels else _finetune
        with messages_on_stderr():
            figures = tuned(
                name,
                list(files),
                base,
                run,
                out or place_of(name, base, options["full"]),
                {**options, **budget},
                mode or "new",
            )
        _print(figures)

    return command


def _finetune(
    name: str, files: list[Path], base: str, run: Path, out: Path, options: dict[str, Any], mode: Any
) -> dict[str, Any]:
    from kogpt_funcs.training.finetuning import Options, finetune
    from kogpt_funcs.training.sources import Source

    columns, paragraphs = options.pop("columns"), options.pop("paragraphs")
    sources = [Source(file, columns, paragraphs) for file in files]
    return finetune(name, sources, base=base, run=run, out=out, options=Options(**options), mode=mode)


def _train_classifier(
    name: str, files: list[Path], base: str, run: Path, out: Path, options: dict[str, Any], mode: Any
) -> dict[str, Any]:
    from kogpt_funcs.training.labelling import Options, train_classifier
    from kogpt_funcs.training.sources import Source

    given = click.get_current_context().get_parameter_source
    for option in ("paragraphs", "passes", "keep"):
        if (source := given(option)) and source.name == "COMMANDLINE":
            raise KogptError(f"{name} is a classifier: --{option} is for functions that write text.")
    chosen = {
        key: options[key]
        for key in (
            "lr",
            "batch_size",
            "batch_tokens",
            "minutes",
            "epochs",
            "patience",
            "seed",
            "full",
            "rank",
            "start",
        )
    }
    sources = [Source(file, options["columns"]) for file in files]
    return train_classifier(name, sources, base=base, run=run, out=out, options=Options(**chosen), mode=mode)


def _add_functions() -> None:
    from kogpt_funcs.contract.registry import names

    train.add_command(dialogue)
    for name in names():
        train.add_command(_function_command(name))


_add_functions()


def _print(figures: dict[str, Any]) -> None:
    if os.environ.get("RANK", "0") == "0":  # of the processes that `accelerate launch` starts, one tells
        click.echo(json.dumps(figures, ensure_ascii=False, indent=2))
