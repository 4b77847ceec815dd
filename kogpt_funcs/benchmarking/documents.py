"""Held-out text on which the quality guard compares weights: a file of texts, or what `kogpt train base` has held
out.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models import Special
from kogpt_funcs.models.tokenizers import read_tokenizer
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer

_MOST_TOKENS = 20_000
_BLOCKS = 16  # of each held-out group


class Document(NamedTuple):
    """Ids, and which of them count; the first never does."""

    ids: list[int]
    counted: list[bool]


class Documents(NamedTuple):
    """Documents, and how many characters their counted ids spell."""

    documents: list[Document]
    characters: int


def read_documents(path: Path, folder: Path) -> Documents:
    """The documents in `path` for the checkpoint in `folder`: a text a line, or a folder of held-out blocks (.npz)."""
    tokenizer = read_tokenizer(folder)
    found = _blocks(path, tokenizer) if path.is_dir() else _lines(path, tokenizer)
    if not found.characters:
        raise KogptError(
            f"{path} has no text to measure on. --text takes a file with a text a line, or a folder of .npz "
            f"from kogpt train base."
        )
    return found


def _lines(path: Path, tokenizer: Tokenizer) -> Documents:
    documents: list[Document] = []
    characters = tokens = 0
    for line in _texts(path):
        if text := line.strip()[:1000]:
            ids = [*tokenizer.encode([Special("<s>"), text]), tokenizer.end][:256]
            documents.append(Document(ids, [False] + [True] * (len(ids) - 1)))
            characters += _characters(ids, tokenizer)
            tokens += len(ids)
        if tokens >= _MOST_TOKENS:
            break
    return Documents(documents, characters)


def _texts(path: Path) -> Iterator[str]:
    """A text a line; of .jsonl.xz the field `text` of each row."""
    if path.suffixes[-2:] == [".jsonl", ".xz"]:
        with lzma.open(path, "rt", encoding="utf-8") as rows:
            yield from (str(json.loads(row)["text"]) for row in rows)
    else:
        yield from path.read_text(encoding="utf-8-sig").splitlines()


def _blocks(path: Path, tokenizer: Tokenizer) -> Documents:
    import numpy as np

    documents: list[Document] = []
    characters = 0
    for file in sorted(path.glob("*.npz")):
        with np.load(file) as packed:
            for ids, counted in zip(packed["ids"][:_BLOCKS], packed["counted"][:_BLOCKS], strict=True):
                counted[0] = False
                documents.append(Document(ids.tolist(), counted.tolist()))
                characters += _characters(ids[counted].tolist(), tokenizer)
    return Documents(documents, characters)


def _characters(ids: list[int], tokenizer: Tokenizer) -> int:
    """How many characters the texts in `ids` have: each ends with </s>, and decodes with a blank in front."""
    texts: list[list[int]] = [[]]
    for token in ids:
        if token == tokenizer.end:
            texts.append([])
        else:
            texts[-1].append(token)
    return sum(len(tokenizer.decode(text).strip()) for text in texts)
