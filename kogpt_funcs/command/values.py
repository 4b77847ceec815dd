"""What the help says of a field."""

from __future__ import annotations

import json

from kogpt_funcs.contract.reading import plain_type, reader
from kogpt_funcs.contract.shape import Shape

_BOUNDS = (("ge", "{} 이상"), ("gt", "{} 초과"), ("le", "{} 이하"), ("lt", "{} 미만"))
_METAVARS = {int: "INTEGER", float: "NUMBER"}


def metavar(shape: Shape) -> str:
    """What stands for the value in the help: TEXT, INTEGER, NUMBER or JSON."""
    return "JSON" if reader(shape) is json.loads else _METAVARS.get(plain_type(shape), "TEXT")


def help_of(shape: Shape) -> str:
    """Title, description, what is allowed and the default, in Korean."""
    limits = [form.format(bound) for name, form in _BOUNDS if (bound := getattr(shape.bounds, name)) is not None]
    notes = [" ".join(limits), ", ".join(map(str, shape.choices))]
    if shape.required:
        notes.append("필수")
    elif shape.default is not None:
        notes.append(f"기본: {json.dumps(shape.default, ensure_ascii=False)}")
    noted = "; ".join(note for note in notes if note)
    return f"{shape.title}. {shape.description}{f' [{noted}]' if noted else ''}"
