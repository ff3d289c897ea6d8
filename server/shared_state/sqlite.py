"""What the workers of a host know together, in an SQLite file.

The file is worth less than a call: nothing in it is waited for longer than ``WITHIN_S``, nothing is forced
onto the disk, and one that is broken (a power cut, a full disk, a slip) is moved away and begun anew.
"""

import fcntl
import json
import logging
import math
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from server.logs.rate_limited import OnceIn
from server.runtime.native_calls import Pool
from server.runtime.private_files import PRIVATE
from server.shared_state.changes import (
    ALL_MADE,
    LONGEST_LEASE_S,
    MAX_LEASES,
    MAX_MEMORIES,
    MAX_OUTCOMES,
    MEMORY_S,
    OUTCOME_S,
    WITHIN_S,
    Change,
    First,
    Forget,
    Lease,
    Made,
    Offer,
    Put,
    Release,
    Remember,
    Renew,
)
from server.shared_state.pools import SHARE, pools

log = logging.getLogger("agent")

T = TypeVar("T")

MAX_KEYS = 1_000_000  # 150 bytes each; eleven a second for a whole day, six are one call's
BUSY_S = 0.25  # another worker writes for a millisecond
THREADS = 4  # one writes, others read; as many may hang for as long as the disk does
TIDY_EVERY_S = 60.0
RENEWED_S = 3600.0
HEALED_EVERY_S = 10.0
KEPT_BROKEN = 3
BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

TABLES = (  # a share of callers stands where a host does
    "TABLE IF NOT EXISTS outcomes (call_sid TEXT PRIMARY KEY, name TEXT, at REAL)",
    "TABLE IF NOT EXISTS memories (call_sid TEXT PRIMARY KEY, words TEXT, at REAL)",
    "TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, until REAL)",
    "TABLE IF NOT EXISTS leases (host TEXT, call_sid TEXT, until REAL, PRIMARY KEY (host, call_sid))",
    "INDEX IF NOT EXISTS keys_by_end ON keys (until)",
    "INDEX IF NOT EXISTS outcomes_by_age ON outcomes (at)",
    "INDEX IF NOT EXISTS memories_by_age ON memories (at)",
)
FIRST = (
    "INSERT INTO keys VALUES (?, ?)"
    " ON CONFLICT (key) DO UPDATE SET until = excluded.until WHERE until <= ?"  # over, and not deleted yet
)
RENEW = (
    "INSERT INTO leases VALUES (?, ?, ?)"
    " ON CONFLICT (host, call_sid) DO UPDATE SET until = excluded.until"  # it keeps its age: see _keep
)
OF_ITS_SHARE = f"call_sid = ? AND host GLOB '{SHARE}*'"
LEFT = "left:"  # before the name of a share that the call was in, while it may have to be in it again
LEAVE_SHARE = f"UPDATE OR REPLACE leases SET host = '{LEFT}' || host WHERE {OF_ITS_SHARE}"
COME_BACK = (
    f"UPDATE OR REPLACE leases SET host = substr(host, {len(LEFT) + 1})"
    f" WHERE call_sid = ? AND host GLOB '{LEFT}{SHARE}*' AND until > ?"
)


class SqliteStore:
    """A ``state.Store`` for the workers of a host; its owner's only. Beyond MAX_… rows the oldest go.

    Every operation opens the file anew, on a native thread: nothing is shared by threads or inherited by
    forked workers, and gevent's hub does not wait for a disk. Raises ``Stuck`` (a TimeoutError) after
    ``within_s``, and what SQLite raises.

    ``now``: seconds that all processes agree on. Put back, they keep outcomes and keys for so much longer,
    which does no harm: no call and no signature has the name of an older one. Places are had anew.
    ``steady``: this process's own, which do not jump.
    """

    def __init__(
        self,
        path: str,
        now: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        within_s: float = WITHIN_S,
    ) -> None:
        self.name = f"STATE_FILE={path}"
        self._path = Path(path)
        self._now, self._steady = now, steady
        self._within_s = within_s
        self._pool = Pool("the disk", THREADS)
        self._tidy = OnceIn(TIDY_EVERY_S, steady)
        self._seen: tuple[int, int] | None = None  # which file it was: device and inode
        self._renewed_at: float | None = None
        self._moved: deque[str] = deque()  # lines for the log, which a native thread must not write

    @property
    def renewed(self) -> bool:
        """It is another file than this process knew, since an hour at most. Does not block."""
        return self._renewed_s < RENEWED_S

    @property
    def _renewed_s(self) -> float:
        """How long ago."""
        return math.inf if self._renewed_at is None else self._steady() - self._renewed_at

    def change(self, *changes: Change) -> Made:
        """One transaction, that no other worker's can come between."""
        tidy = self._tidy.due("all")
        return self._run(lambda: self._healed(lambda: self._transaction(changes, tidy)))

    def get(self, key: str) -> str | None:
        query = "SELECT name FROM outcomes WHERE call_sid = ? AND at > ?"
        row = self._read("outcomes", query, key, self._now() - OUTCOME_S)
        return None if row is None else str(row[0])

    def memory(self, key: str) -> str | None:
        query = "SELECT words FROM memories WHERE call_sid = ? AND at > ?"
        row = self._read("memories", query, key, self._now() - MEMORY_S)
        return None if row is None else str(row[0])

    def leased(self, pool: str) -> int:
        query = "SELECT count(*) FROM leases WHERE host = ? AND until > ? AND until <= ?"
        now = self._now()
        row = self._read("leases", query, pool, now, now + LONGEST_LEASE_S)
        return 0 if row is None else int(row[0])

    def holders(self, pool: str) -> frozenset[str]:
        now = self._now()
        where = "FROM leases WHERE host = ? AND until > ? AND until <= ?"
        query = f"SELECT json_group_array(call_sid) {where}"
        row = self._read("leases", query, pool, now, now + LONGEST_LEASE_S)
        return frozenset() if row is None else frozenset(json.loads(row[0]))

    def knows(self, key: str) -> bool:
        query = "SELECT 1 FROM keys WHERE key = ? AND until > ?"
        return self._read("keys", query, key, self._now()) is not None

    def _transaction(self, changes: Sequence[Change], tidy: bool) -> Made:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite would make it readable for all; what it puts beside it follows this one. Only a new file
            # is opened here: closing one that is in use would drop the locks of this process on it.
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE))
        with self._opened() as file:
            with suppress(sqlite3.OperationalError):  # another worker is at it: SQLite waits for all but this
                file.execute("PRAGMA journal_mode=WAL")
            file.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                file.execute(f"CREATE {table}")
            now = self._now()  # asked for here: to wait for the others takes time
            made = next((made for change in changes if not (made := _make(file, now, change))), ALL_MADE)
            if tidy:
                file.execute("DELETE FROM outcomes WHERE at <= ?", (now - OUTCOME_S,))
                file.execute("DELETE FROM memories WHERE at <= ?", (now - MEMORY_S,))
                file.execute("DELETE FROM keys WHERE until <= ?", (now,))
            file.execute("COMMIT")
            return made

    def _read(self, table: str, query: str, *values: str | float) -> tuple[Any, ...] | None:
        """The first row; None too while nobody has made the file, or this table in it."""
        return self._run(lambda: self._first_row(table, query, values))

    def _first_row(self, table: str, query: str, values: tuple[str | float, ...]) -> tuple[Any, ...] | None:
        if not self._path.exists():
            return None
        with self._opened() as file:
            if file.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
                return None
            row: tuple[Any, ...] | None = file.execute(query, values).fetchone()
            return row

    def _run(self, touch: Callable[[], T]) -> T:
        try:
            return self._pool.run(self._within_s, self._noticed, touch)
        finally:
            with suppress(IndexError):
                log.error("LEDGER_ERR: %s %s", self.name, self._moved.popleft())

    def _noticed(self, touch: Callable[[], T]) -> T:
        """``touch``; a file that has come in the place of another one is noticed."""
        try:
            return touch()
        finally:
            which = _which(self._path)
            if None not in (which, self._seen) and which != self._seen:
                self._renewed_at = self._steady()
            self._seen = which or self._seen

    def _healed(self, touch: Callable[[], T]) -> T:
        """``touch``, and once more on a new file when this one is broken. Who only reads moves nothing."""
        which = _which(self._path)
        try:
            return touch()
        except sqlite3.DatabaseError as error:
            broken = getattr(error, "sqlite_errorcode", 0) & 0xFF in BROKEN
            if not broken or self._renewed_s < HEALED_EVERY_S:  # the second time at once it is the disk
                raise
            if moved := move_away(self._path, which):
                self._moved.append(f"was broken ({error}): it is {moved.name} now, and a new one is begun")
        self._renewed_at = self._steady()
        return touch()

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        file = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        try:
            # The disk is not waited for: to force every line onto it takes 10 ms, and seconds where others
            # write. A power cut ends the calls as well; a file that it has broken is begun anew.
            file.execute("PRAGMA synchronous=OFF")
            file.execute("PRAGMA secure_delete=ON")  # what callers said is not left in the file's free pages
            yield file
        finally:
            file.close()


def _make(file: sqlite3.Connection, now: float, change: Change) -> Made:
    """Within a transaction."""
    match change:
        case First(key, for_s):
            first = file.execute(FIRST, (key, now + for_s, now)).rowcount == 1
            _keep(file, "keys", MAX_KEYS)
            return ALL_MADE if first else Made(change)
        case Put(key, value):
            file.execute("REPLACE INTO outcomes VALUES (?, ?, ?)", (key, value, now))
            _keep(file, "outcomes", MAX_OUTCOMES)
        case Remember(key, value):
            file.execute("REPLACE INTO memories VALUES (?, ?, ?)", (key, value, now))
            _keep(file, "memories", MAX_MEMORIES)
        case Forget(key):
            file.execute("DELETE FROM memories WHERE call_sid = ?", (key,))
        case Offer():
            pass  # nobody else's calls are counted here
        case Lease():
            return _lease(file, now, change)
        case Renew(host, call_sids, for_s):
            file.executemany(RENEW, [(host, call_sid, now + for_s) for call_sid in call_sids])
            file.executemany(COME_BACK, [(call_sid, now) for call_sid in call_sids])
            renew_share = f"UPDATE leases SET until = ? WHERE {OF_ITS_SHARE} AND until > ?"
            file.executemany(renew_share, [(now + for_s, call_sid, now) for call_sid in call_sids])
            _keep(file, "leases", MAX_LEASES)
        case Release(host, call_sid):
            file.execute("DELETE FROM leases WHERE host = ? AND call_sid = ?", (host, call_sid))
            file.execute(LEAVE_SHARE, (call_sid,))
    return ALL_MADE


def _lease(file: sqlite3.Connection, now: float, lease: Lease) -> Made:
    file.execute("DELETE FROM leases WHERE until <= ? OR until > ?", (now, now + LONGEST_LEASE_S))
    query = "SELECT count(*), ifnull(sum(call_sid = ?), 0) FROM leases WHERE host = ?"
    counted = pools(lease.host, lease.most, lease.share)
    for pool, limit in counted:
        held, by_this_call = file.execute(query, (lease.call_sid, pool)).fetchone()
        if limit and not by_this_call and held >= limit:
            return Made(lease, pool)
    file.executemany(RENEW, [(pool, lease.call_sid, now + lease.for_s) for pool, _ in counted])
    _keep(file, "leases", MAX_LEASES)
    return ALL_MADE


def _keep(file: sqlite3.Connection, table: str, most: int) -> None:
    """Let go of the rows that are older than the youngest ``most``: SQLite numbers rows as they come."""
    file.execute(f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?", (most,))


def _which(path: Path) -> tuple[int, int] | None:
    """Which file is at ``path``; None: none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def move_away(path: Path, which: tuple[int, int] | None) -> Path | None:
    """Give a file, with what SQLite has put beside it, another name; None: another worker has done it.

    ``which``: the file that was found broken. The first ones are kept; the last of ``KEPT_BROKEN`` makes
    room. Raises OSError.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # one worker at a time: the next one finds another file
        if _which(path) != which:
            return None
        names = [path.with_name(f"{path.name}.broken-{number}") for number in range(1, KEPT_BROKEN + 1)]
        away = next((name for name in names if not name.exists()), names[-1])
        for beside in ("-wal", "-shm", ""):  # a new file must not find what belongs to the old one
            with suppress(FileNotFoundError):
                os.replace(f"{path}{beside}", f"{away}{beside}")
        return away
    finally:
        os.close(folder)
