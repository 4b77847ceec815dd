"""What a classifier's outputs are worth on rows with labels: it sets temperatures and thresholds, and measures."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.metrics import confusion_matrix, f1_score, roc_auc_score

from kogpt_funcs.models.classifier.classifier import activate
from kogpt_funcs.models.classifier.ngrams import Ngrams
from kogpt_funcs.training.label_rows import Groups, Rows, columns_of

_TEMPERATURES = np.arange(0.4, 3.01, 0.05)
_WEIGHTS = np.arange(0.0, 3.01, 0.25)  # of the n-grams beside the model
_BINS = 15


class Predicted(NamedTuple):
    """Outputs of the model and of the n-grams, targets and known, each [rows, labels]."""

    logits: np.ndarray
    ngrams: np.ndarray
    targets: np.ndarray
    known: np.ndarray

    def of(self, part: slice) -> Predicted:
        """The columns `part`, on the rows where they are known."""
        rows = self.known[:, part.start] > 0
        return Predicted(*(array[rows, part] for array in self))


@torch.inference_mode()
def predict(model: Any, rows: Rows, ngrams: Ngrams | None = None) -> Predicted:
    model.eval()
    device = next(model.parameters()).device
    found = np.zeros_like(rows.targets)
    order = sorted(range(len(rows)), key=rows.lengths.__getitem__)
    for start in range(0, len(order), 32):
        chosen = order[start : start + 32]
        batch = rows.collate([rows[i] for i in chosen])
        asked = {key: batch[key].to(device) for key in ("input_ids", "attention_mask")}
        found[chosen] = model(**asked).logits.float().cpu().numpy()
    return Predicted(found, ngrams.logits(rows.texts) if ngrams else np.zeros_like(found), rows.targets, rows.known)


def calibrate(groups: Groups, predicted: Predicted, ngrams: Ngrams | None) -> None:
    """Sets what has the least loss on these rows: each group's temperature (Guo et al. 2017), and how much the
    n-grams weigh.

    That weight goes into the n-grams themselves. Groups whose labels are independent get thresholds besides.
    """
    for name, part in columns_of(groups).items():
        rows, group = predicted.of(part), groups[name]
        if not len(rows.logits):
            continue
        options = [
            (_loss(group, rows, weight, t), weight, t)
            for weight in (_WEIGHTS if ngrams else (0.0,))
            for t in _TEMPERATURES
        ]
        _, weight, temperature = min(options)
        group["temperature"] = round(float(temperature), 2)
        if ngrams:
            ngrams.weights[:, part] *= np.float16(weight)
            ngrams.bias[part] *= np.float32(weight)
        if group["activation"] == "sigmoid":
            chances = probabilities(group, rows._replace(ngrams=rows.ngrams * weight))
            group["thresholds"] = [round(threshold(c, t), 3) for c, t in zip(chances.T, rows.targets.T, strict=True)]


def probabilities(group: dict[str, Any], rows: Predicted) -> np.ndarray:
    """[rows, labels of the group]."""
    return activate(torch.from_numpy(rows.logits + rows.ngrams), group).numpy()


def _loss(group: dict[str, Any], rows: Predicted, weight: float, temperature: float) -> float:
    logits = (rows.logits + weight * rows.ngrams) / temperature
    if group["activation"] == "softmax":
        # By the strongest label alone: a probability shall say how often the label that is shown is right. By shares,
        # a row of two feelings would teach that one half is all one can be sure of.
        strongest = np.take_along_axis(logits, rows.targets.argmax(1)[:, None], axis=1)[:, 0]
        return float((np.logaddexp.reduce(logits, axis=1) - strongest).mean())
    return float((np.logaddexp(0, logits) - rows.targets * logits).mean())


def threshold(chances: np.ndarray, truth: np.ndarray) -> float:
    """Where a label's F1 is highest: the mean of where it is on these rows, and where the probabilities themselves
    expect it.

    The rows of a rare label are few, and the best place on them is chance; the expected F1 (Ye et al. 2012) uses all.
    """
    order = np.argsort(-chances)
    ranked, taken = chances[order], np.arange(1, len(chances) + 1)
    on_rows = 2 * np.cumsum(truth[order] > 0) / (taken + (truth > 0).sum())
    expected = 2 * np.cumsum(ranked) / (taken + ranked.sum())
    return min(0.99, max(0.01, float((ranked[on_rows.argmax()] + ranked[expected.argmax()]) / 2)))


def measure(groups: Groups, predicted: Predicted) -> dict[str, Any]:
    """For each group: macro-F1, mean and weakest one-vs-rest AUC, expected calibration error; accuracy where one
    label holds.
    """
    figures: dict[str, Any] = {}
    for name, part in columns_of(groups).items():
        rows, group = predicted.of(part), groups[name]
        if not len(rows.logits):
            continue
        chances = probabilities(group, rows)
        if group["activation"] == "softmax":
            read, truth = chances.argmax(-1), rows.targets.argmax(-1)
            figures[f"{name}_accuracy"] = float((read == truth).mean())
            figures[f"{name}_macro_f1"] = float(f1_score(truth, read, average="macro"))
        else:
            found = chances >= np.array(group.get("thresholds", 0.3))
            figures[f"{name}_macro_f1"] = float(f1_score(rows.targets > 0, found, average="macro", zero_division=0))
        figures[f"{name}_ece"] = calibration_error(*judged(group, rows))
        aucs = {
            label: float(roc_auc_score(rows.targets[:, i] > 0, chances[:, i]))
            for i, label in enumerate(group["labels"])
            if 0 < (rows.targets[:, i] > 0).sum() < len(chances)
        }
        if aucs:
            weakest = min(aucs, key=aucs.__getitem__)
            figures[f"{name}_mean_auc"] = float(np.mean(list(aucs.values())))
            figures[f"{name}_weakest_auc"] = {weakest: round(aucs[weakest], 4)}
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}


def judged(group: dict[str, Any], rows: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Confidences and whether they were right: of the likeliest label, or of every label where several may hold."""
    chances = probabilities(group, rows)
    if group["activation"] == "softmax":
        return chances.max(-1), chances.argmax(-1) == rows.targets.argmax(-1)
    return chances.ravel(), rows.targets.ravel() > 0


def reliability(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """[bins, 3]: mean confidence, share that was right, share of the cases, for each equal-width bin that has some."""
    which = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    return np.array(
        [(confidence[which == b].mean(), right[which == b].mean(), (which == b).mean()) for b in np.unique(which)]
    )


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error (Naeini et al. 2015): mean |confidence − accuracy| over equal-width bins."""
    bins = reliability(confidence, right)
    return float((np.abs(bins[:, 0] - bins[:, 1]) * bins[:, 2]).sum())


def confusion(group: dict[str, Any], rows: Predicted) -> np.ndarray:
    """[labels, labels] counts of a group of which one label holds: rows the label, columns what was read."""
    labels = list(range(len(group["labels"])))
    return confusion_matrix(rows.targets.argmax(-1), probabilities(group, rows).argmax(-1), labels=labels)
