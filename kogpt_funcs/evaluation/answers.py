"""What a function answers, as any surface would ask it."""

from __future__ import annotations

from typing import Any

from kogpt_funcs.contract import registry


def answer(name: str, **fields: Any) -> Any:
    """The Output of the function `name` for `fields`, all others at their defaults."""
    function = registry.get(name)
    return function.call(function.parse(fields))
