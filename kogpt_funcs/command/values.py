"""What the help says of a field."""

from __future__ import annotations

import json

from kogpt_funcs.command.language import say
from kogpt_funcs.contract.english import Text
from kogpt_funcs.contract.reading import plain_type, reader
from kogpt_funcs.contract.shape import Shape

_BOUNDS = (
    ("ge", "{} 이상", "at least {}"),
    ("gt", "{} 초과", "more than {}"),
    ("le", "{} 이하", "at most {}"),
    ("lt", "{} 미만", "less than {}"),
)
_METAVARS = {int: "INTEGER", float: "NUMBER"}


def metavar(shape: Shape) -> str:
    """What stands for the value in the help: TEXT, INTEGER, NUMBER or JSON."""
    return "JSON" if reader(shape) is json.loads else _METAVARS.get(plain_type(shape), "TEXT")


def help_of(shape: Shape, english: Text) -> str:
    """Title, description, what is allowed and the default, in the language of the locale."""
    title, description = say(shape.title, english.title), say(shape.description, english.description)
    limits = [
        say(*forms).format(bound) for name, *forms in _BOUNDS if (bound := getattr(shape.bounds, name)) is not None
    ]
    notes = [say(" ", ", ").join(limits), ", ".join(map(str, shape.choices))]
    if shape.required:
        notes.append(say("필수", "required"))
    elif shape.default is not None:
        notes.append(f"{say('기본', 'default')}: {json.dumps(shape.default, ensure_ascii=False)}")
    noted = "; ".join(note for note in notes if note)
    return f"{title}. {description}{f' [{noted}]' if noted else ''}"
