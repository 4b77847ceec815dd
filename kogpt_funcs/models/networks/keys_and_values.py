"""A sequence's keys and values as a torch tensor that grows by pages."""

from __future__ import annotations

import torch

PAGE = 64  # tokens


class KeysAndValues:
    """[layers, 2, heads, capacity, size of a head], `length` tokens of it filled."""

    def __init__(self, shape: tuple[int, int, int], dtype: torch.dtype, device: torch.device) -> None:
        layers, heads, size = shape
        self.tensor = torch.empty(layers, 2, heads, PAGE, size, dtype=dtype, device=device)
        self.length = 0

    def reserve(self, length: int) -> None:
        """Makes room for `length` tokens in all."""
        if length > self.tensor.shape[3]:
            self.tensor = self._grown(length, self.length)

    def copy(self, length: int) -> KeysAndValues:
        """The first `length` tokens, with room for more."""
        other = object.__new__(KeysAndValues)
        other.tensor, other.length = self._grown(length + 1, length), length
        return other

    @property
    def bytes(self) -> int:
        return self.tensor.numel() * self.tensor.element_size()

    def _grown(self, room: int, length: int) -> torch.Tensor:
        layers, two, heads, _, size = self.tensor.shape
        grown = self.tensor.new_empty(layers, two, heads, -(-room // PAGE) * PAGE, size)
        grown[:, :, :, :length] = self.tensor[:, :, :, :length]
        return grown
