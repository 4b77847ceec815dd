"""Finds the functions in kogpt_funcs/: each file there is one. It knows no surface."""

from __future__ import annotations

import difflib
import functools
import importlib
import typing
from pathlib import Path
from typing import Any

from kogpt_funcs.contract.declaring import declared
from kogpt_funcs.contract.errors import BadFunction, UnknownFunction
from kogpt_funcs.contract.function import Function


def functions() -> dict[str, Function]:
    """Every function by name, in the order of their file names. Raises BadFunction for a wrong file."""
    return dict(_load())


def get(name: str) -> Function:
    """The function called `name`, or UnknownFunction with the names there are."""
    known = _load()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        korean, english = (f" {near[0]!r} 말인가요?", f" Did you mean {near[0]!r}?") if near else ("", "")
        names = ", ".join(known)
        raise UnknownFunction(
            f"없는 함수입니다: {name!r}.{korean} 쓸 수 있는 함수: {names}.",
            f"No function {name!r}.{english} Functions: {names}.",
        )
    return known[name]


def ask(name: str, **given: Any) -> Any:
    """What the function `name` answers to the input `given`: how one function uses another.

    It reads no declaration, so that it works under pydantic 1 too.
    """
    call = getattr(importlib.import_module(f"kogpt_funcs.{name}"), name)
    return call(typing.get_type_hints(call)["input"](**given))


def names() -> list[str]:
    """The functions' names, read from the folder without importing them."""
    files = sorted(Path(__file__).parent.parent.glob("*.py"))
    return [file.stem for file in files if not file.stem.startswith("_")]


@functools.cache
def _load() -> dict[str, Function]:
    return {name: _read(name) for name in names()}


def _read(name: str) -> Function:
    try:
        module = importlib.import_module(f"kogpt_funcs.{name}")
    except Exception as error:  # whatever the file does at import is the file's fault
        raise BadFunction(f"kogpt_funcs/{name}.py does not import: {type(error).__name__}: {error}") from error
    return declared(name, module)
