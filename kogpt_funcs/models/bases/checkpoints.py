"""From a checkpoint's name to its files: weights/, a folder, or the Hugging Face hub."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError

logging.disable_progress_bar()  # loading takes a fraction of a second, and stderr is for messages

_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def folder(name: str) -> Path:
    """The folder of a checkpoint: `name` in weights/, a folder of that path, or a download of that hub name."""
    for candidate in (settings.current().weights / name, Path(name).expanduser()):
        if (candidate / "config.json").is_file():
            return candidate
    if Path(name).is_dir():
        raise CheckpointError(f"{slug(name)} has no config.json. A checkpoint folder needs config.json, weights and tokenizer.json.")
    if _HUB_NAME.fullmatch(name):
        return _download(name)
    raise CheckpointError(f"No checkpoint {name!r} in {settings.current().weights.name}/, and no such folder. There: {_there()}.")


def adapter_folder(function: str, base: str) -> Path | None:
    """The folder of `function`'s adapter trained for `base`; None if there is none.

    That is weights/BASE/FUNCTION, a hub name's slash written as two dashes.
    """
    folder = place(base) / function
    return folder if (folder / "adapter_config.json").is_file() else None


def full_checkpoint(function: str, base: str) -> str | None:
    """The name of `function`'s own checkpoint, all weights of `base` trained for it; None if there is none."""
    folder = place(base) / f"{function}-full"
    return str(folder.relative_to(settings.current().weights)) if (folder / "config.json").is_file() else None


def classifier(function: str, base: str) -> str:
    """The name of `function`'s classifier: one of the user's own, weights/FUNCTION; that of `base`; that of the small base."""
    for name in (function, f"{slug(base)}/{function}", f"small/{function}"):
        if (settings.current().weights / name / "config.json").is_file():
            return name
    return function


def place(base: str) -> Path:
    """Where the checkpoints are that functions have on `base`."""
    return settings.current().weights / slug(base)


def slug(base: str) -> str:
    """A base's name as a folder's: `skt/kogpt2-base-v2` becomes `skt--kogpt2-base-v2`, a path its last part."""
    return base.replace("/", "--") if _HUB_NAME.fullmatch(base) else Path(base).name


def fingerprint(model: torch.nn.Module) -> str:
    """Twelve hex digits that change when the weights do: a hash of the last norm and the first embeddings, as bf16."""
    state = model.state_dict()
    tensors = [t for name, t in state.items() if name.endswith(("ln_f.weight", "ln_f.bias"))]
    tensors += [t[:64] for name, t in state.items() if name.endswith("wte.weight")]
    tensors = tensors or [next(iter(state.values()))[:64]]  # of another architecture: its embeddings
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().cpu().to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:12]


def read_json(path: Path) -> dict[str, Any]:
    """A checkpoint's JSON file, or CheckpointError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path.name} of checkpoint {path.parent.name!r} cannot be read ({type(error).__name__}).") from error


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.bin", "*.model", "*.txt"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"Checkpoint {name!r} is neither in {settings.current().weights.name}/ nor on this machine, and the Hugging Face hub "
            f"cannot be reached ({type(error).__name__}). Download it once where there is a network: hf download {name}"
        ) from error


def _there() -> str:
    found = sorted(path.parent.name for path in settings.current().weights.glob("*/config.json"))
    return ", ".join(found) or "none"
