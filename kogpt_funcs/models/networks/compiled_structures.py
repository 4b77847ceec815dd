"""What the kernels in C read and write: their structures, and a sequence's cache of keys and values."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_float, c_int, c_int8, c_int32, c_uint16, c_void_p
from typing import Any

import numpy as np
import torch

_PAGE = 64  # a sequence's cache grows by so many tokens


class Linear(Structure):
    """linear.h: a linear layer, made of `parts` of the checkpoint's."""

    _fields_ = [
        ("weight", POINTER(c_int8)),
        ("scale", POINTER(c_float)),
        ("share", POINTER(c_uint16)),
        ("sum", POINTER(c_int32)),
        ("bias", POINTER(c_float)),
        ("outputs", c_int),
        ("inputs", c_int),
        ("parts", c_int),
        ("widths", c_int * 3),
    ]


class Layer(Structure):
    """pass.h"""

    _fields_ = [("linear", Linear * 4), ("norm", POINTER(c_float) * 6), ("window", c_int), ("turns", POINTER(c_float))]


class Heads(Structure):
    """attention.h"""

    _fields_ = [("heads", c_int), ("shared", c_int), ("size", c_int), ("factor", c_float)]


class Model(Structure):
    """pass.h"""

    _fields_ = [
        ("architecture", c_int),
        ("layers", c_int),
        ("width", c_int),
        ("inner", c_int),
        ("by", Heads),
        ("epsilon", c_float),
        ("embedding", c_float),
        ("positions", POINTER(c_float)),
        ("norm", POINTER(c_float) * 2),
        ("head", POINTER(Linear)),
        ("layer", POINTER(Layer)),
    ]


class LowRank(Structure):
    """linear.h: a low-rank addition to one layer of the checkpoint."""

    _fields_ = [("down", POINTER(c_float)), ("up", POINTER(c_float)), ("rank", c_int)]


class AdapterTable(Structure):
    """pass.h: the additions of an adapter, layer by layer."""

    _fields_ = [("rank", c_int), ("low", POINTER(LowRank))]


class Token(Structure):
    """pass.h: one new token of a sequence."""

    _fields_ = [
        ("id", c_int),
        ("position", c_int),
        ("kv", c_void_p),
        ("capacity", c_int),
        ("adapter", POINTER(AdapterTable)),
    ]


class KeysAndValues:
    """A sequence's cache: fp16 [layers, 2, heads, capacity, size of a head], `length` tokens of it filled.

    It is numpy's: torch would share the copying with threads of its own, which then stand in the way of ours.
    """

    def __init__(self, array: np.ndarray, length: int = 0) -> None:
        self.array, self.length = array, length

    @classmethod
    def empty(cls, layers: int, heads: int, size: int) -> KeysAndValues:
        return cls(np.empty((layers, 2, heads, _PAGE, size), np.float16))

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


def pointer(tensor: torch.Tensor, kind: Any) -> Any:
    """The place of a contiguous tensor in memory; whoever uses it keeps the tensor."""
    return ctypes.cast(tensor.data_ptr(), POINTER(kind))
