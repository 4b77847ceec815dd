"""Who runs a request: our own decoder for the architectures it knows, transformers for others, a server for a URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.bases import remote
from kogpt_funcs.models.prompt import Generation, Measure, Prompt, Sample, Score

Backend = Callable[[Generation], Iterator[list[Sample]]]
Measurer = Callable[[Prompt, "str | None"], "Measure | None"]
Scorer = Callable[[Sequence[Prompt], Sequence[str], "str | None"], list[Score]]


def backend_for(base: str) -> Backend:
    """What generates with the base of that name: a checkpoint in weights/, a folder, a hub name, or URL#MODEL."""
    if remote.is_remote(base):
        return remote.generate
    if _ours(base, str(settings.current().weights)):
        from kogpt_funcs.models.bases import local

        return local.generate
    from kogpt_funcs.models.bases import causal_model

    return causal_model.generate


def scorer_for(base: str) -> Scorer:
    """What scores texts with the base of that name; CheckpointError where our own decoder does not run it."""
    from kogpt_funcs.models.bases import local

    if backend_for(base) is not local.generate:
        raise CheckpointError(
            "KOGPT_BASE names a base that cannot score texts. Bases that can are gemma, small and skt/kogpt2-base-v2."
        )
    return local.score


def measurer_for(base: str) -> Measurer:
    """What counts the tokens of prompts for the base of that name."""
    if remote.is_remote(base):
        return lambda prompt, adapter: None
    if _ours(base, str(settings.current().weights)):
        from kogpt_funcs.models.bases import local

        return local.measure
    from kogpt_funcs.models.bases import causal_model

    return causal_model.measure


@cache  # a hub name is looked up once; a failure is not kept
def _ours(base: str, weights: str) -> bool:
    """Does our own decoder run the architecture of `base`?"""
    from kogpt_funcs.models.bases import checkpoints, loading

    return loading.architecture_of(checkpoints.folder(base)) is not None
