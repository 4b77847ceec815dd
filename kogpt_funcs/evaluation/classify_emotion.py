"""classify_emotion: F1, AUC and calibration of each label group on held-out rows, beside character n-grams on the
same rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score
from tqdm import tqdm

from kogpt_funcs import models
from kogpt_funcs.classify_emotion import LABEL_GROUPS, training_labels
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.evaluation import rows
from kogpt_funcs.evaluation.char_ngrams import fitted
from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.evaluation.rows import Asked
from kogpt_funcs.models import Labelled
from kogpt_funcs.training import label_rows
from kogpt_funcs.training.label_measures import calibration_error, threshold

_CHECKPOINT = "classify_emotion"
_BATCH = 256
_USUAL = 0.3  # from this probability on a label counts where the checkpoint has no threshold of its own

_NOTES = [
    "Half of the held-out rows calibrate (temperatures and thresholds), the other half are measured here.",
    "character n-grams: 1- to 4-grams, TF-IDF, a logistic regression a label, fitted on the training rows of "
    "the same files. one threshold: the "
    "one for all labels with the best F1 on the calibrating half, threshold a label: one for each, chosen "
    "there as the checkpoint's are.",
    "F1: macro; six are read by the likeliest label. AUC: one against the rest; of the six, each label with a "
    "share in the row holds. "
    "ECE: expected calibration error, 15 bins.",
]


def measure(asked: Asked) -> Figures:
    """For each label group the figures of the checkpoint and of the baseline, on the measured half of the held-out
    rows.
    """
    split = label_rows.read(training_labels, asked.sources)
    test = rows.draw(split.test, asked.limit, asked.seed)
    if not split.calibration or not test:
        raise KogptError(f"{asked.names}: too few held-out rows with labels to measure on. Give more rows.")
    said = _classified([row.text for row in test])
    groups = [group for group in LABEL_GROUPS if any(group in row.targets for row in test)]
    return {
        "function": asked.function,
        "training_rows": len(split.train),
        "held_out_rows": len(test),
        **{group: _group(group, said, split._replace(test=test), asked) for group in groups},
        "notes": _NOTES,
    }


def _classified(texts: list[str]) -> list[dict[str, dict[str, float]]]:
    starts = tqdm(range(0, len(texts), _BATCH), _CHECKPOINT, unit="batch", disable=None)
    return [
        scores for start in starts for scores in models.classify(texts[start : start + _BATCH], checkpoint=_CHECKPOINT)
    ]


def _group(
    group: str, said: list[dict[str, dict[str, float]]], split: label_rows.Split, asked: Asked
) -> dict[str, dict[str, Any]]:
    labels = list(LABEL_GROUPS[group]["labels"])
    known = [i for i, row in enumerate(split.test) if group in row.targets]
    test = [split.test[i] for i in known]
    train, calibration = ([row for row in part if group in row.targets] for part in (split.train, split.calibration))
    truth, right = _shares(group, labels, test) > 0, _shares(group, labels, calibration) > 0
    ours = np.array([[said[i][group][label] for label in labels] for i in known])
    reader = fitted([row.text for row in train], [_held(group, row) for row in train], asked.cache)
    theirs, fitting = (
        _columns(reader.probabilities([row.text for row in part]), reader.labels, labels)
        for part in (test, calibration)
    )
    if LABEL_GROUPS[group]["activation"] == "softmax":
        best = _shares(group, labels, test).argmax(1)
        chances = theirs / theirs.sum(1, keepdims=True)
        return {
            "checkpoint": _likeliest(ours, truth, best, labels),
            "character_n-grams": _likeliest(chances, truth, best, labels),
        }
    own = np.array([threshold(c, t) for c, t in zip(fitting.T, right.T, strict=True)])
    return {
        "checkpoint": _independent(ours, truth, labels, _thresholds(group, labels)),
        "character_n-grams,_one_threshold": _independent(theirs, truth, labels, best_threshold(fitting, right)),
        "character_n-grams,_threshold_a_label": _independent(theirs, truth, labels, own),
    }


def _held(group: str, row: Labelled) -> list[str]:
    return [label for label, share in row.targets[group].items() if share > 0]


def _shares(group: str, labels: list[str], found: Sequence[Labelled]) -> np.ndarray:
    """[rows, labels]: how much each label holds."""
    return np.array([[row.targets[group].get(label, 0.0) for label in labels] for row in found]).reshape(
        -1, len(labels)
    )


def _columns(chances: np.ndarray, there: list[str], labels: list[str]) -> np.ndarray:
    """The columns of `labels`; one that was never learned has probability 0."""
    found = np.zeros((len(chances), len(labels)))
    for i, label in enumerate(labels):
        if label in there:
            found[:, i] = chances[:, there.index(label)]
    return found


def _thresholds(group: str, labels: list[str]) -> np.ndarray:
    own = models.thresholds(_CHECKPOINT).get(group, {})
    return np.array([own.get(label, _USUAL) for label in labels])


def best_threshold(chances: np.ndarray, truth: np.ndarray) -> float:
    """The one threshold for all labels with the best macro-F1 on these rows."""
    steps = np.arange(0.05, 0.96, 0.05)
    return float(max(steps, key=lambda step: f1_score(truth, chances >= step, average="macro", zero_division=0)))


def _likeliest(chances: np.ndarray, truth: np.ndarray, best: np.ndarray, labels: list[str]) -> dict[str, Any]:
    read = chances.argmax(1)
    return {
        "accuracy": round(float((read == best).mean()), 4),
        "macro_f1": round(float(f1_score(best, read, average="macro")), 4),
        **_aucs(chances, truth, labels),
        "ece": round(calibration_error(chances.max(1), read == best), 4),
    }


def _independent(chances: np.ndarray, truth: np.ndarray, labels: list[str], thresholds: Any) -> dict[str, Any]:
    return {
        "macro_f1": round(float(f1_score(truth, chances >= thresholds, average="macro", zero_division=0)), 4),
        **_aucs(chances, truth, labels),
        "ece": round(calibration_error(chances.ravel(), truth.ravel()), 4),
    }


def _aucs(chances: np.ndarray, truth: np.ndarray, labels: list[str]) -> dict[str, Any]:
    found = {
        label: float(roc_auc_score(truth[:, i], chances[:, i]))
        for i, label in enumerate(labels)
        if 0 < truth[:, i].sum() < len(truth)
    }
    if not found:
        return {"mean_auc": None, "weakest_auc": None, "weakest": None}
    weakest = min(found, key=found.__getitem__)
    return {
        "mean_auc": round(float(np.mean(list(found.values()))), 4),
        "weakest_auc": round(found[weakest], 4),
        "weakest": weakest,
    }
