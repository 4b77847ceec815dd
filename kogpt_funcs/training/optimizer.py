"""Muon for the hidden matrices, AdamW for the rest, as one optimizer with one schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR


class MuonAdamW(torch.optim.Optimizer):
    """torch.optim.Muon (Jordan et al. 2024) on 2-D weights inside the blocks, AdamW on embeddings, norms and biases."""

    def __init__(self, model: torch.nn.Module, muon_lr: float = 0.02, adamw_lr: float = 2e-3) -> None:
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        hidden = [p for name, p in named if p.ndim == 2 and ".h." in name]
        others = [p for name, p in named if not (p.ndim == 2 and ".h." in name)]
        self._parts = [
            torch.optim.Muon(hidden, lr=muon_lr, weight_decay=0.01),
            torch.optim.AdamW(others, lr=adamw_lr, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        super().__init__([p for _, p in named], {})
        self.param_groups = [group for part in self._parts for group in part.param_groups]

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> Any:  # type: ignore[override]
        for part in self._parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self._parts for group in part.param_groups]


def warmup_stable_decay(
    optimizer: torch.optim.Optimizer, progress: Callable[[int], float], warmup_steps: int = 100, decay: float = 0.4
) -> LambdaLR:
    """Linear warm-up, constant, then linear to zero over the last `decay` share of `progress(step)`, which runs 0 to 1.

    The warm-up ends after `warmup_steps`, or after a tenth of a run that is too short for them.
    """

    def factor(step: int) -> float:
        done = progress(step)
        return min(1.0, max((step + 1) / warmup_steps, done / 0.1), max(0.0, (1.0 - done) / decay))

    return LambdaLR(optimizer, factor)
