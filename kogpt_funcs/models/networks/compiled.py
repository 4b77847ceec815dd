"""GPT-2 in C, where the machine has AVX-512 VNNI: hands the kernels weights and tokens, runs their passes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, Structure, c_float, c_int, c_int8, c_int32, c_void_p
from typing import Any

import numpy as np
import torch

from kogpt_funcs.models.networks.kernels import library
from kogpt_funcs.models.networks.network import Adapter, Network, Work

_PAGE = 64  # a sequence's cache grows by so many tokens


class _Linear(Structure):
    _fields_ = [
        ("weight", POINTER(c_int8)), ("scale", POINTER(c_float)), ("sum", POINTER(c_int32)), ("bias", POINTER(c_float)),
        ("outputs", c_int), ("inputs", c_int),
    ]  # fmt: skip


class _Layer(Structure):
    _fields_ = [*((name, POINTER(c_float)) for name in ("norm1", "shift1", "norm2", "shift2")), ("parts", _Linear * 4)]


class _Model(Structure):
    _fields_ = [
        ("layers", c_int), ("width", c_int), ("heads", c_int), ("inner", c_int), ("epsilon", c_float),
        ("positions", POINTER(c_float)), ("norm", POINTER(c_float)), ("shift", POINTER(c_float)),
        ("head", POINTER(_Linear)), ("layer", POINTER(_Layer)),
    ]  # fmt: skip


class _LowRank(Structure):
    _fields_ = [("down", POINTER(c_float)), ("up", POINTER(c_float)), ("rank", c_int)]


class _Token(Structure):
    _fields_ = [
        ("id", c_int), ("position", c_int), ("kv", c_void_p), ("capacity", c_int), ("adapter", POINTER(_LowRank)),
    ]  # fmt: skip


class KeysAndValues:
    """A sequence's cache: fp16 [layers, 2, heads, capacity, size of a head], `length` tokens of it filled.

    It is numpy's: torch would share the copying with threads of its own, which then stand in the way of ours.
    """

    def __init__(self, array: np.ndarray, length: int = 0) -> None:
        self.array, self.length = array, length

    @property
    def capacity(self) -> int:
        return self.array.shape[3]

    @property
    def bytes(self) -> int:
        return self.array.nbytes

    def reserve(self, length: int) -> None:
        """Makes room for `length` tokens in all."""
        if length > self.capacity:
            self.array = self._grown(length, self.length)

    def copy(self, length: int) -> KeysAndValues:
        """The first `length` tokens, with room for more."""
        return KeysAndValues(self._grown(length + 1, length), length)

    def _grown(self, room: int, length: int) -> np.ndarray:
        layers, two, heads, _, size = self.array.shape
        grown = np.empty((layers, two, heads, -(-room // _PAGE) * _PAGE, size), np.float16)
        grown[:, :, :, :length] = self.array[:, :, :, :length]
        return grown


class CompiledNetwork(Network):
    """GPT-2 in int8 by kernels/. What a sequence gets depends on nothing but itself."""

    batch_invariant = True
    dtype = "int8"

    @staticmethod
    def fits(config: Any) -> bool:
        """Can this machine run this shape? Widths must be multiples of 32, heads' sizes of 16."""
        return (
            config.n_embd % 32 == 0 and (config.n_embd // config.n_head) % 16 == 0 and config.activation_function == "gelu_new"
            and _plain(config) and library() is not None
        )  # fmt: skip

    def __init__(self, model: Any) -> None:
        config = model.config
        self.kernels, self.layers, self.heads = library(), config.n_layer, config.n_head
        self.width, self.vocabulary = config.n_embd, config.vocab_size
        self._kept: list[torch.Tensor] = []  # what the structures below point into
        transformer = model.transformer
        layers = (_Layer * self.layers)()
        for layer, block in zip(layers, transformer.h, strict=True):
            layer.norm1, layer.shift1 = self._floats(block.ln_1.weight), self._floats(block.ln_1.bias)
            layer.norm2, layer.shift2 = self._floats(block.ln_2.weight), self._floats(block.ln_2.bias)
            parts = (block.attn.c_attn, block.attn.c_proj, block.mlp.c_fc, block.mlp.c_proj)
            layer.parts = (_Linear * 4)(*(self._linear(part.weight.T, part.bias) for part in parts))
        self._head = self._linear(transformer.wte.weight, None)
        self._layers = layers
        self.model = _Model(
            self.layers, self.width, self.heads, layers[0].parts[2].outputs, config.layer_norm_epsilon,
            self._floats(transformer.wpe.weight), self._floats(transformer.ln_f.weight), self._floats(transformer.ln_f.bias),
            ctypes.pointer(self._head), layers,
        )  # fmt: skip

    @property
    def bytes(self) -> int:
        return sum(tensor.numel() * tensor.element_size() for tensor in self._kept)

    def cache(self) -> KeysAndValues:
        return KeysAndValues(np.empty((self.layers, 2, self.heads, _PAGE, self.width // self.heads), np.float16))

    def adapter(self, low_rank: Adapter) -> Any:
        kept = []
        table = (_LowRank * (self.layers * 4))()
        for i, pair in enumerate(low_rank):
            if pair is not None:
                down, up = (t.detach().float().contiguous() for t in (pair[0], pair[1].T))
                kept += [down, up]
                table[i] = _LowRank(_pointer(down, c_float), _pointer(up, c_float), down.shape[0])
        return table, kept

    def forward(self, work: Sequence[Work], *, every: bool = False) -> torch.Tensor:
        count = sum(len(piece.ids) for piece in work)
        wanted = count if every else len(work)
        tokens, last = (_Token * count)(), (c_int * wanted)(*(range(count) if every else ()))
        at = 0
        for i, (ids, cache, adapter) in enumerate(work):
            cache.reserve(cache.length + len(ids))
            place, capacity, table = cache.array.ctypes.data, cache.capacity, adapter[0] if adapter else None
            for position, token in enumerate(ids, cache.length):
                tokens[at] = _Token(token, position, place, capacity, table)
                at += 1
            if not every:
                last[i] = at - 1
        logits = torch.empty(wanted, self._head.outputs)
        if self.kernels.forward(ctypes.byref(self.model), tokens, count, last, wanted, _pointer(logits, c_float)):
            raise MemoryError(f"No memory for a pass over {count} tokens.")
        for ids, cache, _ in work:
            cache.length += len(ids)
        return logits[:, : self.vocabulary]

    def top(self, logits: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        rows, vocabulary = logits.shape
        logits = logits.contiguous()
        values, ids = torch.empty(rows, k), torch.empty(rows, k, dtype=torch.int32)
        self.kernels.top(_pointer(logits, c_float), rows, vocabulary, k, _pointer(ids, c_int), _pointer(values, c_float))
        return values, ids.long()

    def _floats(self, tensor: torch.Tensor) -> Any:
        kept = tensor.detach().float().contiguous().clone()
        self._kept.append(kept)
        return _pointer(kept, c_float)

    def _linear(self, weight: torch.Tensor, bias: torch.Tensor | None) -> _Linear:
        real, inputs = weight.shape
        outputs = -(-real // 32) * 32
        source = weight.detach().float().contiguous()
        packed = torch.empty(outputs * inputs, dtype=torch.int8)
        scale, total = torch.empty(outputs), torch.empty(outputs, dtype=torch.int32)
        self.kernels.pack(
            _pointer(source, c_float), real, outputs, inputs, _pointer(packed, c_int8), _pointer(scale, c_float), _pointer(total, c_int32)
        )
        self._kept += [packed, scale, total]
        return _Linear(
            _pointer(packed, c_int8), _pointer(scale, c_float), _pointer(total, c_int32),
            None if bias is None else self._floats(bias), outputs, inputs,
        )  # fmt: skip


def _plain(config: Any) -> bool:
    """GPT-2 as published: the switches that other checkpoints of its family set are off."""
    return bool(
        config.scale_attn_weights and not config.scale_attn_by_inverse_layer_idx and not config.reorder_and_upcast_attn
        and not config.add_cross_attention
    )  # fmt: skip


def _pointer(tensor: torch.Tensor, kind: Any) -> Any:
    return ctypes.cast(tensor.data_ptr(), POINTER(kind))
