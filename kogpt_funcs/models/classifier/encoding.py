"""A text as the ids that a classifier reads: KoGPT2's vocabulary, KoBERT's SentencePiece, or whatever AutoTokenizer
knows.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.tokenizers.kogpt2 import END, PAD, SPECIALS, Tokenizer

_PIECES = "spiece.model"


class Encoder(Protocol):
    """Turns a text into ids, at most `context` of them; `pad_id` fills a batch's shorter rows."""

    pad_id: int

    def encode(self, text: str) -> list[int]: ...

    def save(self, folder: Path) -> None:
        """Writes the files from which `encoder` makes the same encoder again."""


def encoder(folder: Path, config: Any) -> Encoder:
    """The encoder of the checkpoint in `folder`; `config` is its transformers configuration."""
    context = _context(config)
    if (folder / _PIECES).is_file() and config.model_type == "bert":
        return PiecesEncoder(folder / _PIECES, context, config.vocab_size)
    if config.model_type == "gpt2" and _is_kogpt2(folder):
        return PromptEncoder(Tokenizer(folder / "tokenizer.json"), context)
    return AutoEncoder(folder, context)


class PromptEncoder:
    """Text and `</s>`, as the bases of this project and SKT's KoGPT2 read it; a long text loses its middle."""

    pad_id = PAD

    def __init__(self, tokenizer: Tokenizer, context: int) -> None:
        self._tokenizer, self._context = tokenizer, context

    def encode(self, text: str) -> list[int]:
        return [*without_middle(self._tokenizer.encode([text]), self._context - 1), END]

    def save(self, folder: Path) -> None:
        self._tokenizer.save(folder / "tokenizer.json")


class PiecesEncoder:
    """[CLS] text [SEP] by SentencePiece, as SKT's KoBERT reads it; a long text loses its middle."""

    def __init__(self, path: Path, context: int, vocabulary: int) -> None:
        from sentencepiece import SentencePieceProcessor

        self._path, self._context = path, context
        self._processor = SentencePieceProcessor(model_file=str(path))
        self._first, self._last, self.pad_id = (self._id(name) for name in ("[CLS]", "[SEP]", "[PAD]"))
        if self._processor.get_piece_size() > vocabulary:
            raise CheckpointError(
                f"Checkpoint {path.parent.name!r}: {path.name} has {self._processor.get_piece_size()} entries, "
                f"its weights {vocabulary}."
            )

    def encode(self, text: str) -> list[int]:
        ids = self._processor.encode(text)
        return [self._first, *without_middle(ids, self._context - 2), self._last]

    def save(self, folder: Path) -> None:
        shutil.copy(self._path, folder)

    def _id(self, name: str) -> int:
        found = self._processor.piece_to_id(name)
        if self._processor.id_to_piece(found) != name:
            raise CheckpointError(
                f"{self._path.name} of checkpoint {self._path.parent.name!r} has no entry {name}, which a BERT needs."
            )
        return int(found)


class AutoEncoder:
    """The tokenizer that transformers finds in the folder; a long text loses its end."""

    def __init__(self, folder: Path, context: int) -> None:
        from transformers import AutoTokenizer

        self._tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._context = min(context, self._tokenizer.model_max_length)
        pad = self._tokenizer.pad_token_id
        self.pad_id = int(pad if pad is not None else self._tokenizer.eos_token_id or 0)

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, truncation=True, max_length=self._context)["input_ids"]
        return ids or [self.pad_id]

    def save(self, folder: Path) -> None:
        self._tokenizer.save_pretrained(folder)


def pad(ids: Sequence[Sequence[int]], pad_id: int) -> dict[str, torch.Tensor]:
    """input_ids and attention_mask [batch, longest], padded on the right."""
    longest = max(map(len, ids))
    return {
        "input_ids": torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in ids]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids]),
    }


def without_middle(ids: list[int], room: int) -> list[int]:
    if len(ids) <= room:
        return ids
    half = room // 2
    return ids[:half] + ids[len(ids) - (room - half) :]


def _context(config: Any) -> int:
    positions = int(getattr(config, "max_position_embeddings", 512))
    # RoBERTa's family counts its positions from the one after the pad's.
    return positions - (config.pad_token_id + 1) if "roberta" in config.model_type else positions


def _is_kogpt2(folder: Path) -> bool:
    if not (folder / "tokenizer.json").is_file():
        return not (folder / "tokenizer_config.json").is_file()  # then Tokenizer says which file is missing
    vocabulary = read_json(folder / "tokenizer.json").get("model", {}).get("vocab", {})
    return not isinstance(vocabulary, dict) or all(vocabulary.get(name) == i for i, name in enumerate(SPECIALS[:9]))
