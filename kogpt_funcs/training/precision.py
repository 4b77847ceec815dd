"""In which numbers this machine trains fastest: bf16 where its processor multiplies it, else fp32."""

from __future__ import annotations

from functools import cache

import torch


@cache
def has_bf16() -> bool:
    """Has the GPU, or else the processor, instructions for bf16? Without them (plain AVX2) bf16 is 100 times slower
    than fp32.
    """
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def frozen() -> torch.dtype:
    """The dtype of weights that are read and not trained; what is trained stays fp32."""
    return torch.bfloat16 if has_bf16() else torch.float32
