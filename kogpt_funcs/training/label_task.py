"""Several label groups on one head as a task of the training loop: their loss, and how they are measured meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from kogpt_funcs.training.label_measures import measure, predict
from kogpt_funcs.training.label_rows import Groups, Rows, columns_of

_SIGMOID_SHARE = 8.0  # a group of many independent labels weighs more in the loss than its mean would


class LabelTask:
    """Cross-entropy on softmax groups, binary cross-entropy on sigmoid groups, over the rows where each is known."""

    def __init__(self, groups: Groups, train: Rows, held_out: Rows) -> None:
        self.groups, self.train, self.held_out = groups, train, held_out
        self.weights = class_weights(groups, train.targets, train.known)
        self.collate = train.collate

    @property
    def watched(self) -> bool:
        return len(self.held_out) > 0

    def loss(self, model: Any, batch: dict[str, Any]) -> torch.Tensor:
        targets, known = batch.pop("targets"), batch.pop("known")
        return group_loss(self.groups, self.weights, model(**batch).logits.float(), targets, known)

    def watch(self, model: Any) -> dict[str, float]:
        predicted = predict(model, self.held_out)
        parts = (torch.from_numpy(array) for array in (predicted.logits, predicted.targets, predicted.known))
        figures = {key: value for key, value in measure(self.groups, predicted).items() if key.endswith("macro_f1")}
        return {"loss": float(group_loss(self.groups, self.weights, *parts)), **figures}


def group_loss(
    groups: Groups, weights: dict[str, torch.Tensor], logits: torch.Tensor, targets: torch.Tensor, known: torch.Tensor
) -> torch.Tensor:
    """Sum over the groups of the mean loss a row; logits, targets, known [batch, labels], known being a row's
    weight.
    """
    total = logits.new_zeros(())
    for name, columns in columns_of(groups).items():
        share = known[:, columns.start]
        rows = share > 0
        if rows.any():
            part, wanted, share = logits[rows, columns], targets[rows, columns], share[rows]
            if groups[name]["activation"] == "softmax":
                losses = functional.cross_entropy(part, wanted * weights[name].to(part.device), reduction="none")
            else:
                losses = (
                    functional.binary_cross_entropy_with_logits(part, wanted, reduction="none").mean(1) * _SIGMOID_SHARE
                )
            total = total + (losses * share).mean()
    return total


def class_weights(groups: Groups, targets: np.ndarray, known: np.ndarray) -> dict[str, torch.Tensor]:
    """For each softmax group a weight a label: the root of how much rarer than the mean it is, 1 over the rows on
    average.

    Sigmoid groups have none: their thresholds see to rare labels, and their probabilities stay true.
    """
    weights = {}
    for name, columns in columns_of(groups).items():
        share = known[:, columns.start]
        counts = (targets[:, columns] * share[:, None]).sum(0).clip(1)
        rarity = np.sqrt(counts.mean() / counts)
        weights[name] = torch.from_numpy((rarity * counts.sum() / (rarity * counts).sum()).astype(np.float32))
    return weights
