"""change_style: how near its answers come to the references, beside a copy of the source; style, words and numbers
kept.
"""

from __future__ import annotations

from statistics import mean
from typing import Any, NamedTuple

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from kogpt_funcs.change_style import COLUMNS, ChangeStyleInput, Style
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.shape import shapes
from kogpt_funcs.evaluation import adapters, rows
from kogpt_funcs.evaluation.answers import answers
from kogpt_funcs.evaluation.char_ngrams import CharNgrams, fitted
from kogpt_funcs.evaluation.kept_words import DEFINITION, kept, percent
from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.korean.abuse import is_abusive
from kogpt_funcs.korean.text import clean

_STYLES: dict[str, str] = dict(zip(Style.__args__, COLUMNS, strict=True))  # type: ignore[attr-defined]
_PLAIN = ("존댓말", "반말")
_LONGEST = shapes(ChangeStyleInput)["text"].longest or 0


class Pair(NamedTuple):
    source: str
    style: str
    reference: str


def measure(asked: Asked) -> Figures:
    """For each style: chrF (Popović 2015) and BLEU of the function's first answer and of the copied source, style
    accuracy.
    """
    held = rows.held_out(asked)
    chosen = rows.draw(held, asked.limit, asked.seed)
    found = [pair for row in chosen for pair in pairs(row)]
    if not found:
        raise KogptError(f"No held-out row has two styles. A row's columns are styles: {', '.join(COLUMNS)}.")
    judge = _judge(asked)
    asking = [{"text": pair.source, "style": pair.style, "seed": asked.seed} for pair in found]
    written = [said.text for said in answers("change_style", asking)]
    styles = {
        style: _style_figures(style, found, written, judge) for style in _STYLES if any(p.style == style for p in found)
    }
    styles["mean"] = {"pairs": len(found), **_means(list(styles.values()))}
    return {
        "function": "change_style",
        "held_out_rows": len(chosen),
        **adapters.bits_per_character(asked, held),
        "styles": styles,
        "kept": kept([(pair.source, text, pair.reference) for pair, text in zip(found, written, strict=True)]),
        "notes": _NOTES,
    }


_NOTES = [
    "Each style is asked of 존댓말, 존댓말 of 반말; texts with swear words are left out, as in training.",
    "removed: the share of the chrF distance between the copied source and the reference that the answer removes.",
    "accuracy: share of texts that character n-grams with logistic regression, fitted on the training rows, "
    "read as that style "
    "among all styles; of references: the same of the real held-out texts. two-way: between 존댓말 and 반말 alone.",
    f"kept: {DEFINITION}",
]


def pairs(row: dict[str, Any]) -> list[Pair]:
    """What `row` asks: each style of its 존댓말, 존댓말 of its 반말. Columns hold a text, or a list whose first one
    counts.
    """
    said = {style: text for style, column in _STYLES.items() if (text := _text(row.get(column)))}
    sources = {style: said.get("반말" if style == "존댓말" else "존댓말", "") for style in said}
    return [Pair(sources[style], style, text) for style, text in said.items() if 0 < len(sources[style]) <= _LONGEST]


def _text(value: Any) -> str:
    first = (value[0] if value else "") if isinstance(value, list) else value
    text = clean(str(first or "")).replace("\n", " ")
    return "" if is_abusive(text) else text


def _judge(asked: Asked) -> CharNgrams:
    said = [
        (text, style)
        for row in rows.training(asked)
        for style, column in _STYLES.items()
        if (text := _text(row.get(column)))
    ]
    return fitted([text for text, _ in said], [style for _, style in said], asked.cache)


def _style_figures(style: str, found: list[Pair], said: list[str], judge: CharNgrams) -> dict[str, Any]:
    written = [(text, pair) for pair, text in zip(found, said, strict=True) if pair.style == style]
    texts, sources, references = (
        [a for a, _ in written],
        [p.source for _, p in written],
        [p.reference for _, p in written],
    )
    chrf, bleu = CHRF(), BLEU()
    copied, reached = chrf.corpus_score(sources, [references]).score, chrf.corpus_score(texts, [references]).score
    figures: dict[str, Any] = {
        "pairs": len(texts),
        "chrf_copy": round(copied, 1),
        "chrf": round(reached, 1),
        "removed_percent": round(100 * (reached - copied) / (100 - copied), 1) if copied < 100 else None,
        "bleu_copy": round(bleu.corpus_score(sources, [references]).score, 1),
        "bleu": round(bleu.corpus_score(texts, [references]).score, 1),
        "accuracy_percent": _accuracy(judge, texts, style, list(_STYLES)),
        "of_references_percent": _accuracy(judge, references, style, list(_STYLES)),
    }
    if style in _PLAIN:
        figures["two-way_percent"] = _accuracy(judge, texts, style, list(_PLAIN))
    return figures


def _accuracy(judge: CharNgrams, texts: list[str], style: str, among: list[str]) -> float | None:
    known = [label for label in among if label in judge.labels]
    return percent([label == style for label in judge.read(texts, known)])


def _means(styles: list[dict[str, Any]]) -> dict[str, float | None]:
    """The mean over the styles of each figure that all of them have; a style without it is left out."""
    columns = [column for column in styles[0] if column != "pairs" and all(column in row for row in styles)]
    known = {column: [row[column] for row in styles if row[column] is not None] for column in columns}
    return {column: round(mean(values), 1) if values else None for column, values in known.items()}
