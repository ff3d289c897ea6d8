"""The database of what calls leave: a file of SQLite's, or a PostgreSQL; nobody waits for it without end.

Work is a function of a connection, done in one transaction::

    database.run(WITHIN_S, lambda connection: connection.execute(…))

The tables are made, or brought up to date, before the first work of a process.
"""

import os
import re
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from server.logs.one_line import MAX_CHARACTERS, in_one_line
from server.records.migrations import upgrade
from server.runtime.native_calls import Pool
from server.runtime.private_files import PRIVATE
from server.settings.url_secrets import secrets_in

T = TypeVar("T")

WITHIN_S = 5.0
CONNECT_S = 3  # libpq counts whole seconds
BUSY_S = 3.0  # SQLite: another process writes for a few milliseconds
STATEMENT_MS = 4000  # PostgreSQL gives up by itself before we do
READERS = 4  # PostgreSQL: connections beside the writer's
WRITES = "agent_writes"  # an execution option: the transaction will
# Of a PostgreSQL whose machine is gone nobody would hear for two hours, and its connections wait so long.
ALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
_FORM = re.compile(r"\A\s*postgres(?:ql)?(?:\+\w+)?://")


class Database:
    """Of one process; any thread, or greenlet. Nothing is opened before the first ``run``.

    ``url``: DATABASE_URL, or else ``file`` is SQLite's. ``name`` is for the log.
    """

    def __init__(self, url: str, file: str = "") -> None:
        self.name = "DATABASE_URL" if url else f"RECORDS_FILE={file}"
        self._url, self._file = url, file
        if url:
            # Here: where records are SQLite's it would be 1.6 MB of every worker. And now, not on the
            # pool's threads, of which several at once would find half of it.
            import sqlalchemy.dialects.postgresql  # noqa: F401
        self.begin()
        _open.add(self)

    def begin(self) -> None:
        """Anew in a process that was forked: the connections are the parent's."""
        # SQLite's thread is alone: under gevent the locks of SQLAlchemy are greenlets', and none may be
        # waited for there. psycopg waits by Python's selectors, which are gevent's.
        self._pool = Pool("the database", 1 + READERS if self._url else 1, by_sockets=bool(self._url))
        self._engine: Engine | None = None
        self._has_tables = False

    def run(self, within_s: float, work: Callable[[Connection], T], *, writes: bool = True) -> T:
        """What ``work`` answers, in a transaction of its own, committed by then. Blocks for ``within_s``.

        Without ``writes`` it may not, and waits for no other. Raises Stuck (a TimeoutError), of which what is
        true of ``Pool.run``: it may still be done; ``Newer``; what SQLAlchemy raises, and OSError.
        """
        return self._pool.run(within_s, self._work, work, writes)

    def close(self) -> None:
        """Give the connections back. What is asked for later opens them anew."""
        engine, self._engine = self._engine, None
        if engine is not None:
            self._pool.run(WITHIN_S, engine.dispose)

    def why(self, error: Exception) -> str:
        """For the log: one line, no statement, no value, no password."""
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        first = next(iter(str(cause).strip().splitlines()), "") or type(cause).__name__
        for secret in filter(None, secrets_in(self._url)):
            first = first.replace(secret, "…")
        return in_one_line(first, MAX_CHARACTERS)

    def _work(self, work: Callable[[Connection], T], writes: bool) -> T:
        """On the pool's thread."""
        try:
            if self._engine is None:
                self._engine = _postgresql(self._url) if self._url else _sqlite(self._file)
            if not self._has_tables:
                with self._transaction(writes=True) as connection:
                    upgrade(connection)
                self._has_tables = True
            with self._transaction(writes) as connection:
                return work(connection)
        except Exception:
            self._has_tables = False  # the file was removed, the database is another one: look again
            raise

    @contextmanager
    def _transaction(self, writes: bool) -> Iterator[Connection]:
        assert self._engine is not None
        with self._engine.execution_options(**{WRITES: writes}).begin() as connection:
            yield connection


_open: "weakref.WeakSet[Database]" = weakref.WeakSet()


def _begin_all() -> None:
    for database in list(_open):
        database.begin()


os.register_at_fork(after_in_child=_begin_all)


def insert_into(table: Table, dialect_name: str) -> Any:
    """An INSERT with ``on_conflict_…``, which is a database's own: SQLite's, or PostgreSQL's."""
    if dialect_name == "postgresql":
        # Here: see ``Database``, which has loaded it.
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


def _writes(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(WRITES))


def _postgresql(url: str) -> Engine:
    """Any form of the URL, Heroku's too. Nothing outlives a transaction, so that a pooler may be between."""
    engine = create_engine(
        _FORM.sub("postgresql+psycopg://", url),
        hide_parameters=True,
        pool_size=1,
        max_overflow=READERS,
        pool_pre_ping=True,
        connect_args={"connect_timeout": CONNECT_S, "prepare_threshold": None, **ALIVE},
    )

    @event.listens_for(engine, "begin")
    def bounded(connection: Connection) -> None:
        mode = "READ WRITE" if _writes(connection) else "READ ONLY"
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {STATEMENT_MS}; SET TRANSACTION {mode}")

    return engine


def _sqlite(file: str) -> Engine:
    """A file for several processes; its owner's only. What is committed survives a kill, and a power cut."""
    path = Path(file).absolute()
    engine = create_engine(
        "sqlite://",
        creator=lambda: _opened(path),
        poolclass=NullPool,  # it takes 0.1 ms; nothing is inherited, and a file that was moved is left
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def prepared(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 would begin and commit as it likes
        with suppress(sqlite3.OperationalError):  # another is at it: SQLite waits for all but this
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")  # what is forgotten is overwritten

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA query_only = {not _writes(connection)}")
        # One that reads first and writes later would be refused when another has written meanwhile.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")

    return engine


def _opened(path: Path) -> Any:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite would make it readable for all; what it puts beside it follows this one.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE))
    return sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
