"""What a person or a Space starts: addresses, mistakes told in a sentence, a quiet end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from package_copy import ROOT
from ports import answered, free_port

from kogpt_funcs.contract.registry import functions, names

_SECONDS = 90
#: As Hugging Face starts a Space, and in the folder where it does so.
SPACE = {"SYSTEM": "spaces", "SPACE_ID": "me/demo", "GRADIO_SERVER_NAME": "0.0.0.0", "HF_HUB_OFFLINE": "1"}


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_one_function_is_served_where_the_environment_says_until_a_quiet_end(end: signal.Signals) -> None:
    port, (name, other) = free_port(), names()[:2]
    proxy = {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""}  # nobody is there, and nobody needs it
    process = start("-m", "demos", name, GRADIO_SERVER_PORT=str(port), **proxy)
    try:
        page = answered(f"http://127.0.0.1:{port}/", process).text
        process.send_signal(end)
        said, _ = process.communicate(timeout=_SECONDS)
    finally:
        process.kill()
    assert f"{name}-run" in page
    assert f"{other}-run" not in page
    assert process.returncode == 0
    assert said.splitlines()[0] == f"http://127.0.0.1:{port}/"
    assert "Traceback" not in said


def test_the_app_file_of_a_space_starts() -> None:
    port = free_port()
    process = start("demos/app.py", **SPACE, GRADIO_SERVER_PORT=str(port))
    try:
        page = answered(f"http://127.0.0.1:{port}/", process).text
        health = httpx.get(f"http://127.0.0.1:{port}/api/health", timeout=30)
        process.terminate()
        said, _ = process.communicate(timeout=_SECONDS)
    finally:
        process.kill()
    shown = {name: f"/talk/{name}/" if function.talk else f"{name}-run" for name, function in functions().items()}
    assert [name for name, mark in shown.items() if mark not in page] == []
    assert health.json()["status"] in ("loading", "ok")
    assert process.returncode == 0
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["no_such_function"], {}, ["no_such_function", *names()]),
        (["--port", "99999"], {}, ["99999"]),
        (["--host", "256.0.0.1"], {}, ["256.0.0.1"]),
        ([], {"GRADIO_SERVER_PORT": "many"}, ["GRADIO_SERVER_PORT", "many"]),
        ([], {"KOGPT_QUEUE": "none"}, ["KOGPT_QUEUE", "none"]),
    ],
    ids=["name", "port", "host", "environment", "setting"],
)
def test_a_mistake_is_told_in_a_sentence(arguments: list[str], environment: dict[str, str], words: list[str]) -> None:
    process = start("-m", "demos", *arguments, **environment)
    said, _ = process.communicate(timeout=_SECONDS)
    assert process.returncode == 1
    assert len(said.splitlines()) == 1
    assert all(word in said for word in words)


def test_a_port_that_is_taken_is_told_in_a_sentence() -> None:
    with taken_port() as port:
        process = start("-m", "demos", "--port", str(port))
        said, _ = process.communicate(timeout=_SECONDS)
    assert process.returncode == 1
    assert len(said.splitlines()) == 1
    assert str(port) in said
