"""What the decoder asks of a network: new tokens of many sequences in, logits out. It knows no architecture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

#: A low-rank addition to one linear layer (Hu et al. 2021): down [rank, inputs], up [outputs, rank].
LowRank = tuple[torch.Tensor, torch.Tensor]
#: One for each linear layer, block after block, in the order of Architecture.parts; None where there is none.
Adapter = list["LowRank | None"]


class Work(NamedTuple):
    """New tokens of one sequence."""

    ids: list[int]
    cache: Any  # of the network's own cache()
    adapter: Any  # of the network's own adapter(), or None


class Network:
    """A language model's weights, ready to run. Used by one thread at a time."""

    #: Does a sequence get the same, bit for bit, whatever else is in the batch?
    batch_invariant = False
    dtype = ""
    vocabulary = 0

    @property
    def bytes(self) -> int:
        raise NotImplementedError

    def cache(self) -> Any:
        """An empty cache of keys and values; it has `length`, `bytes` and `copy(length)`."""
        raise NotImplementedError

    def adapter(self, low_rank: Adapter) -> Any:
        """An adapter as this network takes it."""
        raise NotImplementedError

    def forward(self, work: Sequence[Work], *, every: bool = False) -> torch.Tensor:
        """Logits [pieces of work, vocabulary], fp32 on the CPU, after each one's last new token; their caches grow.

        With `every`, after each new token of each: [tokens, vocabulary].
        """
        raise NotImplementedError

    def top(self, logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Values and ids [rows, k] of the k largest logits of each row, largest first."""
        raise NotImplementedError
