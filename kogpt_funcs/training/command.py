"""`kogpt train base` and `kogpt train NAME`. Heavy libraries are imported when a command runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click

from kogpt_funcs import settings
from kogpt_funcs.errors import KogptError

_RUNS = Path("runs")


@click.group(help="Train a base, or a function's checkpoint on it. Runs are kept in runs/ and resumed there.")
def train() -> None:
    pass


@train.command("base")
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True,
              help="Folder of the files that the mix names.")
@click.option("--mix", type=click.Path(path_type=Path, exists=True), help="TOML of the text mix; default: the shipped base's.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), default=60, show_default=True, help="Training time, all resumes together.")
@click.option("--decay", type=click.FloatRange(0, 1, min_open=True), default=0.4, show_default=True, help="Share of the time over which the learning rate falls to zero.")
@click.option("--layers", type=click.IntRange(1, 48), default=6, show_default=True)
@click.option("--width", type=click.IntRange(32, 4096), default=256, show_default=True)
@click.option("--heads", type=click.IntRange(1, 64), default=4, show_default=True)
@click.option("--length", type=click.IntRange(32, 2048), default=512, show_default=True, help="Tokens a block.")
@click.option("--vocabulary", type=click.IntRange(2500, 60000), default=8192, show_default=True)
@click.option("--batch-size", type=click.IntRange(1, 1024), default=8, show_default=True, help="Blocks a step.")
@click.option("--start", default=None, help="Checkpoint whose weights, shape and tokenizer a new run begins with; default: from scratch.")
@click.option("--run", type=click.Path(path_type=Path), default=_RUNS / "base", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Default: weights/base.")
def train_base(
    data: Path, mix: Path | None, minutes: float, decay: float, layers: int, width: int, heads: int, length: int, vocabulary: int,
    batch_size: int, start: str | None, run: Path, out: Path | None,
) -> None:  # fmt: skip
    """Pretrain a base: vocabulary, packed text, GPT-2; prints held-out bits per character."""
    if width % heads:
        raise KogptError(f"--width {width} is not a multiple of --heads {heads}.")
    from kogpt_funcs.models import checkpoints
    from kogpt_funcs.training import pretraining

    run.mkdir(parents=True, exist_ok=True)
    folder = checkpoints.folder(start) if start else None
    if folder and not (run / "tokenizer.json").exists():
        shutil.copy(folder / "tokenizer.json", run)
    pretraining.prepare(mix or Path(__file__).parent / "mixes" / "base.toml", data, run, vocabulary_size=vocabulary, length=length)
    figures = pretraining.pretrain(run, layers=layers, width=width, heads=heads, minutes=minutes, decay=decay, batch_size=batch_size, start=folder)
    pretraining.export(run, out or settings.weights() / "base")
    _print(figures)


def _function_command(name: str) -> click.Command:
    @click.command(name, help=f"Train {name}: an adapter on a base, or a classifier from it.")
    @click.option("--data", "files", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True, required=True,
                  help="CSV, TSV, JSONL or XLSX (.gz, .xz); may be given several times.")
    @click.option("--base", default="base", show_default=True, help="Checkpoint in weights/, a folder, or a hub name.")
    @click.option("--minutes", type=click.FloatRange(0, min_open=True), default=20, show_default=True, help="Training time, all resumes together.")
    @click.option("--lr", type=click.FloatRange(0, 1, min_open=True), default=None, help="Default: 1e-3 for an adapter, 3e-4 for a classifier.")
    @click.option("--rank", type=click.IntRange(1, 512), default=32, show_default=True, help="LoRA rank of an adapter.")
    @click.option("--passes", type=click.IntRange(1, 100), default=1, show_default=True, help="How often the rows are rendered anew.")
    @click.option("--keep", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True, help="Share of the rows to use, drawn at random.")
    @click.option("--batch-size", type=click.IntRange(1, 4096), default=64, show_default=True)
    @click.option("--run", type=click.Path(path_type=Path), default=None, help=f"Default: runs/{name}.")
    @click.option("--out", type=click.Path(path_type=Path), default=None, help=f"Default: weights/{name}; with --base, weights/BASE/{name}.")
    def command(
        files: tuple[Path, ...], base: str, minutes: float, lr: float | None, rank: int, passes: int, keep: float,
        batch_size: int, run: Path | None, out: Path | None,
    ) -> None:  # fmt: skip
        from kogpt_funcs import registry
        from kogpt_funcs.models import checkpoints

        place = settings.weights() if base == "base" else settings.weights() / checkpoints.slug(base)
        common: dict[str, Any] = {
            "base": base, "run": run or _RUNS / name, "out": out or place / name, "minutes": minutes, "batch_size": batch_size,
        }  # fmt: skip
        if hasattr(registry.get(name).module, "training_labels"):
            from kogpt_funcs.training.labelling import train_classifier

            _print(train_classifier(name, list(files), lr=lr or 3e-4, **common))
        else:
            from kogpt_funcs.training.finetuning import train_adapter

            _print(train_adapter(name, list(files), lr=lr or 1e-3, rank=rank, passes=passes, keep=keep, **common))

    return command


def _add_functions() -> None:
    from kogpt_funcs.registry import names

    for name in names():
        train.add_command(_function_command(name))


_add_functions()


def _print(figures: dict[str, Any]) -> None:
    click.echo(json.dumps(figures, ensure_ascii=False, indent=2))
