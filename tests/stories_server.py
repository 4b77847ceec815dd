"""The stories served in a process of their own, on SQLite in a folder or on a PostgreSQL cluster that is made here."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from ports import free_port

ROOT = Path(__file__).parent.parent
OPENING = {
    "title": "막차의 우산",
    "genre": "로맨스",
    "opening": "막차 안에는 다섯 명이 남아 있었다.",
    "author": "느린 고래",
}


class StoriesServer:
    """REST, MCP and the pages, without Gradio's; it can be killed and started again on the same port and data."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=300)  # importing torch is slow on a busy machine
        self._environment = {**os.environ, "KOGPT_DATA": str(folder / "data"), "KOGPT_BASE": "small"}
        self._environment.pop("DATABASE_URL", None)
        if database:
            self._environment["DATABASE_URL"] = database
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(self.port)],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        for _ in range(600):
            assert self._process.poll() is None, self.log
            try:
                self.http.get("/api/functions")
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"The server does not answer:\n{self.log}")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=60)
            finally:
                self._process.kill()
        self.http.close()


@contextmanager
def stories_server(folder: Path, database: str | None = None) -> Iterator[StoriesServer]:
    folder.mkdir(parents=True, exist_ok=True)
    server = StoriesServer(folder, database)
    try:
        server.start()
        yield server
    finally:
        server.close()
    assert "Traceback" not in server.log, server.log


def postgresql_programs() -> Path | None:
    """The folder with initdb and postgres, which Debian keeps out of PATH; None where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


needs_postgresql = pytest.mark.skipif(
    postgresql_programs() is None, reason="PostgreSQL is not installed: apt-get install postgresql"
)


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A cluster of its own in `folder`, until the block ends; its URL. PostgreSQL refuses to run as root: then it
    runs as `postgres`.
    """
    programs = postgresql_programs()
    assert programs
    cluster, port = folder / "cluster", free_port()
    cluster.mkdir(parents=True)
    owner = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if owner:
        shutil.chown(cluster, "postgres", "postgres")
        for parent in (folder, *folder.parents):
            if not parent.stat().st_mode & 0o001 and pwd.getpwuid(parent.stat().st_uid).pw_name != "postgres":
                parent.chmod(parent.stat().st_mode | 0o011)
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            cluster,
            "-U",
            "writer",
            "--auth=trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ],
        check=True,
        capture_output=True,
        cwd="/",
        **owner,
    )
    process = subprocess.Popen(
        [programs / "postgres", "-D", cluster, "-p", str(port), "-h", "127.0.0.1", "-k", ""],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **owner,
    )
    try:
        _answers(port)
        yield f"postgresql://writer@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # "fast shutdown": clients are cut off
        process.wait(timeout=60)


def _answers(port: int) -> None:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="writer", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL does not answer.")


if __name__ == "__main__":
    import uvicorn
    from starlette.applications import Starlette

    sys.path.insert(0, str(ROOT))
    from kogpt_funcs.surfaces import routes

    uvicorn.run(Starlette(routes=routes.routes(), lifespan=routes.lifespan), port=int(sys.argv[1]), log_level="warning")
