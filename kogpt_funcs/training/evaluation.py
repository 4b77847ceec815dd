"""Measures a checkpoint on held-out rows, beside a baseline: bits per character, and chrF where a source can be copied."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path
from statistics import mean
from typing import Any

from kogpt_funcs import models, registry, settings
from kogpt_funcs.models import Example, cache
from kogpt_funcs.models.language_model import LanguageModel
from kogpt_funcs.training import finetuning


def evaluate_adapter(function: str, files: list[Path], *, limit: int) -> dict[str, Any]:
    """Held-out bits per character, with the adapter and with the bare base, of `limit` examples drawn with seed 0."""
    held_out = finetuning.read_examples(function, files, held_out=True)
    chosen = random.Random(0).sample(held_out, min(limit, len(held_out)))
    with cache.using(settings.base(), lambda: LanguageModel(settings.base())) as base:
        found = finetuning.sequences(chosen, base.tokenizer, base.context)
        figures: dict[str, Any] = {"function": function, "base": base.name, "examples": len(found)}
        figures["bits_per_character_base"] = round(finetuning.bits_per_character(base.model, found), 4)
        base.attach(function)
        base.model.set_adapter(function)
        figures["bits_per_character"] = round(finetuning.bits_per_character(base.model, found), 4)
        base.reset()
    rewrites = getattr(registry.get(function).module, "REWRITES", False)
    return figures | (_chrf_figures(function, chosen) if rewrites else {})


def _chrf_figures(function: str, examples: list[Example]) -> dict[str, Any]:
    """For prompts of a source text and a kind: chrF (Popović 2015) of the greedy answer and of the copied source, by kind."""
    from sacrebleu.metrics.chrf import CHRF

    said: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for prompt, target in examples:
        source, style = (piece for piece in prompt if not isinstance(piece, models.Special))
        said[str(style)].append((str(source), _greedy(function, prompt), target))
    chrf = CHRF()
    rows: dict[str, Any] = {}
    for style, triples in sorted(said.items()):
        copied = chrf.corpus_score([s for s, _, _ in triples], [[t for _, _, t in triples]]).score
        written = chrf.corpus_score([w for _, w, _ in triples], [[t for _, _, t in triples]]).score
        removed = round(100 * (written - copied) / (100 - copied), 1) if copied < 100 else None
        rows[style] = {"examples": len(triples), "copying": round(copied, 1), "written": round(written, 1), "distance_removed_percent": removed}
    shares = [row["distance_removed_percent"] for row in rows.values() if row["distance_removed_percent"] is not None]
    return {"chrf": rows, "mean_distance_removed_percent": round(mean(shares), 1)}


def _greedy(function: str, prompt: models.Prompt) -> str:
    request = models.Generation(prompt=prompt, adapter=function, max_new_tokens=96, temperature=0.0)
    *_, samples = models.generate(request)
    return samples[0].text.strip()
