"""Checkpoints, loaded once and shared by every function. Importing this package does not import torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from kogpt_funcs.contract import settings
from kogpt_funcs.models.preferences import preferences, preferred
from kogpt_funcs.models.prompt import Example, Generation, Labelled, Prompt, Sample, Score, Special

__all__ = [
    "Example",
    "Generation",
    "Labelled",
    "Prompt",
    "Sample",
    "Score",
    "Special",
    "classify",
    "generate",
    "preferences",
    "preferred",
    "resident",
    "score",
    "thresholds",
]

_importing = threading.Lock()  # two threads that import transformers at once see half of it


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples of `request` as they grow; the last one is complete. Closing it cancels the work."""
    with _importing:
        from kogpt_funcs.models.bases import backends

        backend = backends.backend_for(settings.current().base)
    return backend(request)


def score(prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None = None) -> list[Score]:
    """How likely each of `targets` is after the prompt at its place; targets of one prompt share the reading of it.

    To rerank candidates: the mean after the prompt less a share of the mean after a neutral one. Bases that our own
    decoder does not run cannot score. Raises Busy, CheckpointError, or TooLarge for a target longer than the base
    reads.
    """
    if not targets:
        return []
    with _importing:
        from kogpt_funcs.models.bases import backends

        scorer = backends.scorer_for(settings.current().base)
    return scorer(prompts, targets, adapter)


def classify(texts: list[str], checkpoint: str) -> list[dict[str, dict[str, float]]]:
    """For each text: {label group: {label: probability}}, the groups being those of the checkpoint's config."""
    with _importing:
        from kogpt_funcs.models.classifier import classifier

    return classifier.classify(texts, checkpoint)


def thresholds(checkpoint: str) -> dict[str, dict[str, float]]:
    """{label group: {label: the probability from which it counts as found}}, for the groups of a classifier that have
    some.
    """
    with _importing:
        from kogpt_funcs.models.classifier import classifier

    return classifier.thresholds(checkpoint)


def resident() -> dict[str, Any]:
    """What is loaded now: device, and name, parameters, bytes and load count of each checkpoint."""
    from kogpt_funcs.models import cache

    return cache.resident()
