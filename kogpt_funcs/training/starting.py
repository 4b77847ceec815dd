"""The base that a run starts from: its architecture, tokenizer and weights are checked before a step is made."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from torch import nn
from transformers.activations import NewGELUActivation

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.bases import checkpoints, loading
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.networks import architectures
from kogpt_funcs.models.networks.architecture import Architecture
from kogpt_funcs.models.tokenizers import read_tokenizer
from kogpt_funcs.models.tokenizers.tokenizer import Tokenizer

_LONGEST = 1024  # tokens of a training sequence, whatever more the base can read


class Start(NamedTuple):
    base: str  # as the user named it
    folder: Path
    architecture: Architecture
    tokenizer: Tokenizer
    model: Any  # of transformers
    length: int  # tokens that a training sequence may have
    fingerprint: str


def start(base: str, dtype: torch.dtype = torch.float32) -> Start:
    """The checkpoint `base`; CheckpointError where its architecture is not ours, it is damaged, or has another's
    tokenizer.
    """
    folder, name = checkpoints.folder(base), checkpoints.slug(base)
    architecture = loading.architecture_of(folder)
    if architecture is None:
        kind = read_json(folder / "config.json").get("model_type")
        known = ", ".join(sorted(architectures()))
        raise CheckpointError(
            f"Checkpoint {name!r} has architecture {kind!r}. Training starts from one of: {known}; such as "
            f"small or gemma."
        )
    tokenizer = read_tokenizer(folder)
    model = _load(folder, name, dtype)
    shape = architecture.shape(model.config)
    if shape.vocabulary < tokenizer.size:
        raise CheckpointError(
            f"Checkpoint {name!r}: its tokenizer has {tokenizer.size} entries, its weights {shape.vocabulary}. "
            "They are not of one model."
        )
    return Start(
        base, folder, architecture, tokenizer, model, min(shape.context, _LONGEST), architecture.fingerprint(model)
    )


def with_adapter(begun: Start, rank: int, adapter: Path | None = None) -> Any:
    """The model of `begun` with LoRA on every linear layer of its blocks, fresh or as in the folder `adapter`; the
    base's own weights are frozen.
    """
    lora = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules=begun.architecture.targets,
        fan_in_fan_out=begun.architecture.transposed,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PEFT uses what transformers is about to rename
        model = get_peft_model(quickened(begun.model), lora)
    if adapter:
        put(model, adapter_weights(adapter, begun, rank), adapter)
    return model


def adapter_weights(adapter: Path, begun: Start, rank: int) -> dict[str, torch.Tensor]:
    """The tensors of the adapter in the folder `adapter`; CheckpointError where it has another base or rank."""
    told = read_json(adapter / "base.json")
    if told.get("fingerprint") != begun.fingerprint:
        raise CheckpointError(f"The adapter in {adapter} fits the base {told.get('base')!r}, not {begun.base!r}.")
    rank_there = read_json(adapter / "adapter_config.json").get("r")
    if rank_there != rank:
        raise CheckpointError(f"The adapter in {adapter} has rank {rank_there}. Give --rank {rank_there}.")
    return load_file(adapter / "adapter_model.safetensors")


def put(model: Any, weights: dict[str, torch.Tensor], adapter: Path) -> None:
    """Puts an adapter's `weights` into `model`, which is PEFT's; CheckpointError where they are of other layers."""
    found: Any = set_peft_model_state_dict(model, weights)
    wrong = [name for name in found.missing_keys if ".lora_" in name] + list(found.unexpected_keys)
    if wrong:
        raise CheckpointError(f"The adapter in {adapter} has other layers than this base: {wrong[0]}.")


def quickened(model: Any) -> Any:
    """`model` with one kernel for each GELU that transformers writes as eight."""
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, nn.GELU(approximate="tanh"))
    return model


def _load(folder: Path, name: str, dtype: torch.dtype) -> Any:
    try:
        return loading.load(folder, dtype)
    except CheckpointError as error:
        raise CheckpointError(f"{error} Training would start from random ones.") from error
    except Exception as error:  # files break in many ways, and each library has its own words for it
        said = str(error).splitlines()[0] if str(error) else ""
        raise CheckpointError(f"Checkpoint {name!r} cannot be loaded: {type(error).__name__}: {said:.200}") from error
