"""How the decoder's kernels are compiled: flags of each instruction set, what ships, what is built on a user's
machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent
PREBUILT = SOURCES / "prebuilt"
#: Instruction sets, the fastest first, and what a compiler is told of each.
ISAS = {
    "amx": ["-march=x86-64-v4", "-mavx512vnni", "-mamx-tile", "-mamx-int8"],
    "avx512vnni": ["-march=x86-64-v4", "-mavx512vnni"],
    "avx2": ["-march=x86-64-v3"],
    "portable": [],
}
# No float operation may be fused or reordered but where the source says so: all sets shall give the same.
_FLAGS = [
    "-O3",
    "-std=gnu11",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-D_GNU_SOURCE",
    "-shared",
    "-fPIC",
    "-pthread",
    "-s",
]


def name_of(isa: str) -> str:
    """The file name of `isa`'s library; it carries the digest of sources and flags."""
    sources = [path.read_text("utf-8") for path in sorted([*SOURCES.glob("*.[ch]"), *SOURCES.glob("isa/*.h")])]
    return f"{isa}-{hashlib.sha256(repr((sources, ISAS[isa], _FLAGS)).encode()).hexdigest()[:16]}.so"


def build(isa: str, path: Path, compiler: str, *more: str) -> None:
    """Compiles the sources, with `more` flags, into `path`, which is there whole or not at all. Raises OSError or
    SubprocessError.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".so", delete=False) as half_written:
        pass
    try:
        # From the sources' own folder, so that no path gets into what is built.
        command = [compiler, *_FLAGS, *ISAS[isa], *more, "decoder.c", "-o", half_written.name, "-lm"]
        subprocess.run(command, check=True, capture_output=True, timeout=600, cwd=SOURCES)
        os.replace(half_written.name, path)
    finally:
        Path(half_written.name).unlink(missing_ok=True)


def prebuild() -> list[Path]:
    """Builds the libraries that ship, in the place of older ones."""
    PREBUILT.mkdir(exist_ok=True)
    for old in PREBUILT.glob("*.so"):
        old.unlink()
    paths = [PREBUILT / name_of(isa) for isa in ISAS]
    for isa, path in zip(ISAS, paths, strict=True):
        build(isa, path, compiler() or "cc")
        path.chmod(0o644)
    return paths


def built(isa: str) -> Path | None:
    """Built on the first call and kept in the user's cache folder, for this compiler; None where there is none."""
    found = compiler()
    if found is None:
        return None
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kogpt"
    path = folder / f"{Path(found).name}-{name_of(isa)}"
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a home that cannot be written to: build for this process alone
            path = Path(tempfile.mkdtemp(prefix="kogpt-")) / path.name
        build(isa, path, found)
    return path


def compiler() -> str | None:
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
