"""The environment variables the suite reads, in one place. They are read when used, so a test may set them."""

from __future__ import annotations

import os
from pathlib import Path

from kogpt_funcs.contract.errors import KogptError

ENGINES = ("auto", "compiled", "int8", "fp32", "bf16")


def base() -> str:
    """KOGPT_BASE: checkpoint for generation. A hub name, a folder, URL#MODEL, or "small" (default): the one in weights/."""
    return os.environ.get("KOGPT_BASE") or "small"


def weights() -> Path:
    """KOGPT_WEIGHTS: the folder of checkpoints; default: weights/ beside the package."""
    return Path(os.environ.get("KOGPT_WEIGHTS") or Path(__file__).parent.parent.parent / "weights")


def device() -> str:
    """KOGPT_DEVICE: cpu, cuda, cuda:1 …; default: a GPU if there is one."""
    return os.environ.get("KOGPT_DEVICE") or "auto"


def cache_bytes() -> int:
    """KOGPT_CACHE_GB: how much memory the loaded checkpoints may take together; default 8."""
    return int(_number("KOGPT_CACHE_GB", 8.0) * 1e9)


def queue() -> int:
    """KOGPT_QUEUE: how many requests may wait or run at once before others are told to come back; default 64."""
    return int(_number("KOGPT_QUEUE", 64))


def threads() -> int:
    """KOGPT_THREADS: how many threads a pass of the decoder shares; default: the cores this process may use, 16 at most."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(_number("KOGPT_THREADS", min(16, usable))))


def engine() -> str:
    """KOGPT_ENGINE: compiled (int8 in C), int8, fp32 or bf16 (torch); default: bf16 on a GPU, else compiled, else int8."""
    name = os.environ.get("KOGPT_ENGINE") or "auto"
    if name not in ENGINES:
        raise KogptError(f"KOGPT_ENGINE has value {name!r}. It must be one of: {', '.join(ENGINES)}.")
    return name


def deterministic() -> bool:
    """KOGPT_DETERMINISTIC: 1 makes a seeded request repeatable whatever else runs, where the engine cannot do that anyway."""
    return os.environ.get("KOGPT_DETERMINISTIC", "0") not in ("", "0")


def api_key() -> str | None:
    """KOGPT_API_KEY: if set, REST and MCP ask for `Authorization: Bearer KEY`."""
    return os.environ.get("KOGPT_API_KEY") or None


def remote_key() -> str | None:
    """KOGPT_REMOTE_KEY: key for the server that KOGPT_BASE names by URL; it is never written or shown."""
    return os.environ.get("KOGPT_REMOTE_KEY") or None


def youtube_key() -> str:
    """KOGPT_YOUTUBE_KEY: key for the YouTube Data API v3, which `kogpt collect youtube` asks; it is never written or shown."""
    key = (os.environ.get("KOGPT_YOUTUBE_KEY") or "").strip()
    if not key:
        raise KogptError(
            "KOGPT_YOUTUBE_KEY is not set. Make a key for the YouTube Data API v3 at console.cloud.google.com, then: export KOGPT_YOUTUBE_KEY=KEY"
        )
    return key


def youtube_url() -> str | None:
    """KOGPT_YOUTUBE_URL: where the YouTube Data API answers, if not at Google: a proxy, or a server for tests."""
    return os.environ.get("KOGPT_YOUTUBE_URL") or None


def weather_url() -> str:
    """KOGPT_WEATHER_URL: where Open-Meteo's forecast answers; a copy of one's own, or a server for tests."""
    return os.environ.get("KOGPT_WEATHER_URL") or "https://api.open-meteo.com/v1/forecast"


def geocoding_url() -> str:
    """KOGPT_GEOCODING_URL: where Open-Meteo's search for places answers, likewise."""
    return os.environ.get("KOGPT_GEOCODING_URL") or "https://geocoding-api.open-meteo.com/v1/search"


def stock_url() -> str:
    """KOGPT_STOCK_URL: where share prices are asked for, likewise."""
    return os.environ.get("KOGPT_STOCK_URL") or "https://m.stock.naver.com"


def stock_search_url() -> str:
    """KOGPT_STOCK_SEARCH_URL: where a company's name is looked up, likewise."""
    return os.environ.get("KOGPT_STOCK_SEARCH_URL") or "https://ac.stock.naver.com/ac"


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
