"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from kogpt_funcs.contract.errors import KogptError


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write in the block. At its end the file moves to `path`; if the block fails, nothing is left.

    Raises KogptError if it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.writing")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        raise KogptError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink()
