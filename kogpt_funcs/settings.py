"""The environment variables the suite reads, in one place. They are read when used, so a test may set them."""

from __future__ import annotations

import os
from pathlib import Path

from kogpt_funcs.errors import KogptError


def base() -> str:
    """KOGPT_BASE: checkpoint for generation. A hub name, a folder, or "base" (default): the one in weights/."""
    return os.environ.get("KOGPT_BASE") or "base"


def weights() -> Path:
    """KOGPT_WEIGHTS: the folder of checkpoints; default: weights/ beside the package."""
    return Path(os.environ.get("KOGPT_WEIGHTS") or Path(__file__).parent.parent / "weights")


def device() -> str:
    """KOGPT_DEVICE: cpu, cuda, cuda:1 …; default: a GPU if there is one."""
    return os.environ.get("KOGPT_DEVICE") or "auto"


def cache_bytes() -> int:
    """KOGPT_CACHE_GB: how much memory the loaded checkpoints may take together; default 8."""
    return int(_number("KOGPT_CACHE_GB", 8.0) * 1e9)


def queue() -> int:
    """KOGPT_QUEUE: how many requests may wait or run at once before others are told to come back; default 64."""
    return int(_number("KOGPT_QUEUE", 64))


def api_key() -> str | None:
    """KOGPT_API_KEY: if set, REST and MCP ask for `Authorization: Bearer KEY`."""
    return os.environ.get("KOGPT_API_KEY") or None


def _number(name: str, default: float) -> float:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1e6:
        raise KogptError(f"{name} has value {text!r}. It must be a number above 0.")
    return value
