"""Finds the functions in kogpt_funcs/ and checks that each keeps the contract.

A function is a file `NAME.py` with a function NAME(input: Input) -> Output, pydantic models both, and EXAMPLES.
Surfaces read this registry and nothing else; it knows no surface.
"""

from __future__ import annotations

import difflib
import enum
import functools
import importlib
import inspect
import math
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError

from kogpt_funcs.contract.errors import BadFunction, FieldProblem, InvalidInput, UnknownFunction
from kogpt_funcs.contract.messages import korean_message

#: Of a request's unknown fields, so many are named: a body of a megabyte can hold a hundred thousand.
_MOST_UNKNOWN = 20


@dataclass(frozen=True)
class Function:
    """One capability, as every surface sees it."""

    name: str
    title: str  # Korean, the docstring's first line
    description: str  # Korean, the rest of the docstring
    call: Callable[[Any], BaseModel]
    stream: Callable[[Any], Iterator[BaseModel]] | None  # partial Outputs, the last one whole
    input: type[BaseModel]
    output: type[BaseModel]
    examples: tuple[dict[str, Any], ...]
    module: ModuleType

    def parse(self, data: Any) -> Any:
        """`data` (a dict, say from JSON) as this function's Input, or InvalidInput naming each field."""
        if not isinstance(data, dict):
            raise InvalidInput.of("", f"JSON 객체여야 합니다. 받은 것: {type(data).__name__}.")
        unknown = [str(name) for name in data if name not in self.input.model_fields][:_MOST_UNKNOWN]
        problems = [FieldProblem(name, self._unknown_field(name[:100])) for name in unknown]
        problems += [FieldProblem(name, "유한한 수여야 합니다.") for name, value in data.items() if _not_finite(value)]
        if problems:
            raise InvalidInput(problems)
        try:
            return self.input.model_validate(self._members(data), strict=True)
        except ValidationError as error:
            raise InvalidInput(
                [FieldProblem(".".join(map(str, e["loc"])), self._sentence(dict(e))) for e in error.errors(include_url=False)]
            ) from None

    def _members(self, data: dict[str, Any]) -> dict[str, Any]:
        """`data` with the values of Enum fields as members: strict validation takes no plain string for them."""
        found = dict(data)
        for name, info in self.input.model_fields.items():
            by_value = {member.value: member for member in _enum_members(info.annotation)}
            if isinstance(data.get(name), str) and data[name] in by_value:
                found[name] = by_value[data[name]]
        return found

    def _sentence(self, error: dict[str, Any]) -> str:
        info = self.input.model_fields.get(str(error["loc"][0])) if error["loc"] else None
        if info and error["type"] == "is_instance_of" and (members := _enum_members(info.annotation)):
            error = {**error, "type": "enum", "ctx": {"expected": ", ".join(str(member.value) for member in members)}}
        return korean_message(error)

    def _unknown_field(self, name: str) -> str:
        names = list(self.input.model_fields)
        near = difflib.get_close_matches(name, names, n=1)
        return f"없는 항목입니다.{f' {near[0]} 말인가요?' if near else ''} 쓸 수 있는 항목: {', '.join(names)}."


def functions() -> dict[str, Function]:
    """Every function by name, in the order of their file names. Raises BadFunction for a wrong file."""
    return dict(_load())


def get(name: str) -> Function:
    """The function called `name`, or UnknownFunction with the names there are."""
    found = _load()
    if name not in found:
        near = difflib.get_close_matches(name, found, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise UnknownFunction(f"No function {name!r}.{hint} Functions: {', '.join(found)}.")
    return found[name]


def names() -> list[str]:
    """The functions' names, read from the folder without importing them."""
    folder = Path(__file__).parent.parent
    found = (path.stem for path in sorted(folder.glob("*.py")))
    return [name for name in found if not name.startswith("_")]


@functools.cache
def _load() -> dict[str, Function]:
    return {name: _check(name) for name in names()}


def _check(name: str) -> Function:
    try:
        module = importlib.import_module(f"kogpt_funcs.{name}")
    except Exception as error:  # whatever the file does at import is the file's fault
        raise BadFunction(f"kogpt_funcs/{name}.py does not import: {type(error).__name__}: {error}") from error
    call = module.__dict__.get(name)
    if not inspect.isfunction(call):
        raise _bad(name, f"has no function {name!r}. Write `def {name}(input: Input) -> Output:` in it.")
    input_model, output_model = _signature(name, call)
    title, _, description = inspect.cleandoc(call.__doc__ or "").partition("\n")
    if not title:
        raise _bad(name, f"{name} has no docstring. Its first line is the title that people see.")
    _check_fields(name, input_model, bounds=True)
    _check_fields(name, output_model, bounds=False)
    stream = module.__dict__.get("stream")
    if stream is not None and not inspect.isgeneratorfunction(stream):
        raise _bad(name, "stream is not a generator function. Write `def stream(input) -> Iterator[Output]:` with yield.")
    function = Function(
        name, title, description.strip(), call, stream, input_model, output_model,
        tuple(module.__dict__.get("EXAMPLES") or ()), module,
    )  # fmt: skip
    _check_examples(function)
    return function


def _signature(name: str, call: Callable[..., Any]) -> tuple[type[BaseModel], type[BaseModel]]:
    if list(inspect.signature(call).parameters) != ["input"]:
        raise _bad(name, f"{name} must take exactly one parameter named `input`.")
    hints = typing.get_type_hints(call)
    for key, what in (("input", "the parameter `input`"), ("return", "the return value")):
        if not (isinstance(hints.get(key), type) and issubclass(hints[key], BaseModel)):
            raise _bad(name, f"{what} of {name} must be annotated with a pydantic BaseModel, not {hints.get(key)!r}.")
    return hints["input"], hints["return"]


def _check_fields(name: str, model: type[BaseModel], *, bounds: bool) -> None:
    for field_name, info in model.model_fields.items():
        where = f"{model.__name__}.{field_name}"
        if not info.title or not info.description:
            raise _bad(name, f"{where} needs a title and a description in Korean: Field(..., title=…, description=…).")
        limits = {type(limit).__name__ for limit in info.metadata}
        kinds = {info.annotation, *typing.get_args(info.annotation)}
        if bounds and str in kinds and "MaxLen" not in limits:
            raise _bad(name, f"{where} needs a max_length: strangers will send megabytes.")
        if bounds and kinds & {int, float} and not (limits & {"Ge", "Gt"} and limits & {"Le", "Lt"}):
            raise _bad(name, f"{where} needs bounds: Field(ge=…, le=…).")
        if bounds and not info.examples:
            raise _bad(name, f"{where} needs examples=[…].")


def _check_examples(function: Function) -> None:
    if not function.examples:
        raise _bad(function.name, "EXAMPLES is missing. Give at least one dict that fits the Input.")
    for example in function.examples:
        try:
            function.parse(example)
        except InvalidInput as error:
            raise _bad(function.name, f"the example {example} does not fit: {error}") from None


def _enum_members(annotation: Any) -> list[enum.Enum]:
    kinds = (annotation, *typing.get_args(annotation))
    return [member for kind in kinds if isinstance(kind, type) and issubclass(kind, enum.Enum) for member in kind]


def _bad(name: str, problem: str) -> BadFunction:
    return BadFunction(f"kogpt_funcs/{name}.py: {problem}")


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
