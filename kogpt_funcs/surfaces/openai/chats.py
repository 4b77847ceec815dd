"""Chat completions by the functions that talk, each with its own safety. What they may be sent is read off them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from kogpt_funcs import models
from kogpt_funcs.contract.errors import InvalidInput
from kogpt_funcs.contract.function import Function
from kogpt_funcs.contract.shape import item, shapes
from kogpt_funcs.contract.talk import ASSISTANT, USER
from kogpt_funcs.surfaces.openai.names import talker, talkers
from kogpt_funcs.surfaces.openai.shapes import Asked, Usage

_SYSTEM_MOST, _MESSAGES_MOST = 20_000, 400
_OTHER_SEED = 7919  # added for each further answer


class Answered(BaseModel):
    """The replies to one request, whole."""

    replies: list[str]
    usage: Usage | None


@cache
def chat_asked() -> type[Asked]:
    """The form of a request: a user's words may be as long as the functions that talk take them."""
    longest = min((f.fields[f.talk.message].longest or 1000 for f in talkers().values() if f.talk), default=1000)
    turn = min((_turn_longest(function) for function in talkers().values()), default=longest)
    message: Any = Annotated[
        _message("SystemMessage", ("system", "developer"), _SYSTEM_MOST)
        | _message("UserMessage", (USER,), longest, at_least=1)
        | _message("AssistantMessage", (ASSISTANT,), turn),
        Field(discriminator="role"),
    ]
    make: Any = create_model
    made: type[Asked] = make(
        "ChatAsked",
        __base__=Asked,
        messages=(
            Annotated[list[message], Field(min_length=1, max_length=_MESSAGES_MOST)],
            Field(description="What was said; the last words of `user` are answered. `system` goes to the persona."),
        ),
        max_tokens=(Annotated[int, Field(ge=1, le=100_000)] | None, None),
        max_completion_tokens=(Annotated[int, Field(ge=1, le=100_000)] | None, None),
        tools=(Annotated[list[Any], Field(max_length=0)] | None, Field(None, description="There are none here.")),
    )
    return made


def _message(name: str, roles: tuple[str, ...], longest: int, at_least: int = 0) -> Any:
    make: Any = create_model  # mypy knows no types that are made while a program runs
    text: Any = Annotated[str, Field(min_length=at_least, max_length=longest)]
    part = make(f"{name}Part", type=(Literal["text"], ...), text=(text, ...))
    parts: Any = Annotated[list[part], Field(min_length=at_least, max_length=100)]  # type: ignore[valid-type]
    content = (text | parts, ...) if at_least else (text | parts | None, None)
    return make(name, role=(Literal[roles], ...), content=content)


def _turn_longest(function: Function) -> int:
    assert function.talk
    return shapes(item(function.fields[function.talk.history].kind))["content"].longest or 1000


def reply(asked: Any) -> Iterator[Answered]:
    """The replies, all at once: which of several a function gives is known at its end. Raises NoModel, Busy."""
    function = talker(asked.model)
    answers = []
    for number in range(asked.n):
        answers.append(_cut(_reply(function, _given(function, asked, number)), asked.stops))
    yield Answered(replies=answers, usage=_usage(asked, answers))


def _whole(asked: Any) -> Answered:
    *_, last = reply(asked)
    return last


@cache
def chats() -> Function:
    """Chat completions as a function, so that it runs as all others do."""
    return Function(
        name="chat_completions",
        title="chat completions",
        description="",
        call=_whole,
        input=chat_asked(),
        output=Answered,
        examples=(),
        stream=reply,
    )


def _reply(function: Function, given: dict[str, Any]) -> str:
    assert function.talk
    return str(getattr(function.call(function.parse(given)), function.talk.reply))


def _given(function: Function, asked: Any, number: int) -> dict[str, Any]:
    """What the function is given for the answer of that number."""
    talk = function.talk
    assert talk
    said = [(message.role, _text(message.content)) for message in asked.messages]
    last = max((i for i, (role, _) in enumerate(said) if role == USER), default=-1)
    if last < 0:
        raise InvalidInput.of("messages", "user의 말이 하나는 있어야 합니다.", "There must be a message of `user`.")
    given: dict[str, Any] = {
        talk.message: said[last][1],
        talk.history: [{"role": r, "content": t} for r, t in said[:last] if r in (USER, ASSISTANT) and t],
    }
    if talk.system:
        system = " ".join(text for role, text in said if role not in (USER, ASSISTANT) and text)
        given[talk.system] = system[: function.fields[talk.system].longest]
    seed = None if asked.seed is None else (asked.seed + number * _OTHER_SEED) % 2**31
    length = asked.max_completion_tokens or asked.max_tokens
    options = {
        "temperature": asked.temperature,
        "top_p": asked.top_p,
        "top_k": None if asked.top_k is None else max(0, asked.top_k),
        "repetition_penalty": asked.repetition_penalty,
        "seed": seed,
        "max_new_tokens": length and _within(function, "max_new_tokens", length),
    }
    return given | {name: v for name, v in options.items() if v is not None and name in function.fields}


def _within(function: Function, name: str, value: int) -> int:
    shape = function.fields.get(name)
    return min(max(value, shape.low), shape.high) if shape else value


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part.text for part in content or ())


def _cut(text: str, stops: tuple[str, ...]) -> str:
    return text[: min((at for at in map(text.find, stops) if at >= 0), default=None)].rstrip()


def _usage(asked: Any, answers: list[str]) -> Usage | None:
    """Tokens as the base counts them; of what was said, and of the replies."""
    measures = [models.measure([_text(message.content)]) for message in asked.messages if message.content]
    written = [models.measure([answer]) for answer in answers if answer]
    if any(measure is None for measure in (*measures, *written)):
        return None
    read, wrote = (sum(m.tokens for m in some if m) for some in (measures, written))
    return Usage(prompt_tokens=read, completion_tokens=wrote, total_tokens=read + wrote)
