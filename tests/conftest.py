"""What all tests share: their settings, and running suites."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from package_copy import ROOT, copy_package
from suite_server import KEY, Server, serving

from kogpt_funcs.contract import settings

os.environ.setdefault("KOGPT_BASE", "small")  # fast, and what answers are pinned on; tests of Gemma name it
os.environ.setdefault("KOGPT_DEVICE", "cpu")  # answers are pinned in fp32, servers that the tests start inherit it


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
