"""The suite as a user starts it, in a process of its own on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from package_copy import ROOT
from ports import answered, free_port

KEY = "열쇠-123"


@dataclass(frozen=True)
class Server:
    """A running suite; `home` is the folder it was started in, `log` what it has written so far."""

    url: str
    home: Path
    log_file: Path
    http: httpx.Client  # to `url`; its timeout is for slow machines

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")


@contextmanager
def serving(
    log_file: Path,
    home: Path = ROOT,
    environment: dict[str, str] | None = None,
    options: tuple[str, ...] = (),
    there: str = "/api/health",
) -> Iterator[Server]:
    """`python -m demos OPTIONS` in `home`, from when `there` answers until the block ends; told to stop, it must.

    Health answers when the models are loaded, the page before.
    """
    port = free_port()
    command = [sys.executable, "-m", "demos", "--port", str(port), *options]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url, timeout=120) as http:
            server = Server(url, home, log_file, http)
            try:
                answered(url + there, process)
            except RuntimeError as error:
                raise RuntimeError(f"{error}\n{server.log}") from None
            yield server
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
