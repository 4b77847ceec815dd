"""int8 products beside fp32's: close, the same whatever the batch, and right where an entry stands out."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from kogpt_funcs.models.networks import quantization
from kogpt_funcs.models.networks.quantization import Float, RowScaled, TensorScaled, int8_linear

torch.manual_seed(0)
WEIGHT, BIAS = torch.randn(96, 64) * torch.logspace(-3, 1, 96)[:, None], torch.randn(96)
ROWS = torch.randn(40, 64) * torch.logspace(-3, 2, 40)[:, None]


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("by_row", [True, False])
@pytest.mark.parametrize("bias", [BIAS, None])
def test_int8_is_close_to_fp32(by_row: bool, bias: torch.Tensor | None) -> None:
    linear = int8_linear(WEIGHT, bias, by_row=by_row)
    x = torch.randn(3, 5, 64)
    with torch.inference_mode():
        found = linear(x)
    assert found.shape == (3, 5, 96)
    assert 0 < error(found, torch.nn.functional.linear(x, WEIGHT, bias)) < 0.02
    assert linear.bytes < 4 * WEIGHT.numel() / 2


@pytest.mark.parametrize("by_row", [True, False])
def test_a_transposed_weight(by_row: bool) -> None:
    expected, found = (int8_linear(w, BIAS, by_row=by_row)(ROWS) for w in (WEIGHT, WEIGHT.t().contiguous().t()))
    assert torch.equal(expected, found)


def test_quantize_replaces_what_is_large_enough() -> None:
    model = nn.Sequential(nn.Linear(256, 512), Conv1D(300, 512), nn.Linear(300, 8)).eval()
    nn.init.normal_(model[1].weight)
    x = torch.randn(4, 256)
    expected = model(x)
    quantization.quantize(model)
    assert [isinstance(layer, nn.Linear) for layer in model] == [False, False, True]
    with torch.inference_mode():
        assert 0 < error(model(x), expected) < 0.03


@pytest.mark.skipif(not quantization.row_scaled_runs(), reason="this torch or processor has no int8 kernel")
def test_a_row_has_the_same_result_in_every_batch() -> None:
    linear = int8_linear(WEIGHT, BIAS)
    assert isinstance(linear, RowScaled)
    with torch.inference_mode():
        together = linear(ROWS)
        alone = torch.cat([linear(row[None]) for row in ROWS])
    assert torch.equal(together, alone)
    assert error(alone[0], torch.nn.functional.linear(ROWS[0], WEIGHT, BIAS)) < 0.02, (
        "the smallest row is lost beside the largest"
    )


def test_zeros_and_empty_batches() -> None:
    for by_row in (True, False):
        with torch.inference_mode():
            linear = int8_linear(torch.zeros(8, 16), torch.ones(8), by_row=by_row)
            assert torch.equal(linear(torch.zeros(2, 16)), torch.ones(2, 8))


def test_a_kernel_that_is_missing_or_wrong_gives_way_to_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing(RowScaled):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.ops.onednn.no_such_product(x)  # type: ignore[no-any-return]

    class Overflowing(TensorScaled):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).clamp(-100, 100)

    assert not quantization._right(Missing)
    assert not quantization._right(Overflowing)
    monkeypatch.setattr(quantization, "row_scaled_runs", lambda: False)
    linear = int8_linear(WEIGHT, BIAS)
    assert isinstance(linear, Float)
    assert torch.equal(linear(ROWS), torch.nn.functional.linear(ROWS, WEIGHT, BIAS))
