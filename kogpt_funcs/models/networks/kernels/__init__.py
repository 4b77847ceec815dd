"""The decoder's kernels in C as a loaded library, for the fastest instruction set that the processor has. Knows no
architecture.

What ships needs Linux with glibc 2.34, an x86-64 processor, and sources that have not changed since
`python -m kogpt_funcs.models.networks.kernels` built it: its name carries their digest. Elsewhere a C compiler builds
it.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from kogpt_funcs.contract import settings
from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.models.networks.kernels import building
from kogpt_funcs.models.networks.kernels.building import ISAS

log = logging.getLogger(__name__)

_BITS = {"avx2": 1, "avx512vnni": 2, "amx": 4}  # processor.h


def library() -> Any:
    """The library for KOGPT_ISA, or for the fastest set that loads, its threads started (KOGPT_THREADS); None without
    any.
    """
    wanted = settings.current().isa
    if wanted == "auto":
        return next(filter(None, map(loaded, available())), None)
    if wanted not in ISAS:
        raise KogptError(f"KOGPT_ISA has value {wanted!r}. It must be one of: auto, {', '.join(ISAS)}.")
    if wanted not in available():
        raise KogptError(
            f"KOGPT_ISA has value {wanted!r}. This processor runs: "
            f"{', '.join(available()) or 'none, as there is no C compiler'}."
        )
    return loaded(wanted)


def available() -> list[str]:
    """The instruction sets that this processor runs, the fastest first. None where not even the portable library
    loads.
    """
    portable = loaded("portable")
    return [] if portable is None else runnable(processor(portable))


def processor(portable: Any) -> int:
    """What the processor has and the operating system lets it use, as processor.h's bits."""
    return int(portable.processor())


def runnable(bits: int) -> list[str]:
    """The instruction sets of a processor that has `bits`."""
    return [isa for isa in ISAS if bits & _BITS.get(isa, 0) == _BITS.get(isa, 0)]


@functools.cache
def loaded(isa: str) -> Any:
    """The library for `isa`, which the processor must have; None where it can neither be loaded nor built."""
    for find in (shipped, building.built):
        try:
            path = find(isa)
            if path:
                found: Any = ctypes.CDLL(str(path))
                found.start_threads(settings.current().threads)
                found.isa = isa
                found.bytes_a_second.restype = found.products_a_second.restype = ctypes.c_double
                found.bytes_a_second.argtypes = [ctypes.c_void_p, ctypes.c_long]
                return found
        except (OSError, subprocess.SubprocessError) as error:
            log.info("No decoder in C for %s by %s (%s).", isa, find.__name__, error)
    return None


def shipped(isa: str) -> Path | None:
    """The library that ships for `isa`, if this is a machine for it."""
    path = building.PREBUILT / building.name_of(isa)
    return path if sys.platform == "linux" and platform.machine() == "x86_64" and path.exists() else None
