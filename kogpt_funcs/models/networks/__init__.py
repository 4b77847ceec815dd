"""Architectures: new tokens in, logits out. Each is one file here; adapters, int8 and the compiled kernels work for
all.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kogpt_funcs.models.networks.architecture import Architecture


@functools.cache
def architectures() -> dict[str, Architecture]:
    """Every architecture of this folder by its `model_type`."""
    modules = [
        importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__) if not info.ispkg
    ]
    known = [module.ARCHITECTURE for module in modules if hasattr(module, "ARCHITECTURE")]
    return {architecture.model_type: architecture for architecture in known}
