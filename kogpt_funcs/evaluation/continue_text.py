"""continue_text: does a continuation end where a sentence does, does it go in circles, is it only remembered?"""

from __future__ import annotations

from typing import Any

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import memorisation, rows
from kogpt_funcs.evaluation.answers import answers
from kogpt_funcs.evaluation.diversity import cut_to, distinct, loops, self_bleu
from kogpt_funcs.evaluation.kept_words import percent
from kogpt_funcs.evaluation.report import Figures, beside
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.korean.text import clean, last_sentence_end, sentences
from kogpt_funcs.models.bases import checkpoints

_SAMPLES = 200
_WORDS = 5

_NOTES = [
    f"Prompts are the beginnings of held-out texts, by turns a whole sentence and {_WORDS} words; one "
    f"continuation each, with the function's own settings.",
    "real: what follows in that text, cut to as many words as the continuation has.",
    "loop: a word 4-gram that occurs twice, or a word four times in a row. distinct, self-BLEU: over words.",
    f"verbatim: characters in a row that also stand in the training rows; below {memorisation.SHORTEST} counts as 0.",
]


def measure(asked: Asked) -> Figures:
    """Figures of one continuation for each of at most 200 held-out prompts."""
    found = [pair for i, row in enumerate(rows.held_out(asked)) if (pair := split(row, whole=i % 2 == 0))]
    if not found:
        raise KogptError(f"No held-out row of {asked.names} has a `text` of two sentences or more.")
    chosen = rows.draw(found, asked.limit or _SAMPLES, asked.seed)
    prompts, follows = [prompt for prompt, _ in chosen], [rest for _, rest in chosen]
    fields = [{"text": prompt, "seed": asked.seed + i} for i, prompt in enumerate(prompts)]
    samples = [str(said.continuations[0].text) for said in answers("continue_text", fields)]
    real = list(cut_to(follows, samples))
    lengths = memorisation.longest_overlaps(
        [*samples, *real], (str(row.get("text") or "") for row in rows.training(asked))
    )
    return {
        "function": "continue_text",
        "base": checkpoints.slug(settings.current().base),
        "samples": len(samples),
        "figures": beside(
            written=_figures(samples) | memorisation.figures(lengths[: len(samples)]),
            real=_figures(real, ends=False) | memorisation.figures(lengths[len(samples) :]),
        ),
        "notes": _NOTES,
    }


def split(row: dict[str, Any], *, whole: bool) -> tuple[str, str] | None:
    """A prompt and what follows it: after the first sentence, or after five words; None where nothing follows."""
    text = " ".join(clean(str(row.get("text") or "")).split())
    first, *others = sentences(text) if text else [""]
    words = text.split()
    before, after = (first, " ".join(others)) if whole else (" ".join(words[:_WORDS]), " ".join(words[_WORDS:]))
    return (before, after) if others and after and len(before) <= 1000 else None


def _figures(texts: list[str], *, ends: bool = True) -> dict[str, Any]:
    return {
        "end_at_a_sentence_end_percent": percent([_ends(text) for text in texts]) if ends else None,
        "loop_percent": percent([loops(text) for text in texts]),
        "empty_percent": percent([not text.strip() for text in texts]),
        "distinct_1": distinct(texts, 1),
        "distinct_2": distinct(texts, 2),
        "self_bleu": self_bleu(texts),
    }


def _ends(text: str) -> bool:
    text = text.strip()
    return bool(text) and last_sentence_end(text) == len(text)
