"""A text as a vector that lies near those of texts with a like meaning: multilingual-e5-small (Wang et al. 2024) in numpy.

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
        self._weights = {name: unpacked(t).T if t.dtype == np.uint8 else t.astype(np.float32) for name, t in stored.items()}
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(LONGEST)

    @property
    def parameters(self) -> int:
        return sum(t.size for t in self._weights.values()) + len(self._words) * self.width

    @property
    def bytes(self) -> int:
        return sum(t.nbytes for t in self._weights.values()) + self._words.nbytes

    @property
    def width(self) -> int:
        return len(self._weights["emb.ln.b"])

    def encode(self, texts: Sequence[str]) -> Array:
        """One vector of length 1 a text, float32 [texts, width]."""
        return np.stack([self._encode(text) for text in texts]) if texts else np.zeros((0, self.width), np.float32)

    def _encode(self, text: str) -> Array:
        ids = self._tokenizer.encode(_PREFIX + text).ids
        w = self._weights
        x = _normed(unpacked(self._words[ids]) + w["emb.pos"][: len(ids)] + w["emb.type"][0], w["emb.ln.w"], w["emb.ln.b"])
        for layer in range(self._layers):
            x = self._block(x, f"l{layer}.")
        pooled: Array = x.mean(0)
        return pooled / np.linalg.norm(pooled)

    def _block(self, x: Array, at: str) -> Array:
        """BERT's block: attention and two linear parts, each added to its input and normalised."""
        w = self._weights
        queries, keys, values = (self._split(x @ w[f"{at}{name}.w"] + w[f"{at}{name}.b"]) for name in "qkv")
        scores = queries @ keys.transpose(0, 2, 1) / np.sqrt(queries.shape[-1])
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        heard = (shares / shares.sum(-1, keepdims=True)) @ values
        heard = heard.transpose(1, 0, 2).reshape(x.shape)
        x = _normed(x + heard @ w[f"{at}ao.w"] + w[f"{at}ao.b"], w[f"{at}aln.w"], w[f"{at}aln.b"])
        inner = _gelu(x @ w[f"{at}fi.w"] + w[f"{at}fi.b"])
        return _normed(x + inner @ w[f"{at}fo.w"] + w[f"{at}fo.b"], w[f"{at}oln.w"], w[f"{at}oln.b"])

    def _split(self, x: Array) -> Array:
        """[tokens, width] → [heads, tokens, width of a head]."""
        return x.reshape(len(x), self._heads, -1).transpose(1, 0, 2)


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
