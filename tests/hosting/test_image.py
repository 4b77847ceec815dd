"""The Docker image: what the Dockerfile and compose.yaml say, and, as a soak, the image itself, made of the
Dockerfile's own steps in a fresh Debian root.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml
from image import Builder, Stage, inside, steps
from package_copy import ROOT
from ports import answered, free_port
from stories_server import OPENING, needs_postgresql, postgresql

DOCKERFILE = ROOT / "Dockerfile"
ASK = Path(__file__).with_name("ask_space.py")
STEPS = steps(DOCKERFILE)
Process = subprocess.Popen[bytes]
ADDRESS = "http://127.0.0.1:7860"
LONG = {"text": "옛날 옛적에", "max_new_tokens": 256, "num_samples": 1, "stop_at_sentence_end": False}


def rest(word: str) -> list[str]:
    return [step.rest for step in STEPS if step.word == word]


def test_the_image_has_no_build_tools_and_runs_as_a_user() -> None:
    last = [step for step in STEPS if step.word == "FROM"][-1]
    ran = [step.rest for step in STEPS[STEPS.index(last) :] if step.word == "RUN"]
    assert not re.search(r"gcc|g\+\+|make|build-essential|-dev\b|python3-(pip|venv)", " ".join(ran))
    assert rest("USER") == ["user"]
    assert STEPS[-1].word == "CMD"


def test_torch_is_the_cpus_unless_the_build_argument_says_otherwise() -> None:
    (index,) = [argument for argument in rest("ARG") if argument.startswith("TORCH_INDEX")]
    assert index == "TORCH_INDEX=https://download.pytorch.org/whl/cpu"
    assert any('--index-url "$TORCH_INDEX"' in ran for ran in rest("RUN"))


def test_compose_starts_the_suite_with_postgresql() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
    suite, database = services["kogpt"], services["db"]
    assert suite["build"] == "."
    assert suite["read_only"] is True
    assert suite["tmpfs"] == ["/tmp"]
    assert suite["depends_on"]["db"]["condition"] == "service_healthy"
    assert re.fullmatch(
        r"postgresql://kogpt:\$\{POSTGRES_PASSWORD:-kogpt\}@db/kogpt", suite["environment"]["DATABASE_URL"]
    )
    assert database["image"].startswith("postgres:")
    assert database["healthcheck"]["test"][0] == "CMD-SHELL"
    assert int(suite["stop_grace_period"].removesuffix("s")) > 10


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The image, built where KOGPT_IMAGE says and kept there, or in a temporary folder."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        pytest.skip("needs root and debootstrap")
    place = Path(os.environ.get("KOGPT_IMAGE") or tmp_path_factory.mktemp("image"))
    place.mkdir(parents=True, exist_ok=True)
    for stage in place.glob("stage*"):
        shutil.rmtree(stage)
    arguments = dict(pair.split("=", 1) for pair in shlex.split(os.environ.get("KOGPT_BUILD_ARGS", "")))
    return Builder(DOCKERFILE, place, arguments).build()


@contextmanager
def running(image: Stage, log: Path, *command: str, offline: bool = True, **environment: str) -> Iterator[Process]:
    """The container's own command, or another, with its root read-only."""
    line = inside(image, list(command) or image.command, environment, read_only=True, offline=offline)
    with log.open("wb") as file:
        server = subprocess.Popen(line, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield server
    finally:
        server.kill()
        server.wait()


def in_network_of(server: Process, *command: str | Path, **how: object) -> subprocess.CompletedProcess[str]:
    line = ["nsenter", f"--net=/proc/{server.pid}/ns/net", *command]
    return subprocess.run(line, capture_output=True, text=True, timeout=900, **how)  # type: ignore[call-overload]


def ask(server: Process) -> subprocess.CompletedProcess[str]:
    return in_network_of(server, sys.executable, ASK, ROOT, ADDRESS)


@pytest.mark.soak
def test_the_image_carries_what_runs_and_no_more(image: Stage) -> None:
    there = [
        name
        for name in ("cc", "gcc", "make", "pip")
        if shutil.which(name, path=f"{image.root}/usr/bin:{image.root}/usr/local/kogpt/bin")
    ]
    assert there == []
    home = image.root / "home/user"
    assert list((home / ".cache/kogpt").glob("gemma-*/model.safetensors"))
    assert not (home / "app/tests").exists()
    assert not (home / "app/.git").exists()


@pytest.mark.soak
def test_the_image_answers_offline_with_its_root_read_only(image: Stage, tmp_path: Path) -> None:
    with running(image, tmp_path / "log") as server:
        answers = ask(server)
        assert answers.returncode == 0, answers.stderr + (tmp_path / "log").read_text()
        inside_it = ["nsenter", "-t", str(server.pid), "-m", "-n", "-r"]
        health = [*inside_it, "/usr/local/kogpt/bin/python", *image.health[2:]]
        assert subprocess.run(health, timeout=60).returncode == 0
        story = in_network_of(server, "curl", "-s", "-f", "--json", json.dumps(OPENING), f"{ADDRESS}/api/stories")
        assert story.returncode == 0, story.stderr
    assert "Traceback" not in (tmp_path / "log").read_text()


@pytest.mark.soak
def test_a_running_request_is_answered_after_sigterm_and_the_end_comes_soon(image: Stage, tmp_path: Path) -> None:
    assert image.stop_signal == "SIGTERM"
    with running(image, tmp_path / "log") as server:
        ask(server)
        answers: list[subprocess.CompletedProcess[str]] = []
        line = ("curl", "-s", "-f", "--json", json.dumps(LONG), f"{ADDRESS}/api/continue_text")
        client = threading.Thread(target=lambda: answers.append(in_network_of(server, *line)))
        client.start()
        time.sleep(1)  # it is under way
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
        ended = time.monotonic() - started
        client.join()
    assert json.loads(answers[0].stdout)["continuations"]
    assert ended <= 10


@pytest.mark.soak
@needs_postgresql
def test_stories_go_to_postgresql(image: Stage, tmp_path: Path) -> None:
    port = str(free_port())
    command = [port if part == "7860" else part for part in image.command]
    with (
        postgresql(tmp_path / "postgresql") as url,
        running(image, tmp_path / "log", *command, offline=False, DATABASE_URL=url) as server,
    ):
        answered(f"http://127.0.0.1:{port}/api/health", server)
        made = httpx.post(f"http://127.0.0.1:{port}/api/stories", json=OPENING, timeout=60)
        assert made.is_success, made.text
        with psycopg.connect(url) as database:
            tables = database.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    assert "stories" in {name for (name,) in tables}
