"""Where the stories are: SQLite in a folder of the user's, or PostgreSQL by DATABASE_URL. It knows no story.

Whoever writes holds the database (SQLite) or the story's row (PostgreSQL) until it is done, so what was read stays
true.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session

from kogpt_funcs.sites import faults

_WAIT_SECONDS = 30  # for those who write before
_AT_ONCE = 8  # connections of this process
_MIGRATING = 0x6B6F6770  # PostgreSQL's advisory lock while tables are made


def data_folder() -> Path:
    """KOGPT_DATA: where the stories are kept; default: kogpt-funcs in the user's folder for data (XDG_DATA_HOME)."""
    if chosen := os.environ.get("KOGPT_DATA"):
        return Path(chosen)
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "kogpt-funcs"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "kogpt-funcs"


def address() -> str:
    """DATABASE_URL as SQLAlchemy reads it; default: stories.db in `data_folder`."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        return f"sqlite:///{data_folder() / 'stories.db'}"
    scheme, mark, rest = url.partition("://")
    return f"postgresql+psycopg{mark}{rest}" if scheme in ("postgres", "postgresql") else url


class Database:
    """Opened when it is first asked; one that cannot be opened now is tried again by whoever asks next."""

    def __init__(self, url: str | None = None) -> None:
        self.url = url or address()
        self._opening = threading.Lock()
        self._ready = False
        self._alone = threading.Lock()  # SQLite lets one write; who waits for it in the database sleeps too long

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with self._session(writes=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """All that is done in the block is kept once it ends, or none of it."""
        with self._alone if self.url.startswith("sqlite") else nullcontext(), self._session(writes=True) as session:
            yield session
            session.commit()

    @contextmanager
    def _session(self, *, writes: bool) -> Iterator[Session]:
        try:
            self._open()
            with Session(self._engine.execution_options(**self._options(writes)), expire_on_commit=False) as session:
                yield session
        except Exception as error:
            told = faults.of_database(error)
            if told is error:
                raise
            raise told from None

    def _options(self, writes: bool) -> dict[str, Any]:
        # Who reads sees one moment: parts and version belong together. SQLite's transactions are so anyway.
        apart = {} if writes or self.url.startswith("sqlite") else {"isolation_level": "REPEATABLE READ"}
        return {"writes": writes, **apart}

    @cached_property
    def _engine(self) -> Engine:
        return _sqlite(self.url) if self.url.startswith("sqlite") else _other(self.url)

    def _open(self) -> None:
        if self._ready:
            return
        with self._opening:
            if not self._ready:
                if self.url.startswith("sqlite:///"):
                    _make_folder(Path(self.url.removeprefix("sqlite:///")).parent)
                _migrate(self._engine)
                self._ready = True

    def close(self) -> None:
        self._engine.dispose()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        raise faults.ReadOnly(
            "이야기를 둘 폴더를 만들 수 없습니다. 운영자는 KOGPT_DATA에 쓸 수 있는 폴더를 적어 주세요."
        ) from None


def _sqlite(url: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=_AT_ONCE,
        max_overflow=0,
        pool_timeout=_WAIT_SECONDS,
        connect_args={"timeout": _WAIT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours to say, see below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _began(connection: Connection) -> None:
        # A transaction that reads first and writes later would fail where another has written in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def _other(url: str) -> Engine:
    return create_engine(url, pool_size=_AT_ONCE, max_overflow=0, pool_timeout=_WAIT_SECONDS, pool_pre_ping=True)


def _migrate(engine: Engine) -> None:
    """Brings the tables to this version's form; several processes may start at once. What is in form is only read."""
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.execution_options(writes=False).connect() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
