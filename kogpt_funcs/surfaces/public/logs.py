"""Logs for machines to read (KOGPT_LOG=json): one object a line, and in none of them what a user has written.

Our own messages are sentences without users' words. What other libraries say may quote a request, so of them only the
place is kept; of a fault its kind and the lines that it passed, never its own words.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import PurePath
from types import TracebackType
from typing import Any

from kogpt_funcs.contract import settings

OURS = "kogpt_funcs"


def configure() -> None:
    """Makes this process log as KOGPT_LOG says. `text` leaves Python's own way."""
    if settings.current().public.log != "json":
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    traceback.print_exc = _printed  # Gradio prints faults of its own, the user's input with them


class JsonLines(logging.Formatter):
    """A record as one line of JSON. A record may carry more members in `extra={"members": {…}}`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        if record.name.split(".")[0] == OURS:
            said["event"] = record.getMessage()
        else:
            said["where"] = f"{record.module}:{record.lineno}"
        said |= getattr(record, "members", {})
        if record.exc_info and record.exc_info[0]:
            said |= _fault(record.exc_info[0], record.exc_info[2])
        return json.dumps(said, ensure_ascii=False, default=str)


def _fault(kind: type[BaseException], trace: TracebackType | None) -> dict[str, Any]:
    frames = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
    return {"fault": kind.__name__, "passed": frames[-12:]}


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger(OURS).critical("uncaught", exc_info=(kind, error, trace))


def _printed(*_: Any, **__: Any) -> None:
    logging.getLogger(OURS).error("printed", exc_info=True)
