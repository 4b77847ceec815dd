"""200 clients for minutes: everybody is answered, 503 only when the queue is full, memory stays, and health answers at
once throughout. `make soak` runs it.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import os
import random
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from suite_server import Server, serving
from test_soak import at_rest, resident

CLIENTS = 200
SECONDS = float(os.environ.get("KOGPT_SOAK_SECONDS", "300"))
QUEUE = 64
LOOK_SECONDS = 0.1
P99_MS = 100.0
ASKED = [
    ("/api/continue_text", {"text": "옛날 옛적에", "max_new_tokens": 32}),
    ("/api/change_style", {"text": "저는 고양이를 키워요.", "style": "반말", "max_new_tokens": 24}),
    ("/api/classify_emotion", {"text": "너무 무서워."}),
    ("/api/continue_text/stream", {"text": "산에서 그는", "max_new_tokens": 32}),
    ("/v1/completions", {"model": "small", "prompt": "바다는", "max_tokens": 24}),
]


class Crowd:
    """What came of every request, and how full the queue was when one was refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def client(self, number: int, until: float) -> None:
        rng = random.Random(number)
        async with httpx.AsyncClient(base_url=self.url, timeout=httpx.Timeout(280)) as http:
            while time.monotonic() < until:
                path, body = rng.choice(ASKED)
                try:
                    answer = await http.post(path, json=body)
                except httpx.HTTPError as error:
                    self.wrong.append(f"{path}: unanswered, {type(error).__name__}")
                    continue
                await self.judge(path, answer)

    async def judge(self, path: str, answer: httpx.Response) -> None:
        if answer.status_code == 200 and not (path.endswith("stream") and "event: error" in answer.text):
            self.seen["answered"] += 1
        elif "busy" in answer.text and (answer.status_code == 503 or path.endswith("stream")):
            self.seen["told to come back"] += 1
            await asyncio.sleep(float(answer.headers.get("retry-after", 2)))
        else:
            self.wrong.append(f"{path}: {answer.status_code} {answer.text[:200]}")

    async def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(self.client(number, until) for number in range(CLIENTS)))


def watch(url: str, file: str, over: multiprocessing.synchronize.Event) -> None:
    """In a process of its own: milliseconds that /api/health takes, ten times a second, over one connection."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    taken = []
    while not over.is_set():
        begun = time.perf_counter()
        connection.request("GET", "/api/health")
        answer = connection.getresponse()
        answer.read()
        taken.append((time.perf_counter() - begun) * 1000 if answer.status == 200 else 1e9)
        time.sleep(LOOK_SECONDS)
    Path(file).write_text(json.dumps(taken), "utf-8")


def figures(server: Server) -> dict[str, float]:
    text = server.http.get("/metrics").text
    return {n: float(v) for n, v in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads the server's memory from /proc")
def test_two_hundred_clients(tmp_path: Path) -> None:
    environment = {"KOGPT_QUEUE": str(QUEUE), "KOGPT_LOG": "json", "KOGPT_DATA": str(tmp_path)}
    with serving(tmp_path / "log", environment=environment) as server:
        crowd = Crowd(server.url)
        asyncio.run(crowd.run(min(60, SECONDS / 4)))  # warm-up: allocators and caches find their size
        before = at_rest(server)
        context = multiprocessing.get_context("spawn")
        over, file = context.Event(), tmp_path / "taken"
        watcher = context.Process(target=watch, args=(server.url, str(file), over))
        watcher.start()
        asyncio.run(crowd.run(SECONDS))
        busy = resident(server)
        over.set()
        watcher.join(60)
        after, told = at_rest(server), figures(server)
    taken = sorted(json.loads(file.read_text("utf-8")))
    p50, p99 = (taken[int(len(taken) * share)] for share in (0.5, 0.99))
    print(
        f"\n{dict(crowd.seen)}; health p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {taken[-1]:.1f} ms of {len(taken)}; "
        f"{before} MB, {busy} MB under load, {after} MB at the end; {told['kogpt_queue_refused_total']:.0f} refused"
    )
    assert crowd.wrong == []
    assert crowd.seen["answered"] > CLIENTS
    assert crowd.seen["told to come back"] <= told["kogpt_queue_refused_total"]
    assert after < before * 1.05
    assert p99 < P99_MS  # a promise to whoever watches the server, not how fast it is
