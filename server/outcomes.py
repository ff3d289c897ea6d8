"""How calls ended (F2, F3): left by the socket that knows, asked for by the webhook that Twilio sends next.

The two may meet different workers of a host, or different hosts; an outcome is of use for minutes.
"""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from cachetools import TTLCache

from server.core.conversation import EndCall, Transfer
from server.engines.native import run_native

log = logging.getLogger("agent")

Outcome = EndCall | Transfer
NAMED: dict[str, Outcome] = {type(outcome).__name__: outcome for outcome in (EndCall(), Transfer())}

MAX_OUTCOMES = 10_000
OUTCOME_S = 600  # Twilio asks within seconds
BUSY_S = 0.25  # another worker writes for a millisecond
REDIS_TIMEOUT_S = 0.25  # to connect, and to answer


class OutcomeStore(Protocol):
    """Any thread. Both methods may block for half a second, and raise when the store fails."""

    def put(self, call_sid: str, outcome: Outcome) -> None: ...

    def get(self, call_sid: str) -> Outcome | None:
        """None: not there, or no longer."""
        ...


class Outcomes:
    """What this process knows of its own calls and, through ``shared``, of others'. Any thread.

    Never raises: a store that fails costs a log line, and what happened in this process is known all the
    same. A call without a CallSid has no outcome: nobody could ask for it.
    """

    def __init__(self, shared: OutcomeStore | None = None) -> None:
        self._own = MemoryOutcomes()
        self._shared = shared

    def put(self, call_sid: str, outcome: Outcome) -> None:
        """Blocks as long as ``shared`` does; in this process the outcome is known before that."""
        if not call_sid:
            return
        self._own.put(call_sid, outcome)
        if self._shared is None:
            return
        try:
            self._shared.put(call_sid, outcome)
        except Exception as error:  # whatever a store does, the call ends well
            log.error("OUTCOME_ERR: %r is known to this process only: %s", call_sid, error)

    def get(self, call_sid: str) -> Outcome | None:
        """Blocks as long as ``shared`` does when the call was not this process's."""
        found = self._own.get(call_sid)
        if found is not None or self._shared is None or not call_sid:
            return found
        try:
            return self._shared.get(call_sid)
        except Exception as error:  # the caller gets an apology, not an error page
            log.error("OUTCOME_ERR: no outcome of %r: %s", call_sid, error)
            return None


class MemoryOutcomes:
    """One process's. Beyond MAX_OUTCOMES the oldest go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: TTLCache[str, Outcome] = TTLCache(MAX_OUTCOMES, OUTCOME_S)

    def put(self, call_sid: str, outcome: Outcome) -> None:
        with self._lock:
            self._outcomes[call_sid] = outcome

    def get(self, call_sid: str) -> Outcome | None:
        with self._lock:
            found: Outcome | None = self._outcomes.get(call_sid)
            return found


class SqliteOutcomes:
    """A file for the workers of a host, its owner's only. Beyond MAX_OUTCOMES the oldest go.

    Every operation opens the file anew, on a native thread: nothing is shared by threads or inherited by
    forked workers, and gevent's hub does not wait for a disk. ``now``: seconds that all processes agree on.
    """

    def __init__(self, path: str, now: Callable[[], float] = time.time) -> None:
        self._path = Path(path)
        self._now = now

    def put(self, call_sid: str, outcome: Outcome) -> None:
        run_native(self._put, call_sid, type(outcome).__name__)

    def get(self, call_sid: str) -> Outcome | None:
        return NAMED.get(run_native(self._get, call_sid))

    def _put(self, call_sid: str, name: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite would make it readable for all; what it puts beside it follows this one.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        now = self._now()
        with self._opened() as file:
            with suppress(sqlite3.OperationalError):  # another worker is at it: SQLite waits for all but this
                file.execute("PRAGMA journal_mode=WAL")
            file.execute("BEGIN IMMEDIATE")
            file.execute(
                "CREATE TABLE IF NOT EXISTS outcomes (call_sid TEXT PRIMARY KEY, name TEXT, at REAL)"
            )
            file.execute("REPLACE INTO outcomes VALUES (?, ?, ?)", (call_sid, name, now))
            file.execute("DELETE FROM outcomes WHERE at <= ?", (now - OUTCOME_S,))
            file.execute("DELETE FROM outcomes WHERE rowid <= last_insert_rowid() - ?", (MAX_OUTCOMES,))
            file.execute("COMMIT")

    def _get(self, call_sid: str) -> str:
        if not self._path.exists():
            return ""
        since = self._now() - OUTCOME_S
        with self._opened() as file:
            query = "SELECT name FROM outcomes WHERE call_sid = ? AND at > ?"
            row = file.execute(query, (call_sid, since)).fetchone()
        return "" if row is None else str(row[0])

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        file = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        try:
            file.execute("PRAGMA synchronous=NORMAL")
            yield file
        finally:
            file.close()


class RedisOutcomes:
    """For the workers of several hosts. The server forgets by itself.

    Every operation connects anew: a connection that was kept could be a dead one, just when it is needed.
    """

    def __init__(self, url: str) -> None:
        import redis  # now: when a call ends there is no time to load it

        timeouts = {"socket_connect_timeout": REDIS_TIMEOUT_S, "socket_timeout": REDIS_TIMEOUT_S}
        self._connect = partial(redis.Redis.from_url, url, **timeouts)

    def put(self, call_sid: str, outcome: Outcome) -> None:
        with self._connect() as client:
            client.set(_key(call_sid), type(outcome).__name__, ex=OUTCOME_S)

    def get(self, call_sid: str) -> Outcome | None:
        with self._connect() as client:
            name = client.get(_key(call_sid))
        return None if name is None else NAMED.get(name.decode())


def _key(call_sid: str) -> str:
    return f"phone_agent:outcome:{call_sid}"


def shared_store(redis_url: str, state_file: str) -> OutcomeStore | None:
    """The store that the knobs ask for; None: this process alone. Opens nothing yet."""
    if redis_url:
        return RedisOutcomes(redis_url)
    return SqliteOutcomes(state_file) if state_file else None
