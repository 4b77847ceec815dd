"""Korean text functions. `from kogpt_funcs import change_style` gives the function itself."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__version__ = "0.1.0"


class _Package(ModuleType):
    """Importing the module NAME binds the function NAME on the package, not the module."""

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and callable(function := getattr(value, name, None)):
            value = function
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        from importlib import import_module

        from kogpt_funcs.contract.registry import names

        if name not in names():
            there = ", ".join(names())
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}. Functions: {there}.")
        return getattr(import_module(f"{self.__name__}.{name}"), name)

    def __dir__(self) -> list[str]:
        from kogpt_funcs.contract.registry import names

        return [*super().__dir__(), *names()]


sys.modules[__name__].__class__ = _Package
