"""Servers as their users start them, in processes of their own, and sixteen clients at once that ask them for text."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from kogpt_funcs.benchmarking.prompts import Prompt
from kogpt_funcs.benchmarking.worker import Missing

_START_SECONDS = 180


class Server(ABC):
    """A process that answers over HTTP. `name` is what the table calls it."""

    name: str

    def __init__(self, command: list[str], port: int, there: str, environment: dict[str, str] | None = None) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in close)
        self._process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            env={**os.environ, **(environment or {})},
        )
        limits = httpx.Limits(max_connections=256, max_keepalive_connections=256)
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600, limits=limits, trust_env=False)
        try:
            self._wait(there)
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    @abstractmethod
    def ask(self, prompt: Prompt, new: int) -> int:
        """One client's request for `new` tokens. The answer: how many were made."""

    def write(self, prompts: Sequence[Prompt], new: int) -> tuple[int, float]:
        """Tokens made and seconds taken, all clients asking at once."""
        with ThreadPoolExecutor(len(prompts)) as clients:
            started = time.perf_counter()
            made = list(clients.map(lambda prompt: self.ask(prompt, new), prompts))
            return sum(made), time.perf_counter() - started

    def close(self) -> None:
        self.http.close()
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "")

    def _wait(self, there: str) -> None:
        for _ in range(_START_SECONDS * 5):
            if self._process.poll() is not None:
                raise Missing(f"{self.name} is left out: its server did not start. {self._last_words()}")
            try:
                if self.http.get(there).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise Missing(f"{self.name} is left out: its server does not answer after {_START_SECONDS} s.")


class OurServer(Server):
    """`kogpt serve` with the checkpoint as KOGPT_BASE, asked over REST."""

    name = "ours, REST"

    def __init__(self, base: str) -> None:
        port = _free_port()
        super().__init__(["-m", "kogpt_funcs", "serve", "--port", str(port)], port, "/api/health", {"KOGPT_BASE": base})

    def ask(self, prompt: Prompt, new: int) -> int:
        answer = self.http.post("/api/continue_text", json=_request(prompt, new))
        answer.raise_for_status()
        (continuation,) = answer.json()["continuations"]
        # What reached its length was computed whole; an unfinished last word is only cut from the answer.
        return new if continuation["finish_reason"] == "length" else int(continuation["tokens"])

    def first_token(self, prompt: Prompt, new: int) -> float:
        """Seconds from the request to the first token on the stream; the stream is read to its end."""
        started, first = time.perf_counter(), None
        with self.http.stream("POST", "/api/continue_text/stream", json=_request(prompt, new)) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                if first is None and line.startswith("data: ") and json.loads(line[6:])["continuations"][0]["tokens"]:
                    first = time.perf_counter() - started
        if first is None:
            raise Missing(f"{self.name} is left out: its stream ended without a token.")
        return first

    def first_tokens(self, prompts: Sequence[Prompt], new: int) -> list[float]:
        """`first_token` of each client, all asking at once."""
        with ThreadPoolExecutor(len(prompts)) as clients:
            return list(clients.map(lambda prompt: self.first_token(prompt, new), prompts))

    def call(self, function: str, data: dict[str, Any], times: int) -> list[float]:
        """Seconds of each of `times` requests to a function, one after another."""
        seconds = []
        for _ in range(times):
            started = time.perf_counter()
            self.http.post(f"/api/{function}", json=data).raise_for_status()
            seconds.append(time.perf_counter() - started)
        return seconds

    def health(self) -> dict[str, Any]:
        return self.http.get("/api/health").json()


class GradioDemo(Server):
    """gradio_demo.py, asked over Gradio's own HTTP API, as its client asks."""

    name = "gradio + pipeline"

    def __init__(self, folder: Path, new: int) -> None:
        port = _free_port()
        script = str(Path(__file__).with_name("gradio_demo.py"))
        # Gradio asks its own server whether it answers: no proxy may stand between.
        super().__init__(
            [script, str(folder), str(port), str(new)], port, "/config", {"NO_PROXY": "127.0.0.1,localhost"}
        )

    def ask(self, prompt: Prompt, new: int) -> int:
        event = self.http.post("/gradio_api/call/predict", json={"data": [prompt.text]}).json()["event_id"]
        with self.http.stream("GET", f"/gradio_api/call/predict/{event}") as answer:
            events = [line for line in answer.iter_lines() if line.startswith("event: ")]
        if "event: complete" not in events:
            raise Missing(f"{self.name} is left out: it answered {events[-1:] or 'nothing'}.")
        return new


def _request(prompt: Prompt, new: int) -> dict[str, Any]:
    return {
        "text": prompt.text,
        "max_new_tokens": new,
        "temperature": 0,
        "top_k": 0,
        "top_p": 1,
        "repetition_penalty": 1,
        "stop_at_sentence_end": False,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
