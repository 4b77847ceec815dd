"""The independent reader of labels: TF-IDF of character 1- to 4-grams, one logistic regression a label.

It shares nothing with our language models, so it can judge what they write, and be the baseline of our classifiers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.files import written_whole


class CharNgrams:
    """A fitted reader. `labels` are in the order of its probabilities' columns."""

    def __init__(self, labels: Sequence[str], pipeline: Pipeline) -> None:
        self.labels = list(labels)
        self._pipeline = pipeline

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """[texts, labels]; they sum to 1 over the labels if each text was learned with one label."""
        return self._pipeline.predict_proba(list(texts))

    def read(self, texts: Sequence[str], among: Sequence[str] | None = None) -> list[str]:
        """The likeliest label of each text, of those in `among`."""
        if not texts:
            return []
        columns = [self.labels.index(label) for label in among or self.labels]
        return [self.labels[columns[i]] for i in self.probabilities(texts)[:, columns].argmax(1)]


def fitted(texts: Sequence[str], labels: Sequence[str] | Sequence[Sequence[str]], cache: Path) -> CharNgrams:
    """The reader of these texts, fitted or as an earlier call kept it in the folder `cache`.

    `labels` has one label a text, or a list of them where several may hold at once.
    """
    several = bool(labels) and not isinstance(labels[0], str)
    if len({label for one in labels for label in (one if several else [one])}) < 2:
        raise KogptError(
            "The rows to learn from have fewer than two labels, so nothing can judge the texts. Give more rows."
        )
    path = cache / f"char_ngrams-{_digest(texts, labels)}.joblib"
    if path.is_file():
        return joblib.load(path)
    binarizer = MultiLabelBinarizer()
    wanted: Any = binarizer.fit_transform(labels) if several else list(labels)
    pipeline = make_pipeline(
        TfidfVectorizer(
            analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True, max_features=200_000, dtype=np.float32
        ),
        OneVsRestClassifier(LogisticRegression(solver="liblinear", C=10.0, class_weight="balanced")),
    ).fit(list(texts), wanted)
    reader = CharNgrams(binarizer.classes_ if several else pipeline.classes_, pipeline)
    cache.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as unfinished:
        joblib.dump(reader, unfinished, compress=1)
    return reader


def _digest(texts: Sequence[str], labels: Sequence[Any]) -> str:
    digest = hashlib.sha256(sklearn.__version__.encode() + Path(__file__).read_bytes())
    for text, label in zip(texts, labels, strict=True):
        digest.update(repr((text, label)).encode())
    return digest.hexdigest()[:16]
