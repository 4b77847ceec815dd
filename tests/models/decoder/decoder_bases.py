"""The bases that the decoder's tests run on, each on all of its engines."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from kogpt_funcs.models.networks.kernels import library

#: The engines of each base. A further base is one line.
BASES = {
    "small": ("compiled", "int8", "fp32", "bf16"),
    "gemma": ("compiled", "fp32"),
}


class Base(NamedTuple):
    name: str
    engine: str


PARAMS = [
    pytest.param(
        Base(name, engine),
        id=f"{name}-{engine}",
        marks=pytest.mark.skipif(
            engine == "compiled" and library() is None, reason="the kernels in C do not load here"
        ),
    )
    for name, engines in BASES.items()
    for engine in engines
]
