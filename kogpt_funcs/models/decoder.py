"""Writes text: hands a request to the engine of the base, which all requests share."""

from __future__ import annotations

from collections.abc import Iterator

from kogpt_funcs import settings
from kogpt_funcs.models import cache
from kogpt_funcs.models.gate import admitted
from kogpt_funcs.models.language_model import LanguageModel
from kogpt_funcs.models.prompt import Generation, Sample


def generate(request: Generation) -> Iterator[list[Sample]]:
    """Snapshots of the samples as they grow; the last one is complete. Raises Busy or CheckpointError."""
    with admitted(), cache.using(settings.base(), lambda: LanguageModel(settings.base())) as model:
        adapter = model.adapter(request.adapter) if request.adapter else None
        yield from model.engine.generate(request, adapter)
