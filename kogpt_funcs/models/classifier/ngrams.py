"""A classifier's second reader: what the characters of a text weigh for each label, whatever order the words come in.

It catches what a small language model has read too rarely: a word's stem, an ending, an emoticon. TF-IDF over hashed
1- to 4-grams, one weight a bucket and label; `training/ngram_fitting.py` finds the weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from kogpt_funcs.contract.errors import CheckpointError

FILE = "ngrams.safetensors"
_LENGTHS = (1, 2, 3, 4)


class Ngrams:
    """Weights [buckets, labels], bias [labels] and the inverse document frequency of each bucket, 0 for one never
    seen.
    """

    def __init__(self, weights: np.ndarray, bias: np.ndarray, rarity: np.ndarray) -> None:
        self.weights, self.bias, self.rarity = (
            weights.astype(np.float16),
            bias.astype(np.float32),
            rarity.astype(np.float16),
        )

    @classmethod
    def load(cls, folder: Path, labels: int) -> Ngrams | None:
        """What is in the checkpoint `folder` for so many labels; None if it has none."""
        path = folder / FILE
        if not path.is_file():
            return None
        try:
            read = cls(**load_file(path))
        except (SafetensorError, OSError, TypeError) as error:
            raise CheckpointError(
                f"{FILE} of checkpoint {folder.name!r} cannot be read ({type(error).__name__})."
            ) from error
        if read.weights.shape != (len(read.rarity), labels) or read.bias.shape != (labels,):
            raise CheckpointError(
                f"{FILE} of checkpoint {folder.name!r} has weights {read.weights.shape}, and the model {labels} labels."
            )
        return read

    def save(self, folder: Path) -> None:
        save_file({"weights": self.weights, "bias": self.bias, "rarity": self.rarity}, folder / FILE)

    @property
    def bytes(self) -> int:
        return self.weights.nbytes + self.bias.nbytes + self.rarity.nbytes

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        """fp32 [texts, labels], to be added to the model's."""
        found = np.tile(self.bias, (len(texts), 1))
        for row, text in enumerate(texts):
            buckets, values = features(counted(text, len(self.rarity)), self.rarity)
            found[row] += values @ self.weights[buckets].astype(np.float32)
        return found


def counted(text: str, buckets: int) -> Counter[int]:
    """How often each bucket occurs in `text`; its words are set apart by single spaces, and one stands at either
    end.
    """
    text = f" {' '.join(text.lower().split())} "
    grams = Counter(text[i : i + n] for n in _LENGTHS for i in range(len(text) - n + 1))
    found: Counter[int] = Counter()
    for gram, count in grams.items():
        found[crc32(gram.encode()) % buckets] += count
    return found


def features(counts: Counter[int], rarity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The known buckets of a text whose buckets are `counts`, and their TF-IDF (sublinear, of length 1) fp32."""
    buckets = np.fromiter(counts, np.int64, len(counts))
    values = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * rarity[buckets].astype(np.float32)
    known = values > 0
    return buckets[known], values[known] / max(1e-6, float(np.linalg.norm(values)))
