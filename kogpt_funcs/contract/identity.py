"""Which program this is and what its answers depend on: how a command knows a server that answers as it would."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import kogpt_funcs
from kogpt_funcs.contract import settings
from kogpt_funcs.contract.settings import Settings

SERVICE = "kogpt-funcs"
_PACKAGE = Path(kogpt_funcs.__file__).parent
#: The settings that change what is answered; the others change how fast, or who may ask.
_DECIDING = (
    "base",
    "device",
    "engine",
    "isa",
    "deterministic",
    "weather_url",
    "geocoding_url",
    "stock_url",
    "stock_search_url",
)


def configuration() -> str:
    """Twelve hex digits, alike in two processes with the same sources, weights and settings."""
    return _digest(settings.current())


@functools.cache
def _digest(chosen: Settings) -> str:
    digest = hashlib.sha256(repr([str(getattr(chosen, name)) for name in _DECIDING]).encode())
    for file in sorted(_PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(_PACKAGE).as_posix().encode() + file.read_bytes())
    weights = chosen.weights.resolve()
    for file in sorted(path for path in weights.rglob("*") if path.is_file()):
        about = file.stat()
        digest.update(f"{file} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.hexdigest()[:12]
