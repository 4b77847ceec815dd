"""One thing that `kogpt doctor` has looked at."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PYPROJECT = Path(__file__).parent.parent.parent / "pyproject.toml"  # there in a clone
INSTALL = "pip install -r requirements.txt" if PYPROJECT.exists() else "pip install --upgrade kogpt-funcs"


class Finding(NamedTuple):
    """`state` is good, note or missing; `mend` a command, empty where none is needed."""

    about: str
    state: str
    said: str
    mend: str = ""
