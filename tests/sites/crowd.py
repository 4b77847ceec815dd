"""Many writers on few stories at once, who ask again under the same key until they are answered; and what must be
there after.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter
from typing import Any

import httpx
from stories_server import OPENING, StoriesServer

STORIES = 5


class Crowd:
    """What each writer sent and what was acknowledged; `wrong` holds every answer that should not be."""

    def __init__(self, server: StoriesServer, writers: int) -> None:
        self.server, self.writers = server, writers
        self.acknowledged: dict[int, tuple[str, int, int, str]] = {}  # part id: (story, parent, version, text)
        self.taken_back: set[int] = set()
        self.seen: Counter[str] = Counter()
        self.wrong: list[str] = []
        made = [
            server.http.post("/api/stories", json={**OPENING, "title": f"이야기 {i}"}).json() for i in range(STORIES)
        ]
        self.stories = [story["id"] for story in made]
        self.openings = {story["id"]: story["parts"][0]["id"] for story in made}

    async def write(self, seconds: float, kills: int) -> None:
        """All writers at once for so long, while the server is killed and started again so many times."""
        until = time.monotonic() + seconds
        limits = httpx.Limits(max_connections=self.writers)
        async with httpx.AsyncClient(base_url=self.server.url, timeout=60, limits=limits) as http:
            jobs = [asyncio.create_task(self._writer(http, number, until)) for number in range(self.writers)]
            for _ in range(kills):
                await asyncio.sleep(seconds / (kills + 1))
                await asyncio.to_thread(self.server.kill)
                await asyncio.to_thread(self.server.start)
                self.seen["killed"] += 1
            await asyncio.gather(*jobs)

    async def _writer(self, http: httpx.AsyncClient, number: int, until: float) -> None:
        rng = random.Random(number)
        count = 0
        while time.monotonic() < until:
            story = rng.choice(self.stories)
            read = await self._asked(http, "GET", f"/api/stories/{story}")
            if read is None or read.status_code != 200:
                continue
            found = read.json()
            line = [part for part in found["parts"] if part["branch"] == 0]
            parent = rng.choice(found["parts"]) if rng.random() < 0.05 else line[-1]
            count += 1
            text = f"{number}번의 {count}번째 대목."
            body = {"text": text, "author": f"작가 {number}", "parent": parent["id"], "version": found["version"]}
            await self._add(http, rng, story, body)

    async def _add(self, http: httpx.AsyncClient, rng: random.Random, story: str, body: dict[str, Any]) -> None:
        added = await self._asked(
            http, "POST", f"/api/stories/{story}/parts", json=body, headers={"Idempotency-Key": secrets.token_hex(8)}
        )
        if added is None:
            return
        answer = added.json()
        if added.status_code == 409 and answer["text"] == body["text"] and answer["draft"]["secret"]:
            self.seen["too late"] += 1
        elif added.status_code == 201 and answer["part"]["text"] == body["text"]:
            self.acknowledged[answer["part"]["id"]] = (story, body["parent"], answer["version"], body["text"])
            self.seen["added"] += 1
            if rng.random() < 0.03:
                await self._take_back(http, story, answer)
        else:
            self.wrong.append(f"{added.status_code} {added.text[:200]}")

    async def _take_back(self, http: httpx.AsyncClient, story: str, added: dict[str, Any]) -> None:
        part = added["part"]["id"]
        gone = await self._asked(
            http, "DELETE", f"/api/stories/{story}/parts/{part}", headers={"X-Secret": added["secret"]}
        )
        if gone is not None and gone.status_code in (200, 404):  # 404: it was done before the server was killed
            self.taken_back.add(part)
            self.seen["taken back"] += 1

    async def _asked(self, http: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response | None:
        """The answer, asked for again while the server is down or busy."""
        for _ in range(300):
            try:
                answer = await http.request(method, path, **more)
            except httpx.HTTPError:
                self.seen["asked again"] += 1
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 503 and "retry-after" in answer.headers:
                await asyncio.sleep(0.2)
                continue
            if answer.status_code >= 500:
                self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            return answer
        self.wrong.append(f"{method} {path}: never answered")
        return None

    def check(self) -> None:
        """Every acknowledged part is there exactly once, in the order of its version, below its parent; each branch
        is one line.
        """
        assert self.wrong == []
        there: dict[int, tuple[str, int, int, str]] = {}
        for story in self.stories:
            found = self.server.http.get(f"/api/stories/{story}").json()
            ids = [part["id"] for part in found["parts"]]
            assert len(set(ids)) == len(ids)
            assert ids == sorted(ids)
            texts = [part["text"] for part in found["parts"]]
            assert len(set(texts)) == len(texts)  # each was sent under one key, however often
            assert all(part["parent"] in ids[: ids.index(part["id"])] for part in found["parts"][1:])
            followed = Counter((part["branch"], part["parent"]) for part in found["parts"])
            assert max(followed.values()) == 1
            there |= {part["id"]: (story, part["parent"], 0, part["text"]) for part in found["parts"][1:]}
        for part, (story, parent, _, text) in self.acknowledged.items():
            assert (part in there) != (part in self.taken_back), (part, text)
            if part in there:
                assert there[part] == (story, parent, 0, text)
        ordered = sorted(self.acknowledged.items())
        for story in self.stories:
            versions = [version for _, (where, _, version, _) in ordered if where == story]
            assert versions == sorted(set(versions))
