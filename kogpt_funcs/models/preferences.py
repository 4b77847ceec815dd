"""How an adapter is best asked: numbers beside its weights that its function reads. It knows no torch."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from kogpt_funcs.contract import settings

FILE = "generation_config.json"


def preferences(adapter: str) -> dict[str, float]:
    """What generation_config.json of the current base's `adapter` says; empty where there is none.

    `candidates`: how many are written for each that is wanted. `temperature`, `repetition`: factors of what the request
    says, the second of the penalty above 1. `guidance`: in place of the function's own. `in_kind`: not 0 where a text
    without line breaks and digits shall go on without them.
    """
    from kogpt_funcs.models.bases import checkpoints

    return _read(checkpoints.place(settings.current().base) / adapter / FILE)


def preferred(options: dict[str, Any], asked: dict[str, float]) -> dict[str, Any]:
    """Sampling `options` of a request with the factors in `asked` applied."""
    return {
        **options,
        "temperature": options["temperature"] * asked.get("temperature", 1),
        "repetition_penalty": 1 + (options["repetition_penalty"] - 1) * asked.get("repetition", 1),
    }


@cache
def _read(path: Path) -> dict[str, float]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}
