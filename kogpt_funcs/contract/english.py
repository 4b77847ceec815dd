"""A function's texts for those who read English: what its file declares as ENGLISH, or else what its names say.

    ENGLISH = {
        "title": "Count letters",
        "description": "Counts the letters of a text.",
        "input": {"text": ("Text", "The text whose letters are counted.")},
        "output": {"letters": ("Letters", "How many there are, blanks not counted.")},
        "labels": {"자음": "consonant"},
    }

`input` and `output` have a title and a description for each field, those of nested models by their dotted path.
`labels` has the English for every choice in Korean and for any other label of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel

from kogpt_funcs.contract.fields import SAMPLING_ENGLISH, Sampling
from kogpt_funcs.contract.shape import Shape, paths, shapes

_HANGUL = re.compile("[ㄱ-ㅎㅏ-ㅣ가-힣]")
_PARTS = ("title", "description", "input", "output", "labels")
#: Short for, at the beginning of a name.
_WHOLE = {"num": "number of", "max": "maximum", "min": "minimum"}
_MANY = 5  # of more choices than this, their number is told


class Text(NamedTuple):
    """What a field says: on its label and below it."""

    title: str
    description: str


@dataclass(frozen=True)
class English:
    """Every text of a function in English, whole."""

    title: str = ""
    description: str = ""
    input: dict[str, Text] = field(default_factory=dict)  # by path
    output: dict[str, Text] = field(default_factory=dict)  # by path
    labels: dict[str, str] = field(default_factory=dict)


def complete(name: str, input_model: type[BaseModel], output_model: type[BaseModel], declared: Any) -> English:
    """`declared`, or what the names say if it is None. Sampling's fields need no words. ValueError names what is
    wrong.
    """
    shared = _shared(input_model)
    if declared is None:
        guessed = {path: Text(english_name(shape.name), limits(shape)) for path, shape in paths(input_model).items()}
        answers = {path: Text(english_name(shape.name), "") for path, shape in paths(output_model).items()}
        return English(english_name(name), "", {**guessed, **shared}, answers)
    if not isinstance(declared, dict) or not set(declared) <= set(_PARTS):
        raise ValueError(f"it must be a dict of {', '.join(_PARTS)}")
    for part in ("title", "description"):
        if not isinstance(declared.get(part), str) or not declared[part]:
            raise ValueError(f"{part!r} is missing")
    texts = {
        part: {**known, **_texts(part, declared.get(part), set(paths(model)), set(known))}
        for part, model, known in (("input", input_model, shared), ("output", output_model, {}))
    }
    labels = dict(declared.get("labels") or {})
    for choice in _korean_choices(input_model, output_model):
        if choice not in labels:
            raise ValueError(f"'labels' lacks the choice {choice!r}")
    return English(declared["title"], declared["description"], texts["input"], texts["output"], labels)


def english_name(name: str) -> str:
    """`stop_at_end` → `Stop at end`, `num_samples` → `Number of samples`."""
    first, *rest = name.strip("_").split("_")
    return " ".join([_WHOLE.get(first, first) if rest else first, *rest]).capitalize()


def limits(shape: Shape) -> str:
    """What a field allows, in a sentence or two."""
    parts = [f"Up to {shape.longest:,} characters."] if shape.longest else []
    if shape.number and shape.low is not None and shape.high is not None:
        least, most = (f"{v:,}" if isinstance(v, int) else f"{v:g}" for v in (shape.low, shape.high))
        parts.append(f"From {least} to {most}.")
    if len(shape.choices) > _MANY:
        parts.append(f"One of {len(shape.choices)}.")
    return " ".join(parts + (["May stay empty."] if shape.optional else []))


def _shared(model: type[BaseModel]) -> dict[str, Text]:
    """Sampling's English for the fields that the model takes over as they are."""
    ours, theirs = shapes(model), shapes(Sampling)
    same = [name for name in theirs if name in ours and ours[name].description == theirs[name].description]
    return {name: Text(*SAMPLING_ENGLISH[name]) for name in same}


def _texts(part: str, declared: Any, wanted: set[str], known: set[str]) -> dict[str, Text]:
    given = declared if isinstance(declared, dict) else {}
    if unknown := [path for path in given if path not in wanted]:
        raise ValueError(f"{part!r} has {unknown[0]!r}, which is no field; fields: {', '.join(sorted(wanted))}")
    if missing := sorted(wanted - set(given) - known):
        raise ValueError(f"{part!r} lacks {missing[0]!r}")
    for path, text in given.items():
        if not (isinstance(text, tuple) and len(text) == 2 and all(isinstance(t, str) and t for t in text)):
            raise ValueError(f"{part!r} must give {path!r} as (title, description)")
    return {path: Text(*text) for path, text in given.items()}


def _korean_choices(*models: type[BaseModel]) -> Iterator[str]:
    for model in models:
        for shape in paths(model).values():
            yield from (choice for choice in shape.choices if isinstance(choice, str) and _HANGUL.search(choice))
