"""A hundred strangers at once for minutes: some leave, some send nonsense, some fail inside the batch. `make soak`
runs it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from package_copy import ROOT, copy_package
from suite_server import Server, serving

CLIENTS = 100
SECONDS = float(os.environ.get("KOGPT_SOAK_SECONDS", "300"))

SEEDED: list[tuple[str, dict[str, Any]]] = [
    *(
        ("continue_text", {"text": f"{place}에서 그는", "seed": i, "max_new_tokens": 16 + 8 * i})
        for i, place in enumerate(("산", "집", "강", "섬"))
    ),
    *(
        ("change_style", {"text": f"저는 {n}마리를 키워요.", "style": s})
        for n, s in zip("두세네", ("반말", "왕", "나루토"), strict=True)
    ),
    *(
        ("write_comment", {"topic": topic, "seed": i, "num_samples": 3})
        for i, topic in enumerate(("결말", "배우 연기", "음악"))
    ),
    *(("classify_emotion", {"text": text}) for text in ("너무 무서워.", "정말 고마워요!", "회의는 세 시입니다.")),
]
BAD: list[tuple[str, bytes, set[int]]] = [
    ("continue_text", b"{", {400}),
    ("continue_text", b'{"text": ""}', {422}),
    ("write_comment", json.dumps({"topic": "x", "num_samples": 10**9}).encode(), {422}),
    ("no_such", b"{}", {404}),
    ("continue_text", b'{"text": "' + b"a" * 3_000_000 + b'"}', {413}),
    ("break_down", b'{"way": "bug"}', {500}),
]


class Crowd:
    """Clients that know what the answer must be, and what came instead."""

    def __init__(self, server: Server, expected: dict[str, Any]) -> None:
        self.server, self.expected = server, expected
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []

    async def client(self, number: int, until: float) -> None:
        rng = random.Random(number)
        async with httpx.AsyncClient(base_url=self.server.url, timeout=120) as http:
            while time.monotonic() < until:
                kind = rng.choices((self.right, self.leave, self.bad, self.break_inside), (70, 15, 10, 5))[0]
                try:
                    await kind(http, rng)
                except httpx.HTTPError as error:
                    self.wrong.append(f"{kind.__name__}: no answer ({type(error).__name__})")

    async def right(self, http: httpx.AsyncClient, rng: random.Random) -> None:
        name, body = rng.choice(SEEDED)
        answer = await http.post(f"/api/{name}", json=body)
        if answer.status_code == 503 and int(answer.headers["retry-after"]) > 0:
            self.seen["busy"] += 1
            await asyncio.sleep(rng.random())
        elif answer.status_code != 200:
            self.wrong.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        elif answer.json() != self.expected[json.dumps([name, body])]:
            self.wrong.append(f"{name}: another's answer? {answer.text[:200]}")
        else:
            self.seen["right"] += 1

    async def leave(self, http: httpx.AsyncClient, rng: random.Random) -> None:
        """Reads the beginning of a stream, or waits for a moment, and is gone."""
        body = {"text": "옛날 옛적에", "max_new_tokens": 200, "stop_at_sentence_end": False}
        if rng.random() < 0.5:
            async with http.stream("POST", "/api/continue_text/stream", json=body) as answer:
                async for _ in answer.aiter_lines():
                    if rng.random() < 0.2:
                        break
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(http.post("/api/continue_text", json=body), rng.random() * 0.2)
        self.seen["left"] += 1

    async def bad(self, http: httpx.AsyncClient, rng: random.Random) -> None:
        name, body, statuses = rng.choice(BAD)
        answer = await http.post(f"/api/{name}", content=body, headers={"content-type": "application/json"})
        if answer.status_code not in statuses | {503} or "error" not in answer.json() or "secret" in answer.text:
            self.wrong.append(f"bad {name}: {answer.status_code} {answer.text[:200]}")
        self.seen["refused"] += 1

    async def break_inside(self, http: httpx.AsyncClient, rng: random.Random) -> None:
        answer = await http.post("/api/break_inside", json={"text": "고장"})
        if answer.status_code not in (500, 503) or "error" not in answer.json() or "secret" in answer.text:
            self.wrong.append(f"break_inside: {answer.status_code} {answer.text[:200]}")
        self.seen["failed alone"] += 1


def resident(server: Server) -> int:
    """Megabytes that the server holds, by /proc."""
    (pid,) = (
        p.name for p in Path("/proc").iterdir() if p.name.isdigit() and _port_of(p) == server.url.rsplit(":", 1)[1]
    )
    return (
        int(
            next(
                line.split()[1]
                for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                if line.startswith("VmRSS")
            )
        )
        // 1000
    )


def at_rest(server: Server) -> int:
    """`resident` once the server has given back what lies free (kogpt_funcs/surfaces/memory.py: every 15 seconds)."""
    time.sleep(20)
    return resident(server)


def _port_of(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    return words[words.index("--port") + 1] if "demos" in words and "--port" in words else ""


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads the server's memory from /proc")
def test_a_hundred_strangers(tmp_path: Path) -> None:
    functions = [ROOT / "tests" / "functions" / f"{name}.py" for name in ("break_down", "break_inside")]
    home = copy_package(tmp_path, *functions)
    environment = {"KOGPT_WEIGHTS": str(ROOT / "weights"), "KOGPT_CACHE_GB": "0.012", "KOGPT_DETERMINISTIC": "1"}
    with serving(home / "log", home, environment) as server:
        expected = {
            json.dumps([name, body]): server.http.post(f"/api/{name}", json=body).json() for name, body in SEEDED
        }
        crowd = Crowd(server, expected)

        async def crowded(seconds: float) -> None:
            until = time.monotonic() + seconds
            await asyncio.gather(*(crowd.client(i, until) for i in range(CLIENTS)))

        asyncio.run(crowded(min(60, SECONDS / 4)))  # warm-up: allocators and caches find their size
        busy, before = [resident(server)], at_rest(server)
        asyncio.run(crowded(SECONDS))
        busy, after = [*busy, resident(server)], at_rest(server)
        health = server.http.get("/api/health").json()
        print(
            f"\n{dict(crowd.seen)}; {before} MB after the warm-up, {after} MB at the end, {busy} MB under "
            f"load; {json.dumps(health)[:400]}"
        )
        assert crowd.wrong == []
        assert min(crowd.seen[kind] for kind in ("right", "left", "refused", "failed alone")) > 20
        assert after < before * 1.05
        assert server.http.post("/api/continue_text", json=SEEDED[0][1]).json() == expected[json.dumps(list(SEEDED[0]))]
