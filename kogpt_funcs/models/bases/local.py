"""Writes and scores text: hands a request to the engine of the base, which all requests share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from kogpt_funcs.contract import settings
from kogpt_funcs.models import cache
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.language_model import LanguageModel
from kogpt_funcs.models.decoder.engine import Engine
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.prompt import Generation, Measure, Prompt, Sample, Score


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples as they grow; the last one is complete. Raises Busy or CheckpointError."""
    with _engine(request.adapter, request.adapter_optional) as (engine, adapter):
        if request.plain and request.adapter and _checkpoint(request.adapter, True) == (settings.current().base, None):
            request = replace(request, prompt=request.plain)
        yield from engine.generate(request, adapter)


def score(prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None) -> list[Score]:
    """How likely each target is after the prompt at its place. Raises Busy, CheckpointError or TooLarge."""
    with _engine(adapter, optional=False) as (engine, loaded):
        return engine.score(prompts, targets, loaded)


def measure(prompt: Prompt, adapter: str | None) -> Measure:
    """How many tokens `prompt` has for the checkpoint that answers."""
    name, _ = _checkpoint(adapter, optional=True)
    with cache.using(name, lambda: LanguageModel(name)) as model:
        return Measure(len(model.tokenizer.encode(prompt)), model.engine.context)


@contextmanager
def _engine(adapter: str | None, optional: bool) -> Iterator[tuple[Engine, Any]]:
    """The engine of the checkpoint that answers, with `adapter` as it takes it."""
    name, wanted = _checkpoint(adapter, optional)
    with admitted(), cache.using(name, lambda: LanguageModel(name)) as model:
        yield model.engine, model.adapter(wanted) if wanted else None


def _checkpoint(adapter: str | None, optional: bool) -> tuple[str, str | None]:
    """The checkpoint that answers, and the adapter on it: a function's own full checkpoint is used before its
    adapter.
    """
    base = settings.current().base
    if adapter and (full := checkpoints.full_checkpoint(adapter, base)):
        return full, None
    if adapter and optional and checkpoints.adapter_folder(adapter, base) is None:
        return base, None
    return base, adapter
