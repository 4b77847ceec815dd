"""A language of letters and a network of one random table: all that the decoder may know of a base, in numbers of its
own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kogpt_funcs.models.networks.network import Adapter, Network, Work
from kogpt_funcs.models.prompt import Prompt, Special

LETTERS = "abcdefghijklmnop .\n"
START, PAD, END = 7, 3, 5  # among the letters, unlike any real vocabulary


class Letters:
    """A tokenizer with a token a letter; a word ends where a letter does not follow."""

    end, pad = END, PAD
    control: Collection[int] = (START, PAD, END)

    def __init__(self) -> None:
        letters = iter(LETTERS)
        self.texts = ["" if i in self.control else next(letters) for i in range(len(LETTERS) + len(self.control))]
        self.size = len(self.texts)
        self.newline: int | None = self.texts.index("\n")
        self.breaks_word = [not text.isalpha() for text in self.texts]

    def encode(self, prompt: Prompt) -> list[int]:
        return [
            i for piece in prompt for i in ([START] if isinstance(piece, Special) else map(self.texts.index, piece))
        ]

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.texts[i] for i in ids)

    def save(self, path: Path) -> None:
        path.write_text(LETTERS, encoding="utf-8")


class Read:
    """A cache: the ids that have been read."""

    def __init__(self, ids: Sequence[int] = ()) -> None:
        self.ids = list(ids)

    @property
    def length(self) -> int:
        return len(self.ids)

    @property
    def bytes(self) -> int:
        return 100 * len(self.ids)

    def copy(self, length: int) -> Read:
        return Read(self.ids[:length])


class TableNetwork(Network):
    """Logits hang on the last two ids and on the adapter, a number that shifts them. It remembers its passes."""

    batch_invariant = True
    dtype = "fp32"

    def __init__(self, size: int, seed: int = 0) -> None:
        self.vocabulary = size
        self.table = np.random.default_rng(seed).normal(0, 2, (size, size, size)).astype(np.float32)
        self.passes: list[list[Work]] = []

    @property
    def bytes(self) -> int:
        return self.table.nbytes

    def cache(self) -> Read:
        return Read()

    def adapter(self, low_rank: Adapter) -> Any:
        return len(low_rank)

    def after(self, ids: Sequence[int], adapter: Any = None) -> np.ndarray:
        row = self.table[ids[-2] if len(ids) > 1 else ids[-1], ids[-1]]
        return np.roll(row, adapter or 0)

    def forward(self, work: Sequence[Work], *, every: bool = False) -> torch.Tensor:
        self.passes.append(list(work))
        rows = []
        for ids, cache, adapter in work:
            for n, token in enumerate(ids, 1):
                cache.ids.append(token)
                if every or n == len(ids):
                    rows.append(self.after(cache.ids, adapter))
        return torch.from_numpy(np.stack(rows))

    def top(self, logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        values, ids = torch.topk(logits, k)
        return values, ids
