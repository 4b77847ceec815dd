"""A text as a vector that lies near those of texts with a like meaning: multilingual-e5-small (Wang et al. 2024) in
numpy.

It needs no torch, so that a terminal's first answer does not wait for one. It knows no index.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kogpt_funcs.models.retrieval.blocks import unpacked

Array = np.ndarray[Any, Any]

LONGEST = 96  # tokens of a text that are read
_PREFIX = "query: "  # e5 was trained with it; for texts of the same kind it goes on both sides
_EPSILON = 1e-12


class Encoder:
    """The weights and the tokenizer in `folder`, which `kogpt index --encoder` writes."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        shape = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
        self._heads, self._layers = int(shape["num_attention_heads"]), int(shape["num_hidden_layers"])
        stored = load_file(folder / "encoder.safetensors")
        self._words = stored.pop("emb.word")  # stays packed: a text needs a few rows
        self.weights = {
            name: unpacked(t).T if t.dtype == np.uint8 else t.astype(np.float32) for name, t in stored.items()
        }
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(LONGEST)

    @property
    def parameters(self) -> int:
        return sum(t.size for t in self.weights.values()) + len(self._words) * self.width

    @property
    def bytes(self) -> int:
        return sum(t.nbytes for t in self.weights.values()) + self._words.nbytes

    @property
    def width(self) -> int:
        return len(self.weights["emb.ln.b"])

    def encode(self, texts: Sequence[str]) -> Array:
        """One vector of length 1 a text, float32 [texts, width]. The tokens of all texts pass through the weights
        together.
        """
        if not texts:
            return np.zeros((0, self.width), np.float32)
        ids = [self.ids(text) for text in texts]
        ends = np.cumsum([len(part) for part in ids])
        texts_at = [slice(end - len(part), end) for end, part in zip(ends, ids, strict=True)]
        places = np.concatenate([np.arange(len(part)) for part in ids])
        w = self.weights
        embedded = self.words([i for part in ids for i in part]) + w["emb.pos"][places] + w["emb.type"][0]
        x = _normed(embedded, w["emb.ln.w"], w["emb.ln.b"])
        for layer in range(self._layers):
            x = self._block(x, texts_at, f"l{layer}.")
        pooled = np.stack([x[at].mean(0) for at in texts_at])
        vectors: Array = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors

    def ids(self, text: str) -> list[int]:
        """The tokens of `text`, at most LONGEST, the marks at both ends among them."""
        ids: list[int] = self._tokenizer.encode(_PREFIX + text).ids
        return ids

    def words(self, ids: list[int]) -> Array:
        """The embeddings of these tokens, float32 [tokens, width]."""
        return unpacked(self._words[ids])

    def _block(self, x: Array, texts_at: list[slice], part: str) -> Array:
        """BERT's block on tokens [tokens, width]: attention and two linear parts, each added to its input and
        normalised.
        """
        w = self.weights
        queries, keys, values = (x @ w[f"{part}{name}.w"] + w[f"{part}{name}.b"] for name in "qkv")
        heard = np.concatenate([self._attention(queries[at], keys[at], values[at]) for at in texts_at])
        x = _normed(x + heard @ w[f"{part}ao.w"] + w[f"{part}ao.b"], w[f"{part}aln.w"], w[f"{part}aln.b"])
        inner = _gelu(x @ w[f"{part}fi.w"] + w[f"{part}fi.b"])
        return _normed(x + inner @ w[f"{part}fo.w"] + w[f"{part}fo.b"], w[f"{part}oln.w"], w[f"{part}oln.b"])

    def _attention(self, *parts: Array) -> Array:
        """What each token of one text hears from all of them, [tokens, width]; `parts`: queries, keys, values."""
        queries, keys, values = (t.reshape(len(t), self._heads, -1).transpose(1, 0, 2) for t in parts)
        scores = queries @ keys.transpose(0, 2, 1) * np.float32(queries.shape[-1] ** -0.5)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        heard = (shares / shares.sum(-1, keepdims=True)) @ values
        return heard.transpose(1, 0, 2).reshape(parts[0].shape)


def _normed(x: Array, weight: Array, bias: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    normed: Array = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + _EPSILON) * weight + bias
    return normed


def _gelu(x: Array) -> Array:
    """x Φ(x), Φ by Abramowitz and Stegun 7.1.26 (its error is below 1e-7): numpy has no erf."""
    z = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * np.float32(1.061405429)))))
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    gelu: Array = (0.5 * x * (1 + erf)).astype(np.float32)
    return gelu
