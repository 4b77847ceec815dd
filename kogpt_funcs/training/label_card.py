"""A classifier's model card: figures, learning curves, reliability and confusion, as a table and PNG pictures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from kogpt_funcs.training.label_measures import Predicted, confusion, judged, reliability
from kogpt_funcs.training.label_rows import Groups, columns_of
from kogpt_funcs.training.record import Record

_BEGIN, _END = "<!-- measured -->", "<!-- /measured -->"
_FONTS = ("NanumGothic", "Noto Sans CJK KR", "Malgun Gothic", "AppleGothic")  # one that has Hangul, if there is one
_NAMES = {
    "accuracy": "accuracy (likeliest label)",
    "macro_f1": "macro-F1",
    "mean_auc": "mean one-vs-rest AUC",
    "weakest_auc": "weakest AUC",
    "ece": "expected calibration error, 15 bins",
}


def write(
    out: Path,
    function: str,
    run: Record,
    figures: dict[str, Any],
    groups: Groups,
    predicted: Predicted | None,
    curve: list[dict[str, Any]],
) -> None:
    """Writes the pictures and, between two marks in out/README.md, the measured part of the card; the rest of a card
    is left as it is.
    """
    from matplotlib import rc_context

    with rc_context({"font.family": [_hangul() or "sans-serif"], "axes.unicode_minus": False}):
        pictures = [_curves(out, curve)] if any(line.get("validation_loss") is not None for line in curve) else []
        if predicted is not None and len(predicted.logits):
            pictures += [_reliability(out, groups, predicted), *_confusions(out, groups, predicted)]
    part = "\n".join([_BEGIN, *_text(run, figures, groups, pictures), _END])
    card = out / "README.md"
    before = card.read_text(encoding="utf-8") if card.is_file() else _front(function, run)
    marked = re.compile(f"{_BEGIN}.*{_END}", re.DOTALL)
    after = marked.sub(lambda _: part, before) if marked.search(before) else f"{before.rstrip()}\n\n{part}\n"
    card.write_text(after, encoding="utf-8")


def _front(function: str, run: Record) -> str:
    return (
        "---\nlanguage: ko\nlicense: other\nlibrary_name: transformers\npipeline_tag: text-classification\n---\n\n"
        f"# {function}\n\nStarted from `{run.base}`. Its licence follows from the base's and the data's: name "
        f"them here.\n"
    )


def _text(run: Record, figures: dict[str, Any], groups: Groups, pictures: list[tuple[str, str]]) -> list[str]:
    files = [f"- `{entry['file']}`, {entry['rows']:,} rows, SHA-256 `{entry['sha256'][:12]}`" for entry in run.data]
    given = " ".join(f"--data {entry['file']}" for entry in run.data)
    options = {
        key: run.options[key]
        for key in ("minutes", "epochs", "patience", "lr", "batch_size", "seed")
        if run.options.get(key) is not None
    }
    command = " ".join(
        [
            "kogpt train",
            run.name,
            f"--base {run.base}",
            given,
            *(f"--{k.replace('_', '-')} {v:g}" for k, v in options.items()),
        ]
    )
    return [
        "## Data it was trained on",
        "",
        *dict.fromkeys(files),
        "",
        "## Command",
        "",
        f"`{command}`: {figures['steps']:,} steps over {figures['training_rows']:,} rows, {run.started[:10]}.",
        "",
        "## Held-out figures",
        "",
        f"{figures['held_out_rows']:,} held-out rows that neither training nor calibration saw; "
        f"{figures['calibration_rows']:,} others "
        "chose temperatures, thresholds and the weight of the n-grams.",
        "",
        *_table(figures, groups),
        "",
        *(f"![{title}]({name})" for name, title in pictures),
    ]


def _table(figures: dict[str, Any], groups: Groups) -> list[str]:
    measured = [name for name in groups if any(f"{name}_{key}" in figures for key in _NAMES)]
    lines = [f"| | {' | '.join(measured)} |", f"|---|{'---:|' * len(measured)}"]
    for key, title in _NAMES.items():
        cells = [_cell(figures.get(f"{name}_{key}")) for name in measured]
        lines += [f"| {title} | {' | '.join(cells)} |"] if any(cells) else []
    return lines if measured else []


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{number:.3f} ({label})" for label, number in value.items())
    return f"{value:.3f}" if value is not None else ""


def _curves(out: Path, curve: list[dict[str, Any]]) -> tuple[str, str]:
    figure, axes = _figure(6, 4)
    for key, name in (("train_loss", "training"), ("validation_loss", "held-out (calibration rows)")):
        points = [(line["step"], line[key]) for line in curve if line.get(key) is not None]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    axes.set(xlabel="step", ylabel="loss (sum over the label groups)")
    axes.legend()
    return _saved(figure, out, "learning_curves.png", "Learning curves")


def _reliability(out: Path, groups: Groups, predicted: Predicted) -> tuple[str, str]:
    figure, axes = _figure(5, 5)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
    for name, part in columns_of(groups).items():
        rows = predicted.of(part)
        if len(rows.logits):
            bins = reliability(*judged(groups[name], rows))
            axes.plot(bins[:, 0], bins[:, 1], marker="o", label=name)
    axes.set(xlabel="probability that was said", ylabel="share that was right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    return _saved(figure, out, "reliability.png", "Reliability: what a probability is worth")


def _confusions(out: Path, groups: Groups, predicted: Predicted) -> list[tuple[str, str]]:
    found = []
    for name, part in columns_of(groups).items():
        rows = predicted.of(part)
        if groups[name]["activation"] == "softmax" and len(rows.logits):
            counts = confusion(groups[name], rows)
            found.append(
                _saved(
                    _matrix(counts, groups[name]["labels"]),
                    out,
                    f"confusion_{name}.png",
                    f"Confusion of {name}, share of each row",
                )
            )
    return found


def _matrix(counts: np.ndarray, labels: list[str]) -> Any:
    figure, axes = _figure(1.5 + 0.8 * len(labels), 1.5 + 0.7 * len(labels))
    shares = counts / counts.sum(1, keepdims=True).clip(1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(*shares.shape):
        axes.text(
            j, i, f"{shares[i, j]:.2f}", ha="center", va="center", color="white" if shares[i, j] > 0.5 else "black"
        )
    named = labels if _hangul() else [str(i) for i in range(len(labels))]
    axes.set_xticks(range(len(labels)), named)
    axes.set_yticks(range(len(labels)), [f"{name} ({count})" for name, count in zip(named, counts.sum(1), strict=True)])
    axes.set(xlabel="read", ylabel="labelled (rows)")
    return figure


def _hangul() -> str | None:
    from matplotlib import font_manager

    there = {font.name for font in font_manager.fontManager.ttflist}
    return next((name for name in _FONTS if name in there), None)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure  # no window system

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _saved(figure: Any, out: Path, name: str, title: str) -> tuple[str, str]:
    figure.savefig(out / name, dpi=110, metadata={"Software": None})
    return name, title
