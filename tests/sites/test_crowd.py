"""Writers who do not wait for each other, and a server that is killed: what was acknowledged is there once, in
order.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from crowd import Crowd
from stories_server import needs_postgresql, postgresql, stories_server

DATABASES = ["sqlite", pytest.param("postgresql", marks=needs_postgresql)]
SECONDS = float(os.environ.get("KOGPT_SOAK_SECONDS", "120"))


def crowded(folder: Path, database: str, writers: int, seconds: float, kills: int) -> Crowd:
    kept = postgresql(folder) if database == "postgresql" else nullcontext()
    with kept as url, stories_server(folder / "server", url) as server:
        crowd = Crowd(server, writers)
        asyncio.run(crowd.write(seconds, kills))
        crowd.check()
    print(f"\n{database}: {dict(crowd.seen)}")
    return crowd


@pytest.mark.parametrize("database", DATABASES)
def test_a_killed_server_has_lost_nothing(tmp_path: Path, database: str) -> None:
    crowd = crowded(tmp_path, database, writers=12, seconds=8, kills=1)
    assert min(crowd.seen[kind] for kind in ("added", "too late", "killed", "asked again")) > 0


@pytest.mark.soak
@pytest.mark.parametrize("database", DATABASES)
def test_fifty_writers_for_two_minutes_and_three_kills(tmp_path: Path, database: str) -> None:
    crowd = crowded(tmp_path, database, writers=50, seconds=SECONDS, kills=3)
    assert crowd.seen["killed"] == 3
    assert crowd.seen["added"] > 100
