"""Checkpoints, loaded once and shared by every function. Importing this package does not import torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import Busy
from kogpt_funcs.models import gate, here, meter
from kogpt_funcs.models.gate import Load
from kogpt_funcs.models.meter import Meter
from kogpt_funcs.models.preferences import preferences, preferred
from kogpt_funcs.models.prompt import Example, Generation, Labelled, Measure, Prompt, Sample, Score, Special, written

__all__ = [
    "Example",
    "Generation",
    "Labelled",
    "Measure",
    "Prompt",
    "Sample",
    "Score",
    "Special",
    "adapters",
    "base_name",
    "classify",
    "counts",
    "full",
    "generate",
    "in_this_process",
    "load",
    "measure",
    "preferences",
    "preferred",
    "resident",
    "score",
    "thresholds",
    "written",
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


def measure(prompt: Prompt, adapter: str | None = None) -> Measure | None:
    """How many tokens `prompt` has for the base, or for the checkpoint of `adapter`; None where another process or a
    server alone knows. Raises CheckpointError.
    """
    return here.measure(prompt, adapter) if in_this_process() else None


def base_name() -> str:
    """What the base is called: its folder, its hub name with two dashes, or a server's name for it."""
    from kogpt_funcs.models.bases import checkpoints, remote

    base = settings.current().base
    return remote.address(base).model if remote.is_remote(base) else checkpoints.slug(base)


def adapters() -> list[str]:
    """What has been trained on this base, by name."""
    from kogpt_funcs.models.bases import checkpoints, remote

    base = settings.current().base
    return [] if remote.is_remote(base) else checkpoints.adapters(base)


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


def in_this_process() -> bool:
    """Does nothing here wait for another process?"""
    return _entries is here


def load() -> Load:
    """How many requests are at work or waiting for a model, of how many; and how many have been told to come back."""
    return gate.load()


def full() -> Busy:
    """What to tell one who is turned away before a model is asked; it is counted."""
    return gate.full()


def counts() -> Meter:
    """What our own decoder has done since the process began: tokens, batches."""
    return meter.counts()
