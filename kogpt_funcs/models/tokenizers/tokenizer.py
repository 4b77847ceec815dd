"""What a tokenizer is to the rest of the house: text to ids, ids to text, and which ids are no text."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol

from kogpt_funcs.models.prompt import Prompt


class Flags(Protocol):
    """Yes or no for each id: a list, or a table that finds out when it is asked."""

    def __getitem__(self, token: int, /) -> bool: ...


class Detokenizer(Protocol):
    """All that choosing tokens and ending a sample need of a vocabulary."""

    @property
    def end(self) -> int:
        """The id that ends a text."""

    @property
    def control(self) -> Collection[int]:
        """Ids that are no text, `end` among them. None of them but `end` is ever drawn."""

    @property
    def newline(self) -> int | None:
        """The id that is a line break and nothing else, if there is one."""

    @property
    def breaks_word(self) -> Flags:
        """For each id: is the word before it complete?"""

    def decode(self, ids: Iterable[int], /) -> str:
        """Text of `ids`: control ids are dropped, an unfinished character is held back."""


class Tokenizer(Detokenizer, Protocol):
    """A base's own vocabulary."""

    @property
    def size(self) -> int:
        """Number of ids."""

    @property
    def pad(self) -> int:
        """The id that fills up a row of a batch. It is never read."""

    def encode(self, prompt: Prompt, /) -> list[int]:
        """Ids of a prompt. Each piece of text is encoded by itself, and none of it turns into a control id."""

    def save(self, path: Path, /) -> None:
        """Writes the tokenizer.json that this tokenizer is read from."""
