"""What makes a function a talk: the fields that hold the message, what was said before, and the reply.

    TALK = Talk(message="message", history="history", reply="reply", system="persona")

Surfaces that show or speak a talk (bubbles, chat completions) read this; they know no function by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from kogpt_funcs.contract.shape import Shape, item, shapes

USER, ASSISTANT = "user", "assistant"


@dataclass(frozen=True)
class Talk:
    """Names of fields. A turn of the history is `{"role": "user" | "assistant", "content": text}`.

    `history` is in the Input (turns before the message, may be empty) and in the Output (with the two new turns).
    """

    message: str  # Input: what the person says
    history: str  # Input and Output: the turns
    reply: str  # Output: what is answered
    system: str = ""  # Input: the text that a system message goes to; empty where there is none


def fault(talk: Any, input_model: type[BaseModel], output_model: type[BaseModel]) -> str:
    """What is wrong with `talk` for these models, and how to mend it; empty if nothing is."""
    if not isinstance(talk, Talk):
        return "TALK must be a Talk(message=…, history=…, reply=…) of kogpt_funcs.contract.talk."
    given, answered = shapes(input_model), shapes(output_model)
    for part, name, fields in (
        ("message", talk.message, given),
        ("reply", talk.reply, answered),
        *([("system", talk.system, given)] if talk.system else []),
    ):
        if name not in fields or fields[name].kind is not str:
            return f"TALK.{part} is {name!r}, which is no text field; fields: {', '.join(fields)}."
    for model, fields in ((input_model, given), (output_model, answered)):
        if talk.history not in fields or not _holds_turns(fields[talk.history]):
            wanted = "a list of models with role: Literal['user', 'assistant'] and content: str"
            return f"TALK.history is {talk.history!r}; in {model.__name__} it must be {wanted}."
    needed = [name for name, shape in given.items() if shape.required and name != talk.message]
    return f"TALK needs a message alone; give {needed[0]!r} a default." if needed else ""


def _holds_turns(shape: Shape) -> bool:
    turn = item(shape.kind)
    if not (isinstance(turn, type) and issubclass(turn, BaseModel)):
        return False
    fields = shapes(turn)
    return (
        set(fields) == {"role", "content"}
        and set(fields["role"].choices) == {USER, ASSISTANT}
        and fields["content"].kind is str
    )
