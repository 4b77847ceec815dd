"""From a module to a Function: each part is read once; a wrong one stops the load with a sentence on how to mend it."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from kogpt_funcs.contract.english import English, complete
from kogpt_funcs.contract.errors import BadFunction, InvalidInput
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import Shape, shapes
from kogpt_funcs.contract.talk import Talk, fault


def declared(name: str, module: ModuleType) -> Function:
    """The function that kogpt_funcs/`name`.py declares, or BadFunction."""
    parts = module.__dict__
    call = parts.get(name)
    if not inspect.isfunction(call):
        raise _bad(name, f"has no function {name!r}. Write `def {name}(input: Input) -> Output:` in it.")
    input_model, output_model = _signature(name, call)
    title, _, description = inspect.cleandoc(call.__doc__ or "").partition("\n")
    if not title:
        raise _bad(name, f"{name} has no docstring. Its first line is the title that people see.")
    _check_texts(name, input_model)
    _check_texts(name, output_model)
    _check_limits(name, input_model)
    function = Function(
        name=name,
        title=title,
        description=description.strip(),
        call=call,
        input=input_model,
        output=output_model,
        examples=_examples(name, parts.get("EXAMPLES")),
        stream=_stream(name, parts.get("stream")),
        training_examples=_optional(name, "training_examples", ["row", "rng"], parts),
        training_labels=_optional(name, "training_labels", ["row"], parts),
        label_groups=_label_groups(name, parts),
        english=_english(name, input_model, output_model, parts.get("ENGLISH")),
        labels=_labels(name, parts.get("LABELS")),
        talk=_talk(name, input_model, output_model, parts.get("TALK")),
    )
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


def _check_texts(name: str, model: type[BaseModel]) -> None:
    for shape in shapes(model).values():
        if not shape.title or not shape.description:
            where = f"{model.__name__}.{shape.name}"
            raise _bad(name, f"{where} needs a title and a description in Korean: Field(..., title=…, description=…).")


def _check_limits(name: str, model: type[BaseModel]) -> None:
    for shape in shapes(model).values():
        where = f"{model.__name__}.{shape.name}"
        if str in shape.kinds and shape.longest is None:
            raise _bad(name, f"{where} needs a max_length: strangers will send megabytes.")
        if {int, float} & set(shape.kinds) and not _is_bounded(shape):
            raise _bad(name, f"{where} needs bounds: Field(ge=…, le=…).")
        if not shape.examples:
            raise _bad(name, f"{where} needs examples=[…].")


def _is_bounded(shape: Shape) -> bool:
    ge, gt, le, lt, _ = shape.bounds
    return (ge is not None or gt is not None) and (le is not None or lt is not None)


def _examples(name: str, value: Any) -> tuple[dict[str, Any], ...]:
    if not value:
        raise _bad(name, "EXAMPLES is missing. Give at least one dict that fits the Input.")
    return tuple(value)


def _check_examples(function: Function) -> None:
    for example in function.examples:
        try:
            function.parse(example)
        except InvalidInput as error:
            raise _bad(function.name, f"the example {example} does not fit: {error}") from None


def _stream(name: str, value: Any) -> Any:
    if value is not None and not inspect.isgeneratorfunction(value):
        mend = "Write `def stream(input) -> Iterator[Output]:` with yield."
        raise _bad(name, f"stream is not a generator function. {mend}")
    return value


def _optional(name: str, part: str, parameters: list[str], parts: dict[str, Any]) -> Any:
    value = parts.get(part)
    if value is not None and not (callable(value) and list(inspect.signature(value).parameters) == parameters):
        wanted = ", ".join(parameters)
        raise _bad(name, f"{part} must be a function of {wanted}. Write `def {part}({wanted}):`.")
    return value


def _label_groups(name: str, parts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    groups = parts.get("LABEL_GROUPS") or {}
    if bool(groups) != ("training_labels" in parts):
        raise _bad(name, "training_labels and LABEL_GROUPS go together: one yields the labels that the other lists.")
    for key, group in groups.items():
        if not isinstance(group, dict) or set(group) != {"labels", "activation"}:
            wanted = "a dict of labels (a list) and activation (softmax or sigmoid)"
            raise _bad(name, f"LABEL_GROUPS[{key!r}] must be {wanted}.")
    return dict(groups)


def _english(name: str, input_model: type[BaseModel], output_model: type[BaseModel], value: Any) -> English:
    try:
        return complete(name, input_model, output_model, value)
    except ValueError as error:
        raise _bad(name, f"ENGLISH does not fit: {error}. Complete it, or leave it out whole.") from None


def _labels(name: str, value: Any) -> dict[str, str]:
    labels = value or {}
    if not isinstance(labels, dict) or not all(isinstance(text, str) for pair in labels.items() for text in pair):
        raise _bad(name, "LABELS must be a dict from a value to the Korean that people read in its place.")
    return labels


def _talk(name: str, input_model: type[BaseModel], output_model: type[BaseModel], value: Any) -> Talk | None:
    if value is not None and (problem := fault(value, input_model, output_model)):
        raise _bad(name, problem)
    return value


def _bad(name: str, problem: str) -> BadFunction:
    return BadFunction(f"kogpt_funcs/{name}.py: {problem}")
