"""The suite on ZeroGPU, where a process has a GPU only inside a function under `@spaces.GPU`.

The page's process loads nothing. Each request of the model layer runs in the worker that `spaces` forks, which loads
the base when it is first asked and keeps it for as long as `spaces` keeps the worker. Elsewhere the decorator does
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from kogpt_funcs import models
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.hosting.said import Said, value
from kogpt_funcs.models import Generation, Prompt, Sample, Score, here
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.surfaces import suite

_SECONDS = 30  # of GPU that a request is given at most; visitors with less left of their day are told so


def generate_on_gpu(request: Generation) -> Iterator[list[Sample] | Said]:
    try:
        yield from here.generate(request)
    except KogptError as error:
        yield Said(error)


def score_on_gpu(prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None) -> list[Score] | Said:
    try:
        return here.score(prompts, targets, adapter)
    except KogptError as error:
        return Said(error)


def classify_on_gpu(texts: list[str], checkpoint: str) -> list[dict[str, dict[str, float]]] | Said:
    try:
        return here.classify(texts, checkpoint)
    except KogptError as error:
        return Said(error)


class ZeroGpu:
    """The entries of the model layer, each with a GPU for as long as it runs."""

    def __init__(self) -> None:
        import spaces

        on_gpu = spaces.GPU(duration=_SECONDS)
        self._generate, self._score, self._classify = (
            on_gpu(task) for task in (generate_on_gpu, score_on_gpu, classify_on_gpu)
        )

    def generate(self, request: Generation) -> Iterator[list[Sample]]:
        with _told():
            for samples in self._generate(request):
                yield value(samples)

    def score(self, prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None) -> list[Score]:
        with _told():
            scores: list[Score] = value(self._score(prompts, targets, adapter))
        return scores

    def classify(self, texts: list[str], checkpoint: str) -> list[dict[str, dict[str, float]]]:
        with _told():
            found: list[dict[str, dict[str, float]]] = value(self._classify(texts, checkpoint))
        return found

    def resident(self) -> dict[str, Any]:
        return here.resident()


@contextmanager
def _told() -> Iterator[None]:
    """What `spaces` tells visitors, such as that their GPU time is used up, in the suite's own error family."""
    import gradio

    try:
        yield
    except gradio.Error as error:
        raise KogptError(str(error.message)) from error


def launch(names: Sequence[str] | None = None) -> NoReturn:
    """`suite.launch` on ZeroGPU. The base's files are made ready first; no GPU is asked for before a visitor does."""
    models.run_by(ZeroGpu())
    checkpoints.folder(settings.current().base)
    suite.launch(names, warm=False)
