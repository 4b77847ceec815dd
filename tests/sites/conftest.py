"""The stories on both databases that they can be kept in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from stories_server import StoriesServer, needs_postgresql, postgresql, stories_server


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoriesServer]:
    folder = tmp_path_factory.mktemp(request.param)
    kept = postgresql(folder) if request.param == "postgresql" else nullcontext()
    with kept as database, stories_server(folder / "server", database) as server:
        yield server
