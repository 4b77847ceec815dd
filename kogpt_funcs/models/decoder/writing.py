"""Writes text: hands a request to the engine of the base, which all requests share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kogpt_funcs.contract import settings
from kogpt_funcs.models import cache
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.bases.language_model import LanguageModel
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.prompt import Generation, Sample


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples as they grow; the last one is complete. Raises Busy or CheckpointError."""
    name, wanted = _checkpoint(request)
    with admitted(), cache.using(name, lambda: LanguageModel(name)) as model:
        adapter = model.adapter(wanted) if wanted else None
        if request.plain and name == settings.base() and adapter is None:
            request = replace(request, prompt=request.plain)
        yield from model.engine.generate(request, adapter)


def _checkpoint(request: Generation) -> tuple[str, str | None]:
    """The checkpoint that answers, and the adapter on it: a function's own full checkpoint is used before its adapter."""
    base, adapter = settings.base(), request.adapter
    if adapter and (full := checkpoints.full_checkpoint(adapter, base)):
        return full, None
    if adapter and request.adapter_optional and checkpoints.adapter_folder(adapter, base) is None:
        return base, None
    return base, adapter
