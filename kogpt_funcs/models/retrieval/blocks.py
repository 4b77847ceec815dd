"""Weights in blocks of four-bit numbers, as llama.cpp's Q4_0 has them: 32 numbers share a scale. It knows no model."""

from __future__ import annotations

from typing import Any

import numpy as np

SIZE = 32  # numbers a block
BYTES = 2 + SIZE // 2  # a scale in half precision, then two numbers a byte: the first half of the block in the low bits


def unpacked(packed: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Blocks as bytes [rows, blocks * BYTES] → float32 [rows, blocks * SIZE]."""
    blocks = packed.reshape(len(packed), -1, BYTES)
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    digits = blocks[..., 2:]
    numbers = np.concatenate([digits & 15, digits >> 4], axis=-1).astype(np.float32) - 8
    return np.ascontiguousarray((numbers * scales).reshape(len(packed), -1))
