"""Linear layers with int8 weights on the CPU: a quarter of the memory, several times the speed where the processor
has VNNI.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

_MIDDLE = 128  # what stands for 0 among unsigned bytes
_WORTH = 2**16  # weights of a layer; smaller ones, a classifier's head above all, stay exact


def int8_linear(weight: torch.Tensor, bias: torch.Tensor | None, *, by_row: bool = True) -> Product:
    """A module x fp32 [*, in] → [*, out] with `weight` [out, in] in int8, one scale an output; fp32 where int8 cannot
    run.

    `by_row` gives each row of x a scale of its own: a row's result is then bit for bit the same whatever shares its
    batch, and from about 16 rows on this is also the faster way (two to three times, from 256 rows on). Without it one
    scale serves the whole of x, in one fused kernel: faster for a single row.
    """
    weight = weight.detach().float().contiguous()  # the kernels take a transposed view for what it is not
    bias = torch.zeros(len(weight)) if bias is None else bias.detach().float().clone()
    if by_row:
        return RowScaled(weight, bias) if row_scaled_runs() else Float(weight, bias)
    return TensorScaled(weight, bias) if tensor_scaled_runs() else Float(weight, bias)


def quantize(model: nn.Module) -> None:
    """Puts int8_linear in the place of each linear layer of `model` (GPT-2's Conv1D too) that is large enough to gain
    by it.
    """
    for module in list(model.modules()):
        for name, layer in list(module.named_children()):
            if isinstance(layer, nn.Linear) and layer.weight.numel() >= _WORTH:
                setattr(module, name, int8_linear(layer.weight, layer.bias))
            elif isinstance(layer, Conv1D) and layer.weight.numel() >= _WORTH:
                setattr(module, name, int8_linear(layer.weight.t(), layer.bias))


class Product(nn.Module):
    """x [*, in] → [*, out]; `bytes` is what it keeps in memory."""

    bytes: int


class Float(Product):
    """The same product in fp32."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.weight, self.bias = weight.clone(), bias
        self.bytes = 4 * (weight.numel() + bias.numel())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self.weight, self.bias)


class RowScaled(Product):
    """oneDNN's int8 product of rows that are each scaled by their largest entry (LLM.int8, Dettmers et al. 2022).

    The rows go in as unsigned bytes around 128: signed ones take oneDNN's reference code on processors without AMX, a
    thousand times slower.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        scales = _scales(weight)
        quantized = (weight / scales[:, None]).round().to(torch.int8)
        self.weight = torch.ops.onednn.qlinear_prepack(quantized, None)
        self.scales, self.bias, self.zeros = scales, bias, torch.zeros(len(weight), dtype=torch.int32)
        self.bytes = weight.numel() + 12 * len(weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        largest = torch.maximum(x.amax(-1, True), x.amin(-1, True).neg_()).clamp_min_(1e-12)
        rows = (x * (127 / largest)).round_().add_(_MIDDLE).to(torch.uint8)
        product = torch.ops.onednn.qlinear_pointwise(
            rows, 1.0, _MIDDLE, self.weight, self.scales, self.zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        return torch.addcmul(self.bias, product, largest / 127, out=product)


class TensorScaled(Product):
    """torch's dynamic int8 product: it finds the scale of x, quantises and multiplies in one kernel."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        zeros = torch.zeros(len(weight), dtype=torch.int64)
        with warnings.catch_warnings():  # torch says that its quantised tensors will go; requirements.txt pins it
            warnings.simplefilter("ignore")
            quantized = torch.quantize_per_channel(weight, _scales(weight).double(), zeros, 0, torch.qint8)
            self.packed = torch.ops.quantized.linear_prepack(quantized, bias)
        self.bytes = weight.numel() + 12 * len(weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.quantized.linear_dynamic(x, self.packed)


@cache
def row_scaled_runs() -> bool:
    """Has this torch the kernel of RowScaled, and is its arithmetic right here?"""
    return _right(RowScaled)


@cache
def tensor_scaled_runs() -> bool:
    """Has this torch the kernel of TensorScaled, and is its arithmetic right here?"""
    return _right(TensorScaled)


@torch.inference_mode()
def _right(module: Callable[[torch.Tensor, torch.Tensor], nn.Module]) -> bool:
    # Extreme entries of one sign: a processor without VNNI may add pairs of products in 16 bits and overflow.
    signs = torch.arange(64).remainder(2) * 2.0 - 1.0
    weight, bias = torch.outer(signs, torch.linspace(0.9, 1.0, 256)), torch.arange(64.0)
    x = torch.stack([torch.linspace(1.0, 0.9, 256), torch.linspace(-1.0, 1.0, 256)])
    expected = functional.linear(x, weight, bias)
    try:
        found = module(weight, bias)(x)
    except (AttributeError, NotImplementedError, RuntimeError):
        return False
    return bool((found - expected).abs().max() <= 0.02 * expected.abs().max())


def _scales(weight: torch.Tensor) -> torch.Tensor:
    return (weight.abs().amax(1) / 127).clamp_min(1e-12)
