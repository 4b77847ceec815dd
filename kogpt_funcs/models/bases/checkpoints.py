"""From a checkpoint's name to its files: weights/, a folder, the prepared Gemma, or the Hugging Face hub. It reads no
weights.
"""

from __future__ import annotations

import re
from pathlib import Path

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import CheckpointError

GEMMA = "gemma"  # the pretrained base, made of its packages
GEMMA_ON_THE_HUB = "google/gemma-3-270m"  # the same model, by the user's own token
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def folder(name: str) -> Path:
    """The folder of a checkpoint: `name` in weights/, a folder of that path, or a download of that hub name."""
    if name == GEMMA and not (settings.current().weights / name / "config.json").is_file():
        from kogpt_funcs.models.bases import gemma

        return gemma.prepared()
    for candidate in (settings.current().weights / name, Path(name).expanduser()):
        if (candidate / "config.json").is_file():
            return candidate
    if Path(name).is_dir():
        raise CheckpointError(
            f"{slug(name)} has no config.json. A checkpoint folder needs config.json, weights and tokenizer.json."
        )
    if name == GEMMA_ON_THE_HUB:
        from kogpt_funcs.models.bases import gemma

        return gemma.prepared_from(_download(name))
    if _HUB_NAME.fullmatch(name):
        return _download(name)
    raise CheckpointError(
        f"No checkpoint {name!r} in {settings.current().weights.name}/, and no such folder. There: {_there()}."
    )


def adapter_folder(function: str, base: str) -> Path | None:
    """The folder of `function`'s adapter trained for `base`; None if there is none.

    That is weights/BASE/FUNCTION, a hub name's slash written as two dashes.
    """
    folder = place(base) / function
    return folder if (folder / "adapter_config.json").is_file() else None


def adapters(base: str) -> list[str]:
    """The functions that have something of their own on `base` that writes: an adapter, or a full checkpoint."""
    folders = place(base).glob("*/config.json"), place(base).glob("*/adapter_config.json")
    full = {path.parent.name.removesuffix("-full") for path in folders[0] if path.parent.name.endswith("-full")}
    return sorted(full | {path.parent.name for path in folders[1] if not (path.parent / "config.json").is_file()})


def full_checkpoint(function: str, base: str) -> str | None:
    """The name of `function`'s own checkpoint, all weights of `base` trained for it; None if there is none."""
    folder = place(base) / f"{function}-full"
    return str(folder.relative_to(settings.current().weights)) if (folder / "config.json").is_file() else None


def classifier(function: str, base: str) -> str:
    """The name of `function`'s classifier: one of the user's own, weights/FUNCTION; that of `base`; that of the small
    base.
    """
    for name in (function, f"{slug(base)}/{function}", f"small/{function}"):
        if (settings.current().weights / name / "config.json").is_file():
            return name
    return function


def place(base: str) -> Path:
    """Where the checkpoints are that functions have on `base`."""
    return settings.current().weights / (GEMMA if base == GEMMA_ON_THE_HUB else slug(base))


def slug(base: str) -> str:
    """A base's name as a folder's: `skt/kogpt2-base-v2` becomes `skt--kogpt2-base-v2`, a path its last part."""
    return base.replace("/", "--") if _HUB_NAME.fullmatch(base) else Path(base).name


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.bin", "*.model", "*.txt"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"Checkpoint {name!r} is neither in {settings.current().weights.name}/ nor on this machine, and "
            f"the Hugging Face hub "
            f"cannot be reached ({type(error).__name__}). Download it once where there is a network: hf download {name}"
        ) from error


def _there() -> str:
    found = sorted(path.parent.name for path in settings.current().weights.glob("*/config.json"))
    return ", ".join(found) or "none"
