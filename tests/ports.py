"""Servers that tests start: a free port for one, and waiting until it answers."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import Any

import httpx

START_SECONDS = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def answered(url: str, server: subprocess.Popen[Any]) -> httpx.Response:
    """The first answer of `server` at `url` that is a success. RuntimeError if it ends before, or takes too long."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"The server ended with {server.returncode} instead of answering.")
        try:
            response = httpx.get(url, timeout=30, trust_env=False)
        except httpx.TransportError:
            response = None
        if response is not None and response.is_success:
            return response
        time.sleep(0.1)
    raise RuntimeError(f"The server does not answer at {url} after {START_SECONDS} s.")
