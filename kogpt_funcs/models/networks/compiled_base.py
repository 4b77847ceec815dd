"""A decoder by kernels/: hands them weights and tokens, runs their passes. What an architecture is, its own file
says.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import c_double, c_float, c_int, c_int8, c_int32, c_uint16
from typing import Any

import torch

from kogpt_funcs.models.networks.compiled_structures import (
    AdapterTable,
    Heads,
    KeysAndValues,
    Linear,
    LowRank,
    Model,
    Token,
    pointer,
)
from kogpt_funcs.models.networks.kernels import library
from kogpt_funcs.models.networks.network import Adapter, Network, Work

COLUMNS, _BLOCK = 32, 64  # linear.h: units of outputs and of inputs

#: pool.h: what a pass's time is counted under.
SPENT_ON = ("linear layers", "adapters", "attention", "between", "head")


class Compiled(Network):
    """int8 weights, int8 activations with a scale a token. What a sequence gets depends on nothing but itself, bit
    for bit.
    """

    batch_invariant = True
    dtype = "int8"

    def __init__(self, kernels: Any = None) -> None:
        """With the library `kernels`, or else with what the settings and the processor choose."""
        self.kernels = kernels or library()
        self._kept: list[torch.Tensor] = []  # what the structures point into
        self.model: Model

    @property
    def bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self._kept)

    def cache(self) -> KeysAndValues:
        by: Heads = self.model.by
        return KeysAndValues.empty(self.model.layers, by.heads // by.shared, by.size)

    def adapter(self, low_rank: Adapter) -> Any:
        kept: list[Any] = []
        table = (LowRank * len(low_rank))()
        for entry, pair in zip(table, low_rank, strict=True):
            if pair is not None:
                down = pair[0].detach().float().contiguous()
                rank = down.shape[0]
                up = pair[1].detach().float().view(-1, COLUMNS, rank).transpose(1, 2).contiguous()
                kept += [down, up]
                entry.down, entry.up, entry.rank = pointer(down, c_float), pointer(up, c_float), rank
        return AdapterTable(max((entry.rank for entry in table), default=0), table), kept

    def forward(self, work: Sequence[Work], *, every: bool = False) -> torch.Tensor:
        count = sum(len(piece.ids) for piece in work)
        wanted = count if every else len(work)
        tokens, last = (Token * count)(), (c_int * wanted)(*(range(count) if every else ()))
        self._prepare(max(piece.cache.length + len(piece.ids) for piece in work))
        at = 0
        for i, (ids, cache, adapter) in enumerate(work):
            cache.reserve(cache.length + len(ids))
            place, capacity, table = (
                cache.array.ctypes.data,
                cache.capacity,
                ctypes.pointer(adapter[0]) if adapter else None,
            )
            for position, token in enumerate(ids, cache.length):
                tokens[at] = Token(token, position, place, capacity, table)
                at += 1
            if not every:
                last[i] = at - 1
        logits = torch.empty(wanted, self._head.outputs)
        if self.kernels.forward(ctypes.byref(self.model), tokens, count, last, wanted, pointer(logits, c_float)):
            raise MemoryError(f"No memory for a pass over {count} tokens.")
        for ids, cache, _ in work:
            cache.length += len(ids)
        return logits[:, : self.vocabulary]

    def top(self, logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows, vocabulary = logits.shape
        logits = logits.contiguous()
        values, ids = torch.empty(rows, k), torch.empty(rows, k, dtype=torch.int32)
        self.kernels.top(pointer(logits, c_float), rows, vocabulary, k, pointer(ids, c_int), pointer(values, c_float))
        return values, ids.long()

    @property
    def products(self) -> int:
        """Multiply-adds of the linear layers for one token, the head among them."""
        linears = [linear for layer in self._layers for linear in layer.linear]
        return sum(linear.outputs * linear.inputs for linear in [*linears, self._head])

    def spent(self) -> dict[str, float]:
        """Seconds that passes have spent since the last call, by what they did."""
        seconds = (c_double * len(SPENT_ON))()
        self.kernels.spent(seconds)
        return dict(zip(SPENT_ON, seconds, strict=True))

    def _prepare(self, length: int) -> None:
        """What an architecture needs for sequences of `length` tokens."""

    def _set(self, model: Model, embeddings: torch.Tensor, layers: Any) -> None:
        """`model`, its head, which is its look-up of embeddings too, and its layers."""
        self.vocabulary = len(embeddings)
        self._head = self._linear([(embeddings, None)])
        self._layers = layers
        model.head, model.layer, model.layers = ctypes.pointer(self._head), layers, len(layers)
        self.model = model

    def _floats(self, tensor: torch.Tensor) -> Any:
        kept = tensor.detach().float().contiguous().clone()
        self._kept.append(kept)
        return pointer(kept, c_float)

    def _linear(self, parts: Sequence[tuple[torch.Tensor, torch.Tensor | None]]) -> Linear:
        """One linear layer of the weights [outputs, inputs] and biases of several."""
        source = torch.cat([weight.detach().float() for weight, _ in parts]).contiguous()
        real, inputs = source.shape
        outputs = -(-real // COLUMNS) * COLUMNS
        packed = torch.empty(outputs * inputs, dtype=torch.int8)
        scale, blocks = torch.empty(outputs), -(-inputs // _BLOCK)
        share = torch.empty(blocks * outputs, dtype=torch.float16)
        total = torch.empty(blocks * outputs, dtype=torch.int32)
        self.kernels.pack(
            pointer(source, c_float),
            real,
            outputs,
            inputs,
            pointer(packed, c_int8),
            pointer(scale, c_float),
            pointer(share, c_uint16),
            pointer(total, c_int32),
        )
        self._kept += [packed, scale, share, total]
        biases = [bias for _, bias in parts if bias is not None]
        return Linear(
            pointer(packed, c_int8),
            pointer(scale, c_float),
            pointer(share, c_uint16),
            pointer(total, c_int32),
            self._floats(torch.cat(biases)) if biases else None,
            outputs,
            inputs,
            len(parts),
            (c_int * 3)(*(len(weight) for weight, _ in parts)),
        )
