"""The entries of the model layer in this process: what `models.generate`, `score`, `classify` and `resident` come to,
unless `models.run_by` has put them elsewhere.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

from kogpt_funcs.contract import settings
from kogpt_funcs.models.prompt import Generation, Measure, Prompt, Sample, Score

_importing = threading.Lock()  # two threads that import transformers at once see half of it


def generate(request: Generation) -> Iterator[list[Sample]]:
    with _importing:
        from kogpt_funcs.models.bases import backends

        backend = backends.backend_for(settings.current().base)
    return backend(request)


def score(prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None) -> list[Score]:
    with _importing:
        from kogpt_funcs.models.bases import backends

        scorer = backends.scorer_for(settings.current().base)
    return scorer(prompts, targets, adapter)


def measure(prompt: Prompt, adapter: str | None) -> Measure | None:
    with _importing:
        from kogpt_funcs.models.bases import backends

        measurer = backends.measurer_for(settings.current().base)
    return measurer(prompt, adapter)


def classify(texts: list[str], checkpoint: str) -> list[dict[str, dict[str, float]]]:
    with _importing:
        from kogpt_funcs.models.classifier import classifier

    return classifier.classify(texts, checkpoint)


def resident() -> dict[str, Any]:
    from kogpt_funcs.models import cache

    return cache.resident()
