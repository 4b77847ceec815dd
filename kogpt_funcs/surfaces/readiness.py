"""Whether the functions can answer: the page is there before the models are, health and ready tell when both are."""

from __future__ import annotations

import threading

#: Set while whoever started the surfaces warms the models up; clear otherwise.
loading = threading.Event()
#: Set once the server has been told to stop.
stopping = threading.Event()
#: The functions that have failed on their own first example, and have not answered since.
failing: set[str] = set()


def ready() -> bool:
    """Can every function answer a new request?"""
    return not (loading.is_set() or stopping.is_set() or failing)
