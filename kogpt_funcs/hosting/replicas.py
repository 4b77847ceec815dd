"""The model layer on Ray Serve: what runs in a replica, and what hands requests to the replicas."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from anyio import to_thread

from kogpt_funcs.contract import registry, settings
from kogpt_funcs.contract.errors import Busy, KogptError
from kogpt_funcs.hosting.said import Said, value
from kogpt_funcs.models import Generation, Prompt, Sample, Score, here
from kogpt_funcs.models.bases import checkpoints

_NEWS_SECONDS = 0.05  # between two snapshots that travel
_ATTEMPTS = 5  # at a request whose replica dies
_SEEDS = 2**31
_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Generator:
    """A replica of the base with its adapters. It is ready when they are loaded."""

    def __init__(self) -> None:
        for name in registry.names():
            request = Generation(prompt=["안녕"], adapter=name, adapter_optional=True, max_new_tokens=2)
            list(here.generate(request))

    async def generate(self, request: Generation) -> AsyncIterator[list[Sample] | Said]:
        """Snapshots, not every one: the newest each twentieth of a second, and the last."""
        snapshots: Iterator[list[Sample]] = iter(())
        try:
            snapshots = here.generate(request)
            over = False
            while not over:
                newest, over = await to_thread.run_sync(_newest, snapshots)
                if newest is not None:
                    yield newest
        except KogptError as error:
            yield Said(error)
        finally:  # who asked may have left: the work ends with this
            close: Callable[[], None] = getattr(snapshots, "close", lambda: None)
            await to_thread.run_sync(close)

    async def score(self, prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None) -> list[Score] | Said:
        return await _in_thread(here.score, prompts, targets, adapter)


class Classifier:
    """A replica of the classifiers."""

    def __init__(self) -> None:
        for name in registry.names():
            found = checkpoints.classifier(name, settings.current().base)
            if (settings.current().weights / found / "config.json").is_file():
                here.classify(["안녕"], name)

    async def classify(self, texts: list[str], checkpoint: str) -> list[dict[str, dict[str, float]]] | Said:
        return await _in_thread(here.classify, texts, checkpoint)


class Replicas:
    """The entries of the model layer, run by replicas behind two Ray Serve handles.

    A request whose replica dies goes to another one. It is given a seed before it is sent, so that it is the same text
    that is written again.
    """

    def __init__(self, generators: Any, classifiers: Any) -> None:
        self._generators, self._classifiers = generators, classifiers

    def generate(self, request: Generation) -> Iterator[list[Sample]]:
        if request.seed is None:
            request = replace(request, seed=random.randrange(_SEEDS))
        for attempt in range(_ATTEMPTS):
            answers = self._generators.options(stream=True).generate.remote(request)
            try:
                for samples in answers:
                    yield value(samples)
                return
            except Exception as error:
                _lost(error, attempt)
            finally:
                answers.cancel()
        raise Busy(5)

    def score(self, prompts: Sequence[Prompt], targets: Sequence[str], adapter: str | None) -> list[Score]:
        scores: list[Score] = _asked(lambda: self._generators.score.remote(prompts, targets, adapter))
        return scores

    def classify(self, texts: list[str], checkpoint: str) -> list[dict[str, dict[str, float]]]:
        found: list[dict[str, dict[str, float]]] = _asked(lambda: self._classifiers.classify.remote(texts, checkpoint))
        return found

    def resident(self) -> dict[str, Any]:
        return here.resident()


def _newest(snapshots: Iterator[_T]) -> tuple[_T | None, bool]:
    """The last snapshot of the next while, and whether it was the last of all."""
    until = time.monotonic() + _NEWS_SECONDS
    newest = None
    for newest in snapshots:
        if time.monotonic() >= until:
            return newest, False
    return newest, True


async def _in_thread(work: Callable[..., _T], *arguments: Any) -> _T | Said:
    try:
        return await to_thread.run_sync(work, *arguments)
    except KogptError as error:
        return Said(error)


def _asked(ask: Callable[[], Any]) -> Any:
    for attempt in range(_ATTEMPTS):
        try:
            return value(ask().result())
        except Exception as error:
            _lost(error, attempt)
    raise Busy(5)


def _lost(error: Exception, attempt: int) -> None:
    """Nothing, where the replica died under the request; Busy, where all of them have too much to do; else raises
    `error`.
    """
    from ray.exceptions import RayActorError
    from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError

    if isinstance(error, BackPressureError):
        raise Busy() from error
    if not isinstance(error, (RayActorError, DeploymentUnavailableError, ReplicaUnavailableError)):
        raise error
    log.warning("A replica was lost under a request (%s); attempt %s.", type(error).__name__, attempt + 1)
