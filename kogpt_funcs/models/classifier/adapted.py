"""A classifier on the base that other functions use too: its own LoRA, merged into a copy of the weights, and a head.

The copy costs the base's memory once more, but a text is then read in one pass without the decoder's cache.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.bases import checkpoints, loading
from kogpt_funcs.models.classifier.encoding import Encoder, without_middle
from kogpt_funcs.models.classifier.pooled import Pooled
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.prompt import Special
from kogpt_funcs.models.tokenizers import read_tokenizer
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer

_LONGEST = 512  # tokens of a text


class BeginEndEncoder:
    """`<s>` text `</s>` by a base's own tokenizer; a long text loses its middle."""

    def __init__(self, tokenizer: Tokenizer, context: int) -> None:
        self._tokenizer, self._room = tokenizer, min(_LONGEST, context) - 2
        self.pad_id = tokenizer.pad

    def encode(self, text: str) -> list[int]:
        begin, *ids = self._tokenizer.encode([Special("<s>"), text])
        return [begin, *without_middle(ids, self._room), self._tokenizer.end]

    def save(self, folder: Path) -> None:
        """Nothing: the tokenizer stays with the base."""


def encoder_of(tokenizer: Tokenizer, context: int) -> Encoder:
    return BeginEndEncoder(tokenizer, context)


def is_adapted(folder: Path) -> bool:
    """Is the classifier in `folder` an adapter and a head, rather than a model of its own?"""
    return (folder / "adapter_config.json").is_file()


def load_adapted(folder: Path, labels: int, dtype: torch.dtype) -> tuple[Any, Encoder]:
    """The base with the adapter merged in and the head of `folder`, ready to read, and its encoder.

    Raises CheckpointError where the adapter was trained on other weights or the head has other labels.
    """
    base = _base_of(folder)
    model = loading.load(checkpoints.folder(base))
    made_for = read_json(folder / "base.json").get("fingerprint")
    if made_for != loading.fingerprint(model):
        raise CheckpointError(
            f"The classifier in {folder.parent.name}/{folder.name} was trained on other weights ({made_for}) than base "
            f"{checkpoints.slug(base)!r} has ({loading.fingerprint(model)}). Train it again: kogpt train "
            f"{folder.name} --data FILE"
        )
    place = checkpoints.folder(base)
    architecture = loading.architecture_of(place)
    context = architecture.shape(model.config).context if architecture else _LONGEST
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers in words that are going out
        merged: Any = PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    pooled = Pooled(merged.base_model, labels).to(dtype).eval()
    head = load_file(str(folder / "head.safetensors"))
    if head["outputs.weight"].shape[0] != labels:
        raise CheckpointError(
            f"Checkpoint {folder.name!r}: head.safetensors has {head['outputs.weight'].shape[0]} outputs, "
            f"config.json {labels} labels."
        )
    pooled.head.float().load_state_dict(head)
    return pooled, encoder_of(read_tokenizer(place), context)


def _base_of(folder: Path) -> str:
    """The base that this process writes with if the classifier was made for it, else the one that base.json names."""
    named = str(read_json(folder / "base.json").get("base"))
    current = settings.current().base
    return current if checkpoints.place(current).name == checkpoints.slug(named) else named
