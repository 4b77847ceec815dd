"""Where stories are kept: a full disk, a read-only one, a database that is away, two processes that begin at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from ports import free_port
from sqlalchemy import create_engine, inspect
from stories_server import OPENING, ROOT, StoriesServer, needs_postgresql, postgresql, stories_server

from kogpt_funcs.sites import faults
from kogpt_funcs.sites.database import Database, address, data_folder
from kogpt_funcs.sites.requests import NewStory, Search, parse
from kogpt_funcs.sites.stories import Stories
from kogpt_funcs.sites.tables import Base


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of two megabytes; skips where none may be mounted."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("No file system can be mounted here: it takes root.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return


def write(server: StoriesServer, story: str, parent: int, version: int) -> tuple[int, dict]:
    body = {"text": "가" * 2000, "author": "나", "parent": parent, "version": version}
    answer = server.http.post(f"/api/stories/{story}/parts", json=body)
    return answer.status_code, answer.json()


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data") as disk, stories_server(tmp_path) as server:
        story = server.http.post("/api/stories", json=OPENING).json()
        parent, version = story["parts"][0]["id"], 1
        fill(disk)
        for _ in range(400):
            status, body = write(server, story["id"], parent, version)
            if status != 201:
                break
            parent, version = body["part"]["id"], body["version"]
        assert (status, body["error"]["code"]) == (507, "storage_full"), body
        assert server.http.post("/api/stories", json=OPENING).status_code == 507
        whole = server.http.get(f"/api/stories/{story['id']}").json()
        assert (whole["version"], whole["parts"][-1]["id"]) == (version, parent)
        assert server.http.get(f"/stories/{story['id']}").status_code == 200
        (disk / "filler").unlink()
        assert write(server, story["id"], parent, version)[0] == 201


def test_a_read_only_disk_is_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data") as disk:
        with stories_server(tmp_path) as server:
            story = server.http.post("/api/stories", json=OPENING).json()
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with stories_server(tmp_path) as server:
            assert server.http.get(f"/api/stories/{story['id']}").status_code == 200
            status, body = write(server, story["id"], story["parts"][0]["id"], 1)
            assert (status, body["error"]["code"]) == (503, "read_only"), body
            assert server.http.get("/stories/").status_code == 200


@needs_postgresql
def test_postgresql_that_only_reads_and_then_goes_away(tmp_path: Path) -> None:
    with postgresql(tmp_path) as url:
        stories = Stories(Database(url))
        story = stories.create(parse(NewStory, OPENING))
        reader = Stories(Database(f"{url}?options=-cdefault_transaction_read_only%3Don"))
        assert reader.read(story["id"])["version"] == 1
        with pytest.raises(faults.ReadOnly):
            reader.create(parse(NewStory, OPENING))
    for away in (stories, reader):
        with pytest.raises(faults.Unreachable):
            away.read(story["id"])
        away.close()


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    with stories_server(tmp_path, f"postgresql://nobody@127.0.0.1:{free_port()}/nothing") as server:
        answer = server.http.get("/api/stories")
        assert (answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"]) == (
            503,
            "storage",
            "2",
        )
        assert "nobody" not in answer.text
        page = server.http.get("/stories/")
        assert page.status_code == 503
        assert "닿지 못했습니다" in page.text
        assert server.http.get("/api/functions").status_code == 200


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(faults.ReadOnly, match="KOGPT_DATA"):
        Stories(Database(f"sqlite:///{tmp_path}/file/under/stories.db")).search(Search())


def test_migrations_make_what_the_tables_say(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/stories.db")
    Stories(database).search(Search())
    made = inspect(create_engine(f"sqlite:///{tmp_path}/stories.db"))
    assert set(made.get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    for name, table in Base.metadata.tables.items():
        assert {c["name"]: (str(c["type"]), c["nullable"]) for c in made.get_columns(name)} == {
            c.name: (str(c.type.dialect_impl(database._engine.dialect).compile(database._engine.dialect)), c.nullable)
            for c in table.columns
        }
        assert {i["name"] for i in made.get_indexes(name)} == {i.name for i in table.indexes}
    database.close()


def test_many_that_begin_at_once_make_the_tables_once(tmp_path: Path) -> None:
    barrier = threading.Barrier(6)

    def begin(_: int) -> int:
        stories = Stories(Database(f"sqlite:///{tmp_path}/stories.db"))
        barrier.wait()
        stories.create(parse(NewStory, OPENING))
        found = stories.search(Search())["total"]
        stories.close()
        return found

    with ThreadPoolExecutor(6) as pool:
        assert max(pool.map(begin, range(6))) == 6


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"KOGPT_DATA": "/d"}, "sqlite:////d/stories.db"),
        ({"XDG_DATA_HOME": "/x"}, "sqlite:////x/kogpt-funcs/stories.db"),
        ({"DATABASE_URL": "postgres://a@b/c"}, "postgresql+psycopg://a@b/c"),
        ({"DATABASE_URL": "sqlite:///z.db"}, "sqlite:///z.db"),
    ],
)
def test_where_it_is_follows_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    for name in ("KOGPT_DATA", "XDG_DATA_HOME", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert address() == expected
    assert data_folder().is_absolute()


def test_neither_torch_nor_the_database_is_loaded_for_the_command() -> None:
    code = (
        "import sys, kogpt_funcs.command.kogpt; sys.exit(bool({'torch', 'sqlalchemy', 'alembic', 'jinja2'} "
        "& set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ)).returncode == 0
