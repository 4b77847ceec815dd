"""Reading prompts: cut to what the model can read, begun where an earlier text began alike, a piece at a time."""

from __future__ import annotations

from typing import Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.decoder.running import OpenCache
from kogpt_funcs.models.prompt import Prompt
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer


class PromptReading:
    """A prompt's token ids, and the cache that holds those of them that have been read."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids
        self.cache: Any = None

    @property
    def done(self) -> bool:
        return self.cache is not None and self.cache.length >= len(self.ids)

    def next(self, room: int, open_cache: OpenCache) -> list[int]:
        """The ids to read next, `room` at most; the first time, `cache` is opened."""
        if room <= 0:
            return []
        if self.cache is None:
            self.cache = open_cache(self.ids)
        return self.ids[self.cache.length : self.cache.length + room]


def encode(tokenizer: Tokenizer, prompt: Prompt) -> list[int]:
    """Token ids of `prompt`; KogptError where there are none."""
    ids = tokenizer.encode(prompt)
    if not ids:
        raise KogptError("The prompt is empty. It needs at least one special token or some text.")
    return ids


def fit(ids: list[int], room: int) -> list[int]:
    """`ids`, `room` of them at most. Control tokens stand at both ends of a prompt: text is lost just after the first
    one.
    """
    return ids if len(ids) <= room else [ids[0], *ids[len(ids) - room + 1 :]]
