"""What an asker is told of a fault: that memory ran out is a reason to come back, all else is the fault itself."""

from __future__ import annotations

import re

import torch

from kogpt_funcs.contract.errors import Busy

_NO_MEMORY = re.compile(
    r"not enough memory|can't allocate memory|bad_alloc|could not create a primitive$"
)  # torch's words, and oneDNN's
_RETRY_SECONDS = 10


def busy_if_out_of_memory(error: Exception) -> Exception:
    """Busy where memory ran out, else `error`."""
    out_of_memory = isinstance(error, (torch.OutOfMemoryError, MemoryError)) or _NO_MEMORY.search(str(error))
    return Busy(retry_after=_RETRY_SECONDS) if out_of_memory else error
