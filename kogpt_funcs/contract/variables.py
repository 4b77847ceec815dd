"""What an environment variable says, or KogptError with its name and value."""

from __future__ import annotations

from kogpt_funcs.contract.errors import KogptError


def number(variable: str, text: str, below: float = 1e6) -> float:
    """`text` as a number above 0 and under `below`."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < below:
        raise KogptError(f"{variable} has value {text!r}. It must be a number above 0.")
    return value
