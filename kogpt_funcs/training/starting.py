"""The base that a run starts from: its architecture, tokenizer and weights are checked before a step is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoModelForCausalLM, GPT2LMHeadModel
from transformers.pytorch_utils import Conv1D

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.bases import checkpoints, loading
from kogpt_funcs.models.tokenizers.kogpt2 import Tokenizer
from kogpt_funcs.training.precision import frozen

_TIED = {"lm_head.weight"}  # the same matrix as the embeddings


class Start(NamedTuple):
    folder: Path
    tokenizer: Tokenizer
    model: GPT2LMHeadModel  # fp32
    fingerprint: str


def start(base: str) -> Start:
    """The checkpoint `base`, or CheckpointError where it is no GPT-2, is damaged, or has another model's tokenizer."""
    folder = checkpoints.folder(base)
    name = checkpoints.slug(base)
    architecture = checkpoints.read_json(folder / "config.json").get("model_type")
    if architecture != "gpt2":
        raise CheckpointError(f"Checkpoint {name!r} has architecture {architecture!r}. Training starts from a 'gpt2', such as base or skt/kogpt2-base-v2.")
    tokenizer = Tokenizer(folder / "tokenizer.json")
    model = _load(folder, name)
    if model.config.vocab_size < tokenizer.size:
        raise CheckpointError(
            f"Checkpoint {name!r}: its tokenizer has {tokenizer.size} entries, its weights {model.config.vocab_size}. "
            "They are not of one model."
        )
    return Start(folder, tokenizer, model, loading.fingerprint(model))


def causal_base(base: str) -> tuple[Path, Any]:
    """The folder of the causal checkpoint `base` and its model, in the dtype in which this machine reads it fastest."""
    folder = checkpoints.folder(base)
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=frozen(), attn_implementation="sdpa", local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # files break in many ways, and each library has its own words for it
        raise CheckpointError(f"Checkpoint {checkpoints.slug(base)!r} cannot be loaded: {type(error).__name__}: {str(error).splitlines()[0]:.200}") from error
    model, info = loaded
    missing = sorted(set(info["missing_keys"]) - _TIED)
    if missing:
        raise CheckpointError(f"Checkpoint {checkpoints.slug(base)!r} lacks weights that its config.json promises ({missing[0]} …).")
    return folder, model


def lora_targets(model: Any) -> list[str]:
    """The full names of the linear layers inside the blocks of `model`."""
    head = model.get_output_embeddings()
    return [name for name, module in model.named_modules() if isinstance(module, (torch.nn.Linear, Conv1D)) and module is not head]


def _load(folder: Path, name: str) -> GPT2LMHeadModel:
    try:
        loaded: Any = GPT2LMHeadModel.from_pretrained(str(folder), dtype=torch.float32, output_loading_info=True)
        model, info = loaded
    except Exception as error:  # files break in many ways, and each library has its own words for it
        raise CheckpointError(f"Checkpoint {name!r} cannot be loaded: {type(error).__name__}: {str(error).splitlines()[0]:.200}") from error
    missing = sorted(set(info["missing_keys"]) - _TIED)
    if missing or info["mismatched_keys"]:
        raise CheckpointError(
            f"Checkpoint {name!r} lacks weights that its config.json promises ({(missing or ['of that shape'])[0]} …). "
            "Training would start from random ones."
        )
    return model
