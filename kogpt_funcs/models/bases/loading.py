"""The one place where a checkpoint's weights are read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models.metadata import read_json
from kogpt_funcs.models.networks import architectures
from kogpt_funcs.models.networks.architecture import Architecture

logging.disable_progress_bar()  # loading takes a fraction of a second, and stderr is for messages


def load(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """The causal language model in `folder`, on the CPU, ready to be read from.

    Raises CheckpointError where there are no weights, or others than config.json promises.
    """
    name = folder.name
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*.bin")):
        raise CheckpointError(f"Checkpoint {name!r} has no weights (model.safetensors). Train it: kogpt train {name}")
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        str(folder), dtype=dtype, local_files_only=True, output_loading_info=True
    )
    model, report = loaded
    lacking = sorted(map(str, [*report["missing_keys"], *report["mismatched_keys"]]))
    if lacking:
        raise CheckpointError(
            f"Checkpoint {name!r} has architecture {model.config.model_type!r}, but its weights do not: they "
            f"lack {lacking[0]}."
        )
    return model.eval()


def architecture_of(folder: Path) -> Architecture | None:
    """The architecture of the checkpoint in `folder`, if it is one that our decoder runs."""
    return architectures().get(str(read_json(folder / "config.json").get("model_type")))


def fingerprint(model: Any) -> str:
    """Twelve hex digits that change when the weights of `model` do, whatever its architecture."""
    known = architectures().get(model.config.model_type)
    if known:
        return known.fingerprint(model)
    first = next(iter(model.state_dict().values()))[:64].detach().cpu().to(torch.bfloat16).contiguous()
    return hashlib.sha256(first.view(torch.int16).numpy().tobytes()).hexdigest()[:12]


def device() -> torch.device:
    """KOGPT_DEVICE, or a GPU if there is one, or the CPU."""
    name = settings.current().device
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        raise CheckpointError(
            f"KOGPT_DEVICE has value {name!r}. Devices of this machine: {', '.join(there)}."
        ) from error
    return chosen
