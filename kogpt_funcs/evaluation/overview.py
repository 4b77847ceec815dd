"""Every function on every base in one table: the same held-out rows, the figures that tell most."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import measuring
from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.evaluation.rows import Asked

#: The folder of rows that ships with a clone.
WRITTEN = Path(__file__).parent.parent.parent / "data" / "written"

#: Function → the files of the folder that have its rows, columns by another name, and what of its figures is shown.
_SHOWN: dict[str, tuple[tuple[str, ...], dict[str, str], dict[str, tuple[str, ...]]]] = {
    "change_style": (
        ("style.tsv",),
        {},
        {
            "chrF distance removed, mean of styles, %": ("styles", "mean", "removed_percent"),
            "the same, 존댓말, %": ("styles", "존댓말", "removed_percent"),
            "the same, 반말, %": ("styles", "반말", "removed_percent"),
            "read as the style asked for, %": ("styles", "mean", "accuracy_percent"),
            "words kept, %": ("kept", "words", "kept_percent"),
            "numbers kept, %": ("kept", "numbers", "kept_percent"),
        },
    ),
    "classify_emotion": (
        ("emotion.tsv",),
        {},
        {
            "six: right at the first label": ("six", "checkpoint", "accuracy"),
            "six: macro-F1": ("six", "checkpoint", "macro_f1"),
            "six: mean AUC": ("six", "checkpoint", "mean_auc"),
            "six: calibration error": ("six", "checkpoint", "ece"),
        },
    ),
    "continue_text": (
        ("stories.jsonl", "prose.jsonl"),
        {},
        {
            "ends at a sentence's end, %": ("figures", "end_at_a_sentence_end_percent", "written"),
            "loops, %": ("figures", "loop_percent", "written"),
            "distinct-2": ("figures", "distinct_2", "written"),
            "distinct-2 of real text": ("figures", "distinct_2", "real"),
        },
    ),
    "write_comment": (
        ("comments.tsv",),
        {"text": "comment"},
        {
            "mood read back, %": ("moods", "mean", "read_back_percent"),
            "mood read back of real comments, %": ("moods", "mean", "of_real_percent"),
            "topic's words in the comment, %": ("comments", "topic_kept_percent", "written"),
            "the same of real comments, %": ("comments", "topic_kept_percent", "real"),
            "distinct-2": ("comments", "distinct_2", "written"),
        },
    ),
    "relay_novel": (
        ("relay.jsonl",),
        {},
        {
            "bits a character, trained for it": ("bits_per_character", "trained for it", "bits"),
            "bits a character, base alone": ("bits_per_character", "base alone", "bits"),
        },
    ),
}


def measure(bases: Sequence[str], folder: Path, limit: int | None, seed: int = 0) -> Figures:
    """A table for each function: a row for each figure, a column for each of `bases`. Where a base has no weights for
    a function its column says "-", and why is told on stderr.

    `folder` holds the written rows, `limit` is the held-out rows (or samples) a function is measured on.
    """
    found: Figures = {}
    for name, (files, columns, shown) in _SHOWN.items():
        there = tuple(path for file in files if (path := _file(folder, file)))
        if not there:
            print(f"{name} is left out: {folder} has no {' or '.join(files)}.", file=sys.stderr)
            continue
        asked = Asked(name, there, limit, seed, columns)
        said = {Path(base).name: _figures(base, asked) for base in bases}
        found[name] = {
            label: {base: _reached(figures, path) for base, figures in said.items()} for label, path in shown.items()
        }
    if not found:
        raise KogptError(f"{folder} has none of the files that are measured on. Give data/written of a clone: --data.")
    return {**found, "notes": [f"Held-out rows of {folder.name}/, at most {limit or 'as many as each measure wants'}."]}


def _figures(base: str, asked: Asked) -> Figures:
    with settings.using(base=base):
        try:
            return measuring.measure(asked)
        except KogptError as error:
            print(f"{asked.function} on {base}: {error}", file=sys.stderr)
            return {}


def _file(folder: Path, name: str) -> Path | None:
    """`name` in the folder, as it is or compressed."""
    return next((path for ending in ("", ".xz", ".gz") if (path := folder / f"{name}{ending}").is_file()), None)


def _reached(figures: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    at: Any = figures
    for key in path:
        at = at.get(key) if isinstance(at, Mapping) else None
    return at
