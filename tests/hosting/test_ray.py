"""Ray Serve: the arguments, and, as a soak, the suite on replicas: same answers, a replica killed, a rolling update."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import re
import shlex
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from mcp import Client
from package_copy import ROOT, run
from places import lines
from ports import free_port
from suite_server import Server
from venvs import environment

from kogpt_funcs.contract import registry
from kogpt_funcs.contract.errors import Busy, CheckpointError, InvalidInput, KogptError
from kogpt_funcs.contract.function import Function
from kogpt_funcs.hosting import scale
from kogpt_funcs.hosting.replicas import Replicas, _newest

CONFIG = ROOT / "ray.yaml"
CLIENTS = 8
START_SECONDS = 300
ASKED = {"text": "인생을 즐겁게 살기 위해서는", "max_new_tokens": 48, "num_samples": 2, "stop_at_sentence_end": False}


def test_the_config_file_fits_the_application() -> None:
    (application,) = yaml.safe_load(CONFIG.read_text("utf-8"))["applications"]
    module, name = application["import_path"].split(":")
    assert (ROOT / (module.replace(".", "/") + ".py")).is_file()
    assert f"def {name}(" in (ROOT / (module.replace(".", "/") + ".py")).read_text("utf-8")
    assert scale.read(application["args"]).most_generators > 1


def test_arguments_may_be_text_and_a_wrong_one_is_named() -> None:
    assert scale.read({"generators": "2", "generator_gpus": "0.5"}).generators == 2
    with pytest.raises(KogptError, match="generators has value 'many'"):
        scale.read({"generators": "many"})
    with pytest.raises(KogptError, match=r"generator has value '2'.*Arguments: generators, "):
        scale.read({"generator": "2"})
    done = run("serve", "--ray", "--scale", "generators")
    assert (done.returncode, b"WHAT=N" in done.stderr) == (2, True)


def test_replicas_are_a_number_or_a_range() -> None:
    assert scale.replicas(2, 0, 8) == {"num_replicas": 2}
    assert scale.replicas(1, 4, 8)["autoscaling_config"]["max_replicas"] == 4


@pytest.mark.parametrize(
    "error",
    [Busy(7), InvalidInput.of("text", "비었습니다.", "Empty."), CheckpointError("No checkpoint."), KogptError()],
)
def test_an_error_comes_whole_out_of_another_process(error: KogptError) -> None:
    came = pickle.loads(pickle.dumps(error))
    assert (type(came), str(came), vars(came)) == (type(error), str(error), vars(error))


def test_snapshots_that_come_fast_travel_together() -> None:
    assert _newest(iter(range(1000))) == (999, True)
    assert _newest(iter(())) == (None, True)
    endless = count()
    first, over = _newest(endless)
    assert (over, _newest(endless)[0] > first) == (False, True)


def test_what_asks_replicas_needs_no_ray_until_it_asks() -> None:
    assert Replicas(None, None).resident()["checkpoints"] is not None


@dataclass(frozen=True)
class Cluster:
    url: str
    process: subprocess.Popen[bytes]
    python: Path
    environment: dict[str, str]

    def replicas(self, name: str) -> list[psutil.Process]:
        """The processes of the replicas of the deployment `name`."""
        under = psutil.Process(self.process.pid).children(recursive=True)
        found = []
        for process in under:
            try:
                if process.cmdline()[0].startswith(f"ray::ServeReplica:kogpt:{name}"):
                    found.append(process)
            except (psutil.Error, IndexError):
                continue
        return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The line of docs/hosting.md, on small shares of a core."""
    python = environment("ray", "-r", ROOT / "requirements.txt", "-r", ROOT / "requirements-ray.txt") / "python"
    log = tmp_path_factory.mktemp("ray") / "log"
    port = free_port()
    shares = ["generator_cores=0.3", "classifier_cores=0.2", "api_cores=0.2"]
    line = next(line for line in lines("ray") if " serve --ray " in line)
    command = [python, *shlex.split(line)[1:], "--port", str(port)]
    told = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*command, *(part for share in shares for part in ("--scale", share))],
            cwd=ROOT,
            env=told,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + START_SECONDS
        while not healthy(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.5)
        yield Cluster(url, process, python, told)
    finally:
        process.terminate()
        process.wait(timeout=90)


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/health", timeout=30, trust_env=False).is_success
    except httpx.TransportError:
        return False


class Visitor(threading.Thread):
    """Asks one request after another, half of them as streams, until told to stop; keeps what was not answered."""

    def __init__(self, url: str, number: int, expected: dict[int, Any], over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url, self.number, self.expected, self.over = url, number, expected, over
        self.answered = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=300, trust_env=False) as http:
            while not self.over.is_set():
                seed = (self.number + self.answered) % len(self.expected)
                try:
                    got = self.ask(http, seed)
                except httpx.HTTPError as error:
                    self.wrong.append(f"{type(error).__name__} {error}")
                    return
                if got == self.expected[seed]:
                    self.answered += 1
                else:
                    self.wrong.append(str(got)[:300])

    def ask(self, http: httpx.Client, seed: int) -> Any:
        body = {**ASKED, "seed": seed}
        if self.number % 2:
            answer = http.post("/api/continue_text", json=body)
            return answer.json() if answer.status_code == 200 else answer.text
        streamed = http.post("/api/continue_text/stream", json=body).text
        return last_event(streamed)


def last_event(text: str) -> Any:
    found = re.findall(r"event: result\r?\ndata: (.*)", text)
    return json.loads(found[-1]) if found else text


@contextmanager
def load(cluster: Cluster) -> Iterator[list[Visitor]]:
    """Clients that ask for as long as the block lasts."""
    with httpx.Client(base_url=cluster.url, timeout=300, trust_env=False) as http:
        expected = {seed: http.post("/api/continue_text", json={**ASKED, "seed": seed}).json() for seed in range(4)}
    over = threading.Event()
    clients = [Visitor(cluster.url, number, expected, over) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield clients
    finally:
        over.set()
        for client in clients:
            client.join(timeout=300)
            assert not client.is_alive()


def all_have(clients: list[Visitor], more: int) -> None:
    """Waits until each client has had `more` answers from now on, or something wrong."""
    before = [client.answered for client in clients]
    until = time.monotonic() + START_SECONDS
    while any(c.answered < b + more and not c.wrong for c, b in zip(clients, before, strict=True)):
        assert time.monotonic() < until
        time.sleep(0.2)


@pytest.mark.soak
def test_answers_are_those_of_one_process(cluster: Cluster, server: Server) -> None:
    for function in registry.functions().values():
        for example in function.examples[:2]:
            asked = {**example, "seed": 3} if "seed" in function.fields else example
            theirs = httpx.post(f"{cluster.url}/api/{function.name}", json=asked, timeout=300, trust_env=False)
            assert theirs.status_code == 200, theirs.text
            assert theirs.json() == server.http.post(f"/api/{function.name}", json=asked).json()
    assert len(cluster.replicas("Generator")) == 2


@pytest.mark.soak
def test_mcp_answers(cluster: Cluster) -> None:
    async def asked(function: Function) -> Any:
        async with Client(f"{cluster.url}/mcp") as client:
            return (await client.call_tool(function.name, function.examples[0])).structured_content

    for function in (registry.get("classify_emotion"), registry.get("continue_text")):
        function.output.model_validate(asyncio.run(asked(function)))


@pytest.mark.soak
def test_a_fault_of_the_input_is_told_as_by_one_process(cluster: Cluster, server: Server) -> None:
    for body in ({"text": ""}, {"text": "가" * 2000}, {"txt": "안녕"}):
        theirs = httpx.post(f"{cluster.url}/api/continue_text", json=body, timeout=60, trust_env=False)
        ours = server.http.post("/api/continue_text", json=body)
        assert (theirs.status_code, theirs.json()) == (ours.status_code, ours.json())


@pytest.mark.soak
def test_a_replica_killed_under_load_loses_no_request(cluster: Cluster) -> None:
    with load(cluster) as clients:
        all_have(clients, 1)
        (victim, _) = cluster.replicas("Generator")
        victim.kill()
        all_have(clients, 3)
    assert [client.wrong for client in clients if client.wrong] == []
    assert victim.pid not in {process.pid for process in cluster.replicas("Generator")}


@pytest.mark.soak
def test_a_rolling_update_loses_no_request(cluster: Cluster) -> None:
    before = {process.pid for process in cluster.replicas("Generator")}
    wanted = {"generators": 2, "generator_cores": 0.25, "classifier_cores": 0.2, "api_cores": 0.2}
    update = (
        "import ray; from ray import serve; from kogpt_funcs.hosting import ray_serve; ray.init(address='auto'); "
        f"serve.run(ray_serve.app({wanted!r}), name=ray_serve.NAME)"
    )
    with load(cluster) as clients:
        all_have(clients, 1)
        done = subprocess.run([cluster.python, "-c", update], env=cluster.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        all_have(clients, 2)
    assert [client.wrong for client in clients if client.wrong] == []
    assert not before & {process.pid for process in cluster.replicas("Generator")}
