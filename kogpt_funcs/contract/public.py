"""The settings of a server that strangers reach. By default all is open: that suits one's own machine.

`docs/public.md` says how they go together. settings.py reads them with all the others.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.variables import number

LOGS = ("text", "json")
_RATE = re.compile(r"\d+\s*(?:/|per)\s*(?:\d+\s*)?(?:second|minute|hour|day|month|year)s?", re.IGNORECASE)
_HOST = re.compile(r"\*|(?:\*\.)?[\w.-]+|\[[0-9a-fA-F:]+\]")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/\s]+")


@dataclass(frozen=True)
class Public:
    """Keys, limits, names and logs. What holds a secret is no part of the repr."""

    #: KOGPT_KEYS: the file of API keys that `kogpt keys` writes; if it is set, REST, MCP and /v1 ask for one of them.
    keys: Path | None = None
    #: KOGPT_KEY_LIMIT: what one key may ask, as in `60/minute; 10000/day`; a key may have a limit of its own.
    key_limit: str = ""
    #: KOGPT_ADDRESS_LIMIT: what one address may ask, in the same words.
    address_limit: str = ""
    #: KOGPT_LIMITS_STORE: where the counts are: this process, or redis://… for several processes.
    limits_store: str = field(default="memory://", repr=False)
    #: KOGPT_MAX_BODY: bytes that REST, MCP and /v1 read of a request.
    max_body: int = 1_000_000
    #: KOGPT_TIMEOUT: seconds after which a request is given up.
    timeout: float = 300.0
    #: KOGPT_ORIGINS: the origins whose pages may call from a browser (CORS), or *. Default: none but local ones.
    origins: tuple[str, ...] = ()
    #: KOGPT_HOSTS: the host names that this server answers to, as in `kogpt.example, *.kogpt.example`. Default: any.
    hosts: tuple[str, ...] = ()
    #: KOGPT_PROXIES: addresses and networks whose X-Forwarded-For and -Proto are believed. Default: 127.0.0.1.
    proxies: tuple[str, ...] = ("127.0.0.1",)
    #: KOGPT_FRAMES: origins whose pages may show ours in a frame. Default: our own, and Hugging Face in a Space.
    frames: tuple[str, ...] = field(default_factory=lambda: _space_frames())
    #: KOGPT_LOG: text, or json: one object a line, and no fault's own words, which may quote a user.
    log: str = "text"
    #: KOGPT_STOP_SECONDS: how long running requests may go on once the server is told to stop.
    stop_seconds: float = 8.0


def read() -> Public:
    """What the environment says; KogptError names a variable that is wrong."""
    texts = {name: value for name in _READERS if (value := os.environ.get(f"KOGPT_{name}", "").strip())}
    given = {_READERS[name][0]: _READERS[name][1](f"KOGPT_{name}", text) for name, text in texts.items()}
    return Public(**given)


def _space_frames() -> tuple[str, ...]:
    return ("https://huggingface.co",) if os.environ.get("SPACE_ID") else ()


def rates(variable: str, text: str) -> str:
    """`text` if it says limits, as in `60/minute; 10000/day`."""
    parts = [part.strip() for part in re.split(r"[;,|\n]", text) if part.strip()]
    if not parts or not all(_RATE.fullmatch(part) for part in parts):
        raise KogptError(f"{variable} has value {text!r}. Limits look like 60/minute; 10000/day.")
    return "; ".join(parts)


def _listed(pattern: re.Pattern[str], what: str) -> Callable[[str, str], tuple[str, ...]]:
    def read(variable: str, text: str) -> tuple[str, ...]:
        parts = [part for part in re.split(r"[,\s]+", text) if part]
        for part in parts:
            if not pattern.fullmatch(part):
                raise KogptError(f"{variable} has value {text!r}. {part!r} is no {what}.")
        return tuple(part.rstrip("/").lower() for part in parts)

    return read


def _networks(variable: str, text: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    for part in parts:
        try:
            ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise KogptError(f"{variable} has value {text!r}. {part!r} is no address or network.") from None
    return tuple(parts)


def _amount(variable: str, text: str) -> float:
    return number(variable, text, below=1e9)


def _bytes(variable: str, text: str) -> int:
    return max(1, int(_amount(variable, text)))


def _log(variable: str, text: str) -> str:
    if text not in LOGS:
        raise KogptError(f"{variable} has value {text!r}. It must be one of: {', '.join(LOGS)}.")
    return text


def _path(variable: str, text: str) -> Path:
    return Path(text).expanduser()


def _text(variable: str, text: str) -> str:
    return text


#: KOGPT_… → the setting and what reads it.
_READERS: dict[str, tuple[str, Callable[[str, str], Any]]] = {
    "KEYS": ("keys", _path),
    "KEY_LIMIT": ("key_limit", rates),
    "ADDRESS_LIMIT": ("address_limit", rates),
    "LIMITS_STORE": ("limits_store", _text),
    "MAX_BODY": ("max_body", _bytes),
    "TIMEOUT": ("timeout", _amount),
    "ORIGINS": ("origins", _listed(_ORIGIN, "origin, such as https://example.org")),
    "HOSTS": ("hosts", _listed(_HOST, "host name")),
    "PROXIES": ("proxies", _networks),
    "FRAMES": ("frames", _listed(_ORIGIN, "origin, such as https://example.org")),
    "LOG": ("log", _log),
    "STOP_SECONDS": ("stop_seconds", _amount),
}
