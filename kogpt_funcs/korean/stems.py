"""Korean words without their particles. A rule of thumb, not a parser; it knows no model."""

from __future__ import annotations

import re

STEM = re.compile(
    r"[가-힣]{2,}?(?=(?:은|는|이|가|을|를|의|에|에서|에게|도|만|과|와|로|으로|까지|부터|하고|이랑|랑)?(?![가-힣]))"
)


def stems(text: str) -> set[str]:
    """The words of `text` of two syllables and more, particles taken off."""
    return set(STEM.findall(text))
