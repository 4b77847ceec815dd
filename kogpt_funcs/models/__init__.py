"""Checkpoints, loaded once and shared by every function. Importing this package does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from kogpt_funcs.models import here
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


class Entries(Protocol):
    """Who runs requests. Its methods take and give what the functions of this module do."""

    def generate(self, request: Generation, /) -> Iterator[list[Sample]]: ...

    def score(self, prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None, /) -> list[Score]: ...

    def classify(self, texts: list[str], checkpoint: str, /) -> list[dict[str, dict[str, float]]]: ...

    def resident(self) -> dict[str, Any]: ...


_entries: Entries = here


def run_by(entries: Entries) -> None:
    """Has `entries` run all requests of this process from now on: another process, or a GPU that comes and goes."""
    global _entries
    _entries = entries


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples of `request` as they grow; the last one is complete. Closing it cancels the work."""
    return _entries.generate(request)


def score(prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None = None) -> list[Score]:
    """How likely each of `targets` is after the prompt at its place; targets of one prompt share the reading of it.

    To rerank candidates: the mean after the prompt less a share of the mean after a neutral one. Bases that our own
    decoder does not run cannot score. Raises Busy, CheckpointError, or TooLarge for a target longer than the base
    reads.
    """
    if not targets:
        return []
    return _entries.score(prompts, targets, adapter)


def classify(texts: list[str], checkpoint: str) -> list[dict[str, dict[str, float]]]:
    """For each text: {label group: {label: probability}}, the groups being those of the checkpoint's config."""
    return _entries.classify(texts, checkpoint)


def thresholds(checkpoint: str) -> dict[str, dict[str, float]]:
    """{label group: {label: the probability from which it counts as found}}, for the groups of a classifier that have
    some.
    """
    from kogpt_funcs.models.classifier import thresholds as reading

    return reading.thresholds(checkpoint)


def resident() -> dict[str, Any]:
    """What is loaded now: device, and name, parameters, bytes and load count of each checkpoint."""
    return _entries.resident()
