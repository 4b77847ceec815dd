"""How a function is measured: by the module of its name here, or as any adapter is."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

from kogpt_funcs.evaluation.report import Figures
from kogpt_funcs.evaluation.rows import Asked


def measure(asked: Asked) -> Figures:
    """The figures of `asked.function` with the base in use; KogptError where its rows or weights do not do."""
    own = f"kogpt_funcs.evaluation.{asked.function}"
    module: Any = importlib.import_module(own if find_spec(own) else "kogpt_funcs.evaluation.adapters")
    return module.measure(asked)
