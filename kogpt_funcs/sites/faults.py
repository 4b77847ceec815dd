"""What can go wrong with a story, each told in a sentence; and a database's own faults as one of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import DBAPIError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kogpt_funcs.contract.errors import KogptError


class NoStory(KogptError):
    """No story, part or draft of that id."""

    code = "not_found"


class Gone(KogptError):
    """The story was there and its author has taken it back."""

    code = "gone"


class Forbidden(KogptError):
    """The secret is missing or another's."""

    code = "forbidden"


class Conflict(KogptError):
    """Somebody was faster. `details` goes into the answer beside `error`: what changed, and the text with its draft."""

    code = "conflict"

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        self.details = details or {}
        super().__init__(message)


class Full(KogptError):
    """The disk is full."""

    code = "storage_full"


class ReadOnly(KogptError):
    """The database takes no writing now."""

    code = "read_only"


class Unreachable(KogptError):
    """The database does not answer; come back after `retry_after` seconds."""

    code = "storage"
    retry_after = 2


#: HTTP status by code, beside surfaces.faults.STATUS.
STATUS = {"gone": 410, "forbidden": 403, "conflict": 409, "storage_full": 507, "read_only": 503, "storage": 503}

_FULL = ("disk is full", "no space left", "disk full", "53100")
_READ_ONLY = ("readonly database", "read-only", "unable to open database file", "attempt to write")


def of_database(error: Exception) -> Exception:
    """`error` as a sentence for strangers where it is the database's state, `error` itself where it is a bug."""
    if isinstance(error, PoolTimeout):
        return Unreachable("지금은 이야기를 쓰는 사람이 많습니다. 잠시 뒤에 다시 시도해 주세요.")
    if not isinstance(error, (OperationalError, InternalError)) and not _lost(error):
        return error
    said = f"{error} {getattr(getattr(error, 'orig', None), 'sqlstate', '')}".lower()
    if any(sign in said for sign in _FULL):
        return Full(
            "저장할 자리가 없어 적지 못했습니다. 아무것도 바뀌지 않았습니다. 쓴 글은 그대로 가지고 계시다가 "
            "나중에 다시 보내 주세요."
        )
    if any(sign in said for sign in _READ_ONLY):
        return ReadOnly("지금은 읽기만 할 수 있습니다. 쓴 글은 그대로 가지고 계시다가 나중에 다시 보내 주세요.")
    return Unreachable("이야기를 둔 곳에 닿지 못했습니다. 잠시 뒤에 다시 시도해 주세요.")


def _lost(error: Exception) -> bool:
    return isinstance(error, DBAPIError) and error.connection_invalidated
