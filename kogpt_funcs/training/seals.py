"""Which checkpoints of a run are whole: each is sealed when its last file is written, and read back only if the seal
holds.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from kogpt_funcs.contract.errors import KogptError
from kogpt_funcs.contract.files import written_whole

_SEAL = "seal.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def seal(checkpoint: Path) -> None:
    """Writes seal.json, {file: SHA-256}, into a checkpoint folder that is complete. It appears at once or not at
    all.
    """
    digests = {path.name: sha256(path) for path in sorted(checkpoint.iterdir()) if path.name != _SEAL}
    replace_text(checkpoint / _SEAL, json.dumps(digests, indent=2) + "\n")


def last_whole(run: Path) -> Path | None:
    """The newest whole checkpoint of the folder `run`, None if there is none.

    One that a kill cut short (no seal, or files missing) is passed over. One whose bytes have changed since it was
    sealed raises KogptError: nobody should train on from it unawares.
    """
    for checkpoint in reversed(checkpoints(run)):
        if is_whole(checkpoint):
            _check(checkpoint)
            return checkpoint
    return None


def is_whole(checkpoint: Path) -> bool:
    """Was `checkpoint` written to its end, and are its files still there?"""
    try:
        return all((checkpoint / name).is_file() for name in _digests(checkpoint))
    except FileNotFoundError:
        return False


def checkpoints(run: Path) -> list[Path]:
    """The checkpoint folders of `run`, whole or not, by their step."""
    found = [path for path in run.glob("checkpoint-*") if _NAME.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=step)


def step(checkpoint: Path) -> int:
    """The optimizer step after which `checkpoint` was written."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_text(path: Path, text: str) -> None:
    """Writes `path` so that a kill leaves the old text or the new one."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _check(checkpoint: Path) -> None:
    for name, digest in _digests(checkpoint).items():
        if sha256(checkpoint / name) != digest:
            raise KogptError(
                f"{checkpoint / name} is damaged: it is not what training wrote. Delete the folder "
                f"{checkpoint} to go on from the "
                "checkpoint before it, or begin anew with --fresh."
            )


def _digests(checkpoint: Path) -> dict[str, str]:
    try:
        return dict(json.loads((checkpoint / _SEAL).read_text(encoding="utf-8")))
    except ValueError:
        raise KogptError(
            f"{checkpoint / _SEAL} is damaged. Delete the folder {checkpoint} to go on from the one before it."
        ) from None
