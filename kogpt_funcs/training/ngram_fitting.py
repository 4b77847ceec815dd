"""Fits a classifier's n-gram weights: logistic regression over all labels of a group at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax

from kogpt_funcs.models.classifier.ngrams import Ngrams, counted, features

_BUCKETS = 2**16
_STRENGTH = 2.0  # C of the usual notation: loss a row beside half the squared weights
_ITERATIONS = 60


def fit(
    texts: Sequence[str],
    targets: np.ndarray,
    known: np.ndarray,
    groups: dict[str, dict[str, Any]],
    columns: dict[str, slice],
    importance: np.ndarray,
) -> Ngrams:
    """Weights for `texts` with targets [texts, labels] in 0 to 1, learned where `known` [texts, labels] is above 0.

    `importance` [labels] is how much a label of a softmax group counts.
    """
    counts = [counted(text, _BUCKETS) for text in texts]
    rarity = _rarity(counts)
    seen = np.flatnonzero(rarity)
    matrix = _matrix(counts, rarity)[:, seen]
    weights, bias = np.zeros((_BUCKETS, targets.shape[1]), np.float32), np.zeros(targets.shape[1], np.float32)
    for name, part in columns.items():
        rows = known[:, part.start] > 0
        if rows.any():
            one_of = groups[name]["activation"] == "softmax"
            wanted = targets[rows, part] * (importance[part] if one_of else 1)
            weights[seen, part], bias[part] = _regress(matrix[rows], wanted, one_of)
    return Ngrams(weights, bias, rarity)


def _rarity(counts: list[Counter[int]]) -> np.ndarray:
    """Smoothed inverse document frequency of each bucket; 0 for those that one text alone has."""
    documents: Counter[int] = Counter()
    for found in counts:
        documents.update(found.keys())
    frequency = np.zeros(_BUCKETS)
    frequency[list(documents)] = list(documents.values())
    return np.where(frequency > 1, np.log((1 + len(counts)) / (1 + frequency)) + 1, 0.0).astype(np.float16)


def _matrix(counts: list[Counter[int]], rarity: np.ndarray) -> csr_matrix:
    rows = [features(found, rarity) for found in counts]
    starts = np.cumsum([0, *(len(buckets) for buckets, _ in rows)])
    buckets, values = (np.concatenate(part) for part in zip(*rows, strict=True))
    return csr_matrix((values, buckets, starts), shape=(len(rows), len(rarity)), dtype=np.float32)


def _regress(matrix: csr_matrix, targets: np.ndarray, one_of: bool) -> tuple[np.ndarray, np.ndarray]:
    """Weights [buckets, labels] and bias [labels] with the least regularised loss, by L-BFGS."""
    labels, back = targets.shape[1], matrix.T.tocsr()
    whole = targets.sum(1, keepdims=True) if one_of else 1.0
    mean = targets.mean(0).clip(1e-3, 1 - 1e-3)
    start = np.zeros((matrix.shape[1] + 1, labels))
    start[-1] = np.log(mean) if one_of else np.log(mean / (1 - mean))

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        found = flat.reshape(-1, labels)
        logits = matrix @ found[:-1].astype(np.float32) + found[-1].astype(np.float32)
        if one_of:
            chances = softmax(logits, axis=1)
            losses = -(targets * np.log(chances + 1e-12)).sum()
        else:
            chances = expit(logits)
            losses = (np.logaddexp(0, logits) - targets * logits).sum()
        apart = (whole * chances - targets).astype(np.float32)
        slope = np.vstack([back @ apart, apart.sum(0)]) * _STRENGTH
        slope[:-1] += found[:-1]
        return _STRENGTH * float(losses) + 0.5 * float((found[:-1] ** 2).sum()), slope.ravel().astype(np.float64)

    done = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS, "maxcor": 5})
    found = done.x.reshape(-1, labels)
    return found[:-1].astype(np.float32), found[-1].astype(np.float32)
