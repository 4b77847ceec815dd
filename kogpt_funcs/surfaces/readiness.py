"""Whether the models are still being loaded: the page is there before them, health tells when both are."""

from __future__ import annotations

import threading

#: Set while whoever started the surfaces warms the models up; clear otherwise.
loading = threading.Event()
