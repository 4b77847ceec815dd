"""The decoder's kernels in C as a loaded library: the one that ships, or one built here, or none. Knows nothing of GPT-2.

The one that ships needs Linux with glibc 2.34, an x86-64 processor with AVX-512 VNNI, and sources that have not changed
since `python -m kogpt_funcs.models.networks.kernels` built it: its name carries their digest. Elsewhere a C compiler builds them.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kogpt_funcs.contract import settings

log = logging.getLogger(__name__)

SOURCES = Path(__file__).parent
PREBUILT = SOURCES / "prebuilt"
_FLAGS = ["-O3", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-pthread"]
_HERE = ["-march=native"]
_ANYWHERE = ["-march=x86-64-v4", "-mavx512vnni", "-mamx-tile", "-mamx-int8", "-s"]  # AMX is asked for before it is used
_NEEDED = {
    "abm", "avx2", "avx512_vnni", "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl", "bmi1", "bmi2", "f16c", "fma", "movbe",
}  # fmt: skip


@functools.cache
def library() -> Any:
    """The library, its threads started (KOGPT_THREADS); None where it can neither be loaded nor built."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return None
    for find in (_prebuilt, _built):
        try:
            path = find()
            loaded = ctypes.CDLL(str(path)) if path else None
        except (OSError, subprocess.SubprocessError) as error:
            log.info("No decoder in C by %s (%s).", find.__name__, error)
            continue
        if loaded is not None:
            loaded.start_threads(settings.current().threads)
            return loaded
    return None


def build(path: Path, compiler: str, flags: list[str]) -> None:
    """Compiles the sources into `path`, which is there whole or not at all. Raises OSError or SubprocessError."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".so", delete=False) as half_written:
        pass
    command = [compiler, *_FLAGS, *flags, str(SOURCES / "gpt2.c"), "-o", half_written.name, "-lm"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        os.replace(half_written.name, path)
    finally:
        Path(half_written.name).unlink(missing_ok=True)


def prebuild() -> Path:
    """Builds the library that ships, in the place of an older one."""
    PREBUILT.mkdir(exist_ok=True)
    for old in PREBUILT.glob("*.so"):
        old.unlink()
    path = PREBUILT / f"gpt2-{_digest()}.so"
    build(path, _compiler() or "cc", _ANYWHERE)
    path.chmod(0o644)
    return path


def _prebuilt() -> Path | None:
    path = PREBUILT / f"gpt2-{_digest()}.so"
    flags = next((line for line in _processor() if line.startswith("flags")), "")
    return path if sys.platform == "linux" and path.exists() and set(flags.split()) >= _NEEDED else None


def _built() -> Path | None:
    """Built on the first call and kept in the user's cache folder, for this processor and this compiler."""
    compiler = _compiler()
    if compiler is None:
        return None
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kogpt"
    path = folder / f"gpt2-{_digest(compiler, *_FLAGS, *_HERE, *_processor())}.so"
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a home that cannot be written to: build for this process alone
            path = Path(tempfile.mkdtemp(prefix="kogpt-")) / path.name
        build(path, compiler, _HERE)
    return path


def _compiler() -> str | None:
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def _digest(*more: str) -> str:
    sources = [path.read_text("utf-8") for path in sorted(SOURCES.glob("*.[ch]"))]
    return hashlib.sha256(repr((sources, more)).encode()).hexdigest()[:16]


def _processor() -> list[str]:
    """What /proc/cpuinfo says of the first processor's name and abilities."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("\n\n")[0].splitlines()
    except OSError:
        return [platform.processor()]
    return [line for line in lines if line.startswith(("model name", "flags"))]
