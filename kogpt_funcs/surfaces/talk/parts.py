"""What a page of bubbles needs to know of a function that talks: its other fields as controls, its answers as notes."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from kogpt_funcs.contract.fields import Sampling
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import Shape, shapes
from kogpt_funcs.contract.talk import Talk


class Control(NamedTuple):
    """A field that may be set beside the message; `kind` is choice, text or number."""

    kind: str
    name: str
    title: str
    description: str
    placeholder: str
    options: list[tuple[str, str]]  # value as JSON, label
    longest: int | None
    bounds: tuple[Any, Any, Any]  # from, to, step


def title(function: Function, spoken: str) -> str:
    return function.english.title if spoken == "en" else function.title


def description(function: Function, spoken: str) -> str:
    return " ".join((function.english.description if spoken == "en" else function.description).split())


def controls(function: Function, spoken: str, *, sampling: bool) -> list[Control]:
    """The fields of Sampling, or the function's own but those of the talk."""
    talk = _talk(function)
    names = [name for name in function.fields if (name in shapes(Sampling)) == sampling]
    found = (_control(function, function.fields[n], spoken) for n in names if n not in (talk.message, talk.history))
    return [control for control in found if control]


def _control(function: Function, shape: Shape, spoken: str) -> Control | None:
    kind = "choice" if shape.choices else "number" if shape.number else "text" if shape.kind is str else ""
    if not kind:
        return None
    english = function.english.input[shape.name]
    said = (english.title, english.description) if spoken == "en" else (shape.title, shape.description)
    hint = shape.example if shape.default in (None, "") else shape.default
    options = [
        (json.dumps(choice, ensure_ascii=False), function.label(choice)[spoken == "en"]) for choice in shape.choices
    ]
    bounds = (shape.low, shape.high, shape.step) if kind == "number" else (None, None, None)
    return Control(kind, shape.name, *said, "" if hint is None else str(hint), options, shape.longest, bounds)


def told(function: Function, spoken: str) -> dict[str, Any]:
    """What the script reads: names of the talk's fields, how answers beside the reply are called, examples."""
    talk = _talk(function)
    return {
        "name": function.name,
        "talk": {"message": talk.message, "history": talk.history, "reply": talk.reply},
        "longest": function.fields[talk.message].longest,
        "notes": {
            name: {
                "title": function.english.output[name].title or name if spoken == "en" else shape.title,
                "labels": {str(choice): function.label(choice)[spoken == "en"] for choice in shape.choices},
            }
            for name, shape in function.answers.items()
            if name not in (talk.reply, talk.history) and (shape.choices or shape.number or shape.kind is str)
        },
        "examples": [example for example in function.examples if not example.get(talk.history)],
    }


def _talk(function: Function) -> Talk:
    if function.talk is None:
        raise ValueError(f"{function.name} does not talk")
    return function.talk
