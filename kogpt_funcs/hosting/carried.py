"""What a Space carries: the functions, the rooms of the program that these need, and their weights. It writes nothing.

A function needs another where its file asks the registry for it by name; the sites come along where all functions do
that they ask for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kogpt_funcs.contract import registry, settings
from kogpt_funcs.models import retrieval
from kogpt_funcs.models.bases import checkpoints

PACKAGE = Path(__file__).parent.parent
_ALWAYS = ("contract", "surfaces")  # and what these and the functions import
_SITES = "sites"


@dataclass(frozen=True)
class Carried:
    """`shown` are the functions on the page; the others are there because these need them."""

    shown: tuple[str, ...]
    base: str
    rooms_too: tuple[str, ...] = ()

    @cached_property
    def functions(self) -> list[str]:
        """The functions, those that others need included, in the registry's order."""
        needed, left = set(self.shown), list(self.shown)
        while left:
            named = _named(PACKAGE / f"{left.pop()}.py") - needed
            needed |= named
            left += named
        return [name for name in registry.names() if name in needed]

    @cached_property
    def rooms(self) -> list[str]:
        """The folders of kogpt_funcs/."""
        files = [PACKAGE / f"{name}.py" for name in self.functions]
        rooms = {*_ALWAYS, *self.rooms_too}
        if self._sites:
            rooms.add(_SITES)
        found: set[str] = set()
        while rooms - found or files:
            for room in rooms - found:
                files += list((PACKAGE / room).rglob("*.py"))
                found.add(room)
            rooms |= {room for path in files for room in _rooms(path)}
            files = []
        return sorted(found)

    @property
    def _sites(self) -> bool:
        site = PACKAGE / _SITES
        return site.is_dir() and {n for path in site.rglob("*.py") for n in _named(path)} <= set(self.functions)

    @cached_property
    def weights(self) -> list[Path]:
        """Files, relative to the folder of weights."""
        root, place = settings.current().weights, checkpoints.place(self.base)
        folders = [place / part for name in self.functions for part in (name, f"{name}-full")]
        folders += [root / checkpoints.classifier(name, self.base) for name in self.functions]
        if any(_finds_replies(PACKAGE / f"{name}.py") for name in self.functions):
            folders.append(root / retrieval.NAME)
        files = {path for folder in folders if folder.is_dir() for path in folder.rglob("*")}
        files |= set(place.glob("*"))  # the base itself, where it is one of ours
        return sorted(path.relative_to(root) for path in files if path.is_file() and "__pycache__" not in path.parts)

    def package(self) -> Iterator[Path]:
        """The program's files, relative to kogpt_funcs/."""
        yield from (Path(f"{name}.py") for name in ("__init__", *self.functions))
        for room in self.rooms:
            for path in sorted((PACKAGE / room).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    yield path.relative_to(PACKAGE)


def carried(names: Sequence[str], base: str, rooms_too: Iterable[str] = ()) -> Carried:
    """What a Space of the functions `names` on `base` carries. Raises UnknownFunction."""
    for name in names:
        registry.get(name)
    return Carried(tuple(names), base, tuple(rooms_too))


def _tree(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def _named(path: Path) -> set[str]:
    """The functions that the file asks the registry for by name."""
    asking = ("registry.get", "registry.ask")
    calls = [node for node in _tree(path) if isinstance(node, ast.Call) and ast.unparse(node.func) in asking]
    given = [arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)]
    return {name for name in given if isinstance(name, str)} - {path.stem}


def _rooms(path: Path) -> Iterator[str]:
    """The rooms that the file imports from, wherever in it."""
    for node in _tree(path):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE.name:
            parts = (node.module or "").split(".")[1:2] or [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            parts = [a.name.split(".")[1] for a in node.names if a.name.startswith(f"{PACKAGE.name}.")]
        else:
            continue
        yield from (part for part in parts if (PACKAGE / part / "__init__.py").is_file())


def _finds_replies(path: Path) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and (
            node.module == retrieval.__name__
            or any(f"{node.module}.{a.name}" == retrieval.__name__ for a in node.names)
        )
        for node in _tree(path)
    )
