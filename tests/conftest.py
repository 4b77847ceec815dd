"""Servers that the tests share: the suite as a user starts it, in a process of its own on a free port."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from package_copy import ROOT, copy_package
from ports import answered, free_port

from kogpt_funcs.contract import settings

KEY = "열쇠-123"
os.environ.setdefault("KOGPT_BASE", "small")  # fast, and what answers are pinned on; tests of Gemma name it
os.environ.setdefault("KOGPT_DEVICE", "cpu")  # answers are pinned in fp32, servers that the tests start inherit it


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
    log_file: Path, home: Path = ROOT, environment: dict[str, str] | None = None, options: tuple[str, ...] = (),
    there: str = "/api/health",
) -> Iterator[Server]:
    """`python -m demos OPTIONS` in `home`, from when `there` answers until the block ends; told to stop, it must.

    Health answers when the models are loaded, the page before.
    """
    port = free_port()
    command = [sys.executable, "-m", "demos", "--port", str(port), *options]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=home, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )  # fmt: skip
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


@pytest.fixture(autouse=True)
def its_own_settings() -> Iterator[None]:
    """What a test does to the settings by `settings.replace` ends with it."""
    with settings.using():
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The suite on the shipped weights. Whatever the tests sent it, it must not have logged a stack trace."""
    with serving(tmp_path_factory.mktemp("server") / "log") as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The suite with the functions of tests/functions dropped in: they end in every way that a function can."""
    home = copy_package(tmp_path_factory.mktemp("workshop"), *Path(__file__).with_name("functions").glob("*.py"))
    with serving(home / "log", home, {"KOGPT_WEIGHTS": str(ROOT / "weights")}) as running:
        yield running


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The suite as one puts it on the internet: bound to all addresses, behind KEY."""
    log_file = tmp_path_factory.mktemp("locked") / "log"
    with serving(log_file, environment={"KOGPT_API_KEY": KEY}, options=("--host", "0.0.0.0")) as running:
        yield running
