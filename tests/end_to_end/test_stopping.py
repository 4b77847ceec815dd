"""SIGTERM under load: every request that was let in is answered, new ones are refused politely, and it is soon over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from package_copy import ROOT
from ports import answered, free_port

CLIENTS = 12
LIMIT = 10.0
LONG = {"text": "옛날 옛적에", "max_new_tokens": 96, "num_samples": 3, "stop_at_sentence_end": False}


class Client(threading.Thread):
    """Asks, half of them as streams, until it is told that the server stops; notes how each request ended."""

    def __init__(self, url: str, number: int, stopping: threading.Event) -> None:
        super().__init__(daemon=True)
        self.url, self.number, self.stopping = url, number, stopping
        self.ends: Counter[str] = Counter()
        self.wrong: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=60) as http:
            while True:
                late = self.stopping.is_set()
                try:
                    end = self.ask(http)
                except httpx.ConnectError:
                    if not late:
                        self.wrong.append("nobody listens, though the server was not told to stop")
                    return
                except httpx.HTTPError as error:
                    self.wrong.append(f"no answer: {type(error).__name__} {error}")
                    return
                self.ends[end] += 1
                if end in ("refused", "told"):
                    return

    def ask(self, http: httpx.Client) -> str:
        streams = self.number % 2
        answer = http.post(f"/api/continue_text{'/stream' if streams else ''}", json={**LONG, "seed": self.number})
        if answer.status_code == 503:
            code = answer.json()["error"]["code"]
            if code == "stopping" and int(answer.headers["retry-after"]) > 0:
                return "refused"
            return "busy" if code == "busy" else self.odd(answer)
        if answer.status_code != 200:
            return self.odd(answer)
        if not streams:
            return "answered" if len(answer.json()["continuations"]) == 3 else self.odd(answer)
        name, data = answer.text.rstrip().rsplit("event: ", 1)[1].split("\ndata: ")
        if name == "error" and json.loads(data)["error"]["code"] == "stopping":
            return "told"
        return "answered" if name == "result" and len(json.loads(data)["continuations"]) == 3 else self.odd(answer)

    def odd(self, answer: httpx.Response) -> str:
        self.wrong.append(f"{answer.status_code} {answer.text[-200:]}")
        return "odd"


def start(log: Path, **environment: str) -> tuple[subprocess.Popen[Any], str]:
    port = free_port()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "demos", "continue_text", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    answered(f"http://127.0.0.1:{port}/api/health", process)
    return process, f"http://127.0.0.1:{port}"


def watched(url: str) -> set[str]:
    """What health and ready say of a server that stops, until they say nothing any more."""
    seen = set()
    for _ in range(40):
        try:
            health, ready = httpx.get(f"{url}/api/health"), httpx.get(f"{url}/api/ready")
        except httpx.HTTPError:
            break
        seen |= {
            f"health {health.status_code} {health.json()['status']}",
            f"ready {ready.status_code} {ready.json()['ready']}",
        }
        time.sleep(0.05)
    return seen


@pytest.mark.parametrize("seconds", ["8", "0.3"], ids=["time to finish", "hardly any time"])
def test_sigterm_under_load(tmp_path: Path, seconds: str) -> None:
    process, url = start(tmp_path / "log", KOGPT_STOP_SECONDS=seconds)
    try:
        stopping = threading.Event()
        clients = [Client(url, number, stopping) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for _ in range(600):
            if sum((client.ends for client in clients), Counter())["answered"] >= 3:
                break
            time.sleep(0.1)
        stopping.set()
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        seen = watched(url)
        process.wait(timeout=60)
        took = time.monotonic() - begun
        for client in clients:
            client.join(timeout=60)
    finally:
        process.kill()
    ends = sum((client.ends for client in clients), Counter())
    print(f"\n{took:.1f} s, {dict(ends)}")
    assert [wrong for client in clients for wrong in client.wrong] == []
    assert not any(client.is_alive() for client in clients)
    assert process.returncode == 0
    if seconds == "8":  # there is time to look
        assert {"health 200 stopping", "ready 503 False"} <= seen
    assert took < LIMIT  # not how fast it is, but a promise: Docker kills after ten seconds
    assert ends["answered"] >= 3
    assert ends["refused"] + ends["told"] >= 1
    assert "Traceback" not in (tmp_path / "log").read_text("utf-8")
