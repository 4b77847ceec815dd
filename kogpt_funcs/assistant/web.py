"""JSON from a service on the net within two seconds, or a plain fault. It knows no service."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

SECONDS = 2.0  # for all that an answer asks of the net
_LARGEST = 1_000_000  # bytes of an answer that are read
Result = TypeVar("Result")


class Unreachable(Exception):
    """The service did not answer in time, or not with what it promises."""


def get_json(url: str, **parameters: str | int | float) -> Any:
    """The JSON at `url`. Raises Unreachable."""
    request = urllib.request.Request(
        f"{url}?{urlencode(parameters)}" if parameters else url, headers={"User-Agent": "kogpt-funcs"}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return json.loads(response.read(_LARGEST))
    except urllib.error.HTTPError as error:
        error.close()  # it is the response, too
        raise Unreachable(f"status {error.code}") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unreachable(type(error).__name__) from error


def in_time(ask: Callable[[], Result]) -> Result:
    """`ask()`, or Unreachable after SECONDS: a timeout of a socket holds for each read alone, and for no name
    look-up.
    """
    outcome: list[Result] = []
    faults: list[Exception] = []

    def work() -> None:
        try:
            outcome.append(ask())
        except (Unreachable, LookupError, TypeError, ValueError) as error:  # the latter: JSON of another shape
            faults.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if not outcome:
        raise Unreachable(type(faults[0]).__name__ if faults else "too late")
    return outcome[0]
