"""The JSON files of a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.errors import CheckpointError


def read_json(path: Path) -> dict[str, Any]:
    """What the file `path` of a checkpoint holds, or CheckpointError."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path.name} of checkpoint {path.parent.name!r} cannot be read ({type(error).__name__})."
        ) from error
