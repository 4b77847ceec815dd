"""`kogpt bench`: measures ours and the peers on the same weights in one run. Heavy libraries are imported when it
runs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kogpt_funcs.contract.errors import KogptError

if TYPE_CHECKING:
    from kogpt_funcs.benchmarking.measurements import Figure, Load

_WHAT = ("stream", "concurrent", "limits", "latency", "memory", "overhead", "quality", "classifier")
#: Texts that a base has not read, where they lie in a clone.
_HELD_OUT = {"small": Path("runs/base/heldout"), "gemma": Path("data/written/prose.jsonl.xz")}


@click.command(
    help="Measure speed and memory beside transformers, Gradio, CTranslate2 and llama.cpp; default: everything."
)
@click.argument("what", nargs=-1, type=click.Choice(_WHAT), metavar=f"[{'|'.join(_WHAT)}]...")
@click.option(
    "--model",
    "models",
    multiple=True,
    default=("kogpt2", "gemma"),
    show_default=True,
    help="kogpt2: its shape with random weights; else a checkpoint in weights/ or a folder. May be given "
    "several times.",
)
@click.option(
    "--fixture",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of KoGPT2's own tokenizer.json.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Turns of each engine; the table has their medians.",
)
@click.option("--clients", type=click.IntRange(1, 64), default=16, show_default=True, help="Requests at once.")
@click.option("--prompt-tokens", type=click.IntRange(8, 400), default=32, show_default=True)
@click.option("--new-tokens", type=click.IntRange(8, 256), default=64, show_default=True)
@click.option(
    "--text",
    type=click.Path(path_type=Path, exists=True),
    help="Held-out text for quality: a file, a text a line or .jsonl.xz, or a run's heldout/. [default: "
    "what a clone has for the base]",
)
@click.option(
    "--without",
    multiple=True,
    metavar="ENGINE",
    help="Leave an engine out, by its name in the table. May be given several times.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON file to write; a chart of the same name (.png) goes beside it.",
)
def bench(
    what: tuple[str, ...],
    models: tuple[str, ...],
    fixture: Path | None,
    repeats: int,
    clients: int,
    prompt_tokens: int,
    new_tokens: int,
    text: Path | None,
    without: tuple[str, ...],
    out: Path | None,
) -> None:
    _check_installed()
    from kogpt_funcs.benchmarking import report
    from kogpt_funcs.benchmarking.measurements import Load, classifier

    load = Load(prompt=prompt_tokens, new=new_tokens, clients=clients, repeats=repeats)
    notes = {"machine": report.machine(), "load": vars(load)}
    figures: list[Figure] = []
    for model in models:
        with tempfile.TemporaryDirectory() as place:
            figures += _measure(model, _folder(model, fixture, Path(place)), load, what or _WHAT, text, without)
    if "classifier" in (what or _WHAT):
        figures += classifier(repeats, _tell)
    click.echo(report.table(figures))
    if out:
        report.write_json(out, figures, notes)
        report.write_chart(out.with_suffix(".png"), figures, notes)


def _measure(
    model: str, folder: Path, load: Load, what: tuple[str, ...], text: Path | None, without: tuple[str, ...]
) -> list[Figure]:
    from kogpt_funcs.benchmarking.measurements import Bench

    if text is None and model in _HELD_OUT and _HELD_OUT[model].exists():
        text = _HELD_OUT[model]
    with Bench(Path(model).name, folder, load, _tell, text, without) as bench:
        return [figure for name in what if name != "classifier" for figure in getattr(bench, name)()]


def _tell(sentence: str) -> None:
    click.echo(sentence, err=True)


def _folder(model: str, fixture: Path | None, place: Path) -> Path:
    from kogpt_funcs.benchmarking import shapes
    from kogpt_funcs.models.bases import checkpoints

    return shapes.kogpt2(place, fixture) if model == "kogpt2" else checkpoints.folder(model)


def _check_installed() -> None:
    try:
        import httpx  # noqa: F401
        import matplotlib  # noqa: F401
        import psutil  # noqa: F401
    except ImportError as error:
        raise KogptError(
            f"kogpt bench needs {error.name}. Install what it measures with: pip install 'kogpt-funcs[bench]'"
        ) from None
