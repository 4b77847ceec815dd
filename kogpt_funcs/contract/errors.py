"""The one error family a user can meet. Each surface maps it once, by `code`; it knows no surface.

A message may be said in English too. REST, MCP and the command show the message; the page shows either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class FieldProblem(NamedTuple):
    """What is wrong with one field. `field` is a dotted path, empty for the whole body."""

    field: str
    message: str
    english: str = ""  # the same in English; empty where nobody has said it


class KogptError(Exception):
    """A fault that is told to the user in one sentence; its text is safe to show to strangers."""

    code = "error"

    def __init__(self, message: str = "", english: str = "") -> None:
        super().__init__(message)
        self.english = english or message

    @property
    def message(self) -> str:
        return str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """An error comes whole out of another process, whatever its class is made of."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[KogptError], args: tuple[Any, ...], members: dict[str, Any]) -> KogptError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(members)
    return error


class InvalidInput(KogptError):
    """The request does not fit the function's Input. `problems` names each field."""

    code = "invalid_input"

    def __init__(self, problems: Sequence[FieldProblem]) -> None:
        self.problems = tuple(FieldProblem(*problem) for problem in problems)
        korean = [(p.field, p.message) for p in self.problems]
        english = [(p.field, p.english or p.message) for p in self.problems]
        super().__init__(*(" ".join(f"{f}: {m}" if f else m for f, m in said) for said in (korean, english)))

    @classmethod
    def of(cls, field: str, message: str, english: str = "") -> InvalidInput:
        return cls([FieldProblem(field, message, english)])


class TooLarge(KogptError):
    """The request is larger than this server reads."""

    code = "too_large"


class UnknownFunction(KogptError):
    """No function has this name."""

    code = "unknown_function"


class BadFunction(KogptError):
    """A file in kogpt_funcs/ does not keep the function contract."""

    code = "bad_function"


class CheckpointError(KogptError):
    """A checkpoint is missing, unreadable, or does not fit the chosen base."""

    code = "checkpoint"


class Busy(KogptError):
    """The queue is full; come back after `retry_after` seconds."""

    code = "busy"

    def __init__(self, retry_after: int = 2) -> None:
        self.retry_after = retry_after
        super().__init__(
            f"지금은 요청이 많습니다. {retry_after}초 뒤에 다시 시도해 주세요.",
            f"There are too many requests right now. Try again in {retry_after} seconds.",
        )
