"""A classifier that shares its base with other functions: their weights, its own LoRA merged in, and a head on the final states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file
from tokenizers import Tokenizer as FastTokenizer
from transformers import AutoModelForCausalLM

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.bases import checkpoints
from kogpt_funcs.models.classifier.encoding import Encoder, without_middle
from kogpt_funcs.models.classifier.pooled import Pooled

_LONGEST = 512  # tokens of a text: the function takes 1,000 characters


class MarkedEncoder:
    """The base's first token, a text, the base's end token; a long text loses its middle."""

    def __init__(self, path: Path, config: Any) -> None:
        self._fast = FastTokenizer.from_file(str(path))
        self._fast.encode_special_tokens = True  # a text that reads "<eos>" is text
        self._first, self._end = int(config.bos_token_id), int(config.eos_token_id)
        self.pad_id = int(config.pad_token_id)
        self._path, self._room = path, min(_LONGEST, int(config.max_position_embeddings)) - 2

    def encode(self, text: str) -> list[int]:
        ids = self._fast.encode(text, add_special_tokens=False).ids
        return [self._first, *without_middle(ids, self._room), self._end]

    def save(self, folder: Path) -> None:
        """Nothing: the tokenizer stays with the base."""


def encoder(folder: Path, config: Any) -> Encoder:
    """How a text is read on the causal base in `folder`."""
    return MarkedEncoder(folder / "tokenizer.json", config)
