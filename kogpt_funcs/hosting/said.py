"""A fault for users that crosses processes as a value: an exception would come out there as something else."""

from __future__ import annotations

from typing import Any, NamedTuple

from kogpt_funcs.contract.errors import KogptError


class Said(NamedTuple):
    error: KogptError


def value(given: Any) -> Any:
    """`given`, or, if it is a fault, raises it."""
    if isinstance(given, Said):
        raise given.error
    return given
