"""Written replies, found by the meaning of what they answer. It needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import cache
from kogpt_funcs.models.retrieval.index import Entry, Found, Index

__all__ = ["NAME", "Entry", "Found", "Index", "using"]

NAME = "retrieval"


@contextmanager
def using() -> Iterator[Index]:
    """The index in weights/retrieval, loaded once for all. Raises CheckpointError."""
    with cache.using(NAME, _load) as index:
        yield index


def _load() -> Index:
    folder = settings.current().weights / NAME
    if not (folder / "vectors.safetensors").is_file():
        raise CheckpointError(
            f"No index in {folder.parent.name}/{NAME}. Build it: kogpt index --data chat.jsonl --data replies.tsv"
        )
    return Index(folder)
