"""Where processes keep what they must know together: this process's memory, a host's SQLite file, a Redis.

A store holds strings and seconds. What they mean, and what a store promises, is in ``server.ledger``.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cachetools import TLRUCache, TTLCache

from server.native import run_native

T = TypeVar("T")

MAX_OUTCOMES = 10_000
MAX_KEYS = 50_000  # four a call, for a day
MAX_LEASES = 10_000
OUTCOME_S = 600  # Twilio asks within seconds
BUSY_S = 0.25  # another worker writes for a millisecond
REDIS_TIMEOUT_S = 0.25  # to connect, and to answer


SHARE = "share:"  # before a share's name; no host has a colon in its own


@dataclass(frozen=True)
class Share:
    """Calls that are counted together beside those of their host, on all hosts: those of one caller, say.

    ``name``: begins with SHARE; "": the call is in none. ``most``: at once; 0: any number.
    """

    name: str = ""
    most: int = 0


IN_NONE = Share()


class MemoryStore:
    """One process's; never fails. Beyond MAX_… entries the oldest go. ``now``: seconds that do not jump."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._outcomes: TTLCache[str, str] = TTLCache(MAX_OUTCOMES, OUTCOME_S, timer=now)
        self._keys: TLRUCache[str, float] = TLRUCache(MAX_KEYS, _until, timer=now)
        self._leases: TLRUCache[tuple[str, str], float] = TLRUCache(MAX_LEASES, _until, timer=now)

    def put(self, call_sid: str, name: str) -> None:
        with self._lock:
            self._outcomes[call_sid] = name

    def get(self, call_sid: str) -> str | None:
        with self._lock:
            found: str | None = self._outcomes.get(call_sid)
            return found

    def first_time(self, key: str, for_s: float) -> bool:
        with self._lock:
            if key in self._keys:
                return False
            self._keys[key] = for_s
            return True

    def lease(self, host: str, call_sid: str, most: int, for_s: float, share: Share = IN_NONE) -> bool:
        with self._lock:
            pools = _pools(host, most, share)
            for pool, limit in pools:
                if limit and (pool, call_sid) not in self._leases and self._count(pool) >= limit:
                    return False
            for pool, _ in pools:
                self._leases[pool, call_sid] = for_s
            return True

    def renew(self, host: str, call_sids: Sequence[str], for_s: float) -> None:
        with self._lock:
            renewed = frozenset(call_sids)
            for lease in [*self._shares_of(renewed), *((host, call_sid) for call_sid in call_sids)]:
                self._leases[lease] = for_s

    def release(self, host: str, call_sid: str) -> None:
        with self._lock:
            for lease in [*self._shares_of({call_sid}), (host, call_sid)]:
                with suppress(KeyError):
                    del self._leases[lease]

    def leased(self, pool: str) -> int:
        with self._lock:
            return self._count(pool)

    def _count(self, pool: str) -> int:
        return sum(1 for holder, _ in self._leases if holder == pool)

    def _shares_of(self, call_sids: Set[str]) -> list[tuple[str, str]]:
        return [lease for lease in self._leases if lease[0].startswith(SHARE) and lease[1] in call_sids]


def _pools(host: str, most: int, share: Share) -> list[tuple[str, int]]:
    """Where a call is counted, and up to what."""
    return [(host, most), *([(share.name, share.most)] if share.name else [])]


def _until(_key: object, for_s: float, now: float) -> float:
    return now + for_s


TABLES = (
    "outcomes (call_sid TEXT PRIMARY KEY, name TEXT, at REAL)",
    "keys (key TEXT PRIMARY KEY, until REAL)",
    "leases (host TEXT, call_sid TEXT, until REAL, PRIMARY KEY (host, call_sid))",  # host: or a share's name
)
RENEW = (
    "INSERT INTO leases VALUES (?, ?, ?)"
    " ON CONFLICT (host, call_sid) DO UPDATE SET until = excluded.until"  # it keeps its age: see _keep
)


OF_ITS_SHARE = f"call_sid = ? AND host GLOB '{SHARE}*'"


class SqliteStore:
    """A file for the workers of a host, its owner's only. Beyond MAX_… rows the oldest go.

    Every operation opens the file anew, on a native thread: nothing is shared by threads or inherited by
    forked workers, and gevent's hub does not wait for a disk. ``now``: seconds that all processes agree on;
    set back, they keep what should be forgotten for so much longer.
    """

    def __init__(self, path: str, now: Callable[[], float] = time.time) -> None:
        self._path = Path(path)
        self._now = now

    def put(self, call_sid: str, name: str) -> None:
        def change(file: sqlite3.Connection, now: float) -> None:
            file.execute("REPLACE INTO outcomes VALUES (?, ?, ?)", (call_sid, name, now))
            file.execute("DELETE FROM outcomes WHERE at <= ?", (now - OUTCOME_S,))
            _keep(file, "outcomes", MAX_OUTCOMES)

        self._write(change)

    def get(self, call_sid: str) -> str | None:
        query = "SELECT name FROM outcomes WHERE call_sid = ? AND at > ?"
        row = self._read("outcomes", query, call_sid, self._now() - OUTCOME_S)
        return None if row is None else str(row[0])

    def first_time(self, key: str, for_s: float) -> bool:
        def change(file: sqlite3.Connection, now: float) -> bool:
            file.execute("DELETE FROM keys WHERE until <= ?", (now,))
            first = file.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (key, now + for_s)).rowcount == 1
            _keep(file, "keys", MAX_KEYS)
            return first

        return self._write(change)

    def lease(self, host: str, call_sid: str, most: int, for_s: float, share: Share = IN_NONE) -> bool:
        def change(file: sqlite3.Connection, now: float) -> bool:
            file.execute("DELETE FROM leases WHERE until <= ?", (now,))
            query = "SELECT count(*), ifnull(sum(call_sid = ?), 0) FROM leases WHERE host = ?"
            pools = _pools(host, most, share)
            for pool, limit in pools:
                held, by_this_call = file.execute(query, (call_sid, pool)).fetchone()
                if limit and not by_this_call and held >= limit:
                    return False
            file.executemany(RENEW, [(pool, call_sid, now + for_s) for pool, _ in pools])
            _keep(file, "leases", MAX_LEASES)
            return True

        return self._write(change)

    def renew(self, host: str, call_sids: Sequence[str], for_s: float) -> None:
        def change(file: sqlite3.Connection, now: float) -> None:
            file.executemany(RENEW, [(host, call_sid, now + for_s) for call_sid in call_sids])
            renew_share = f"UPDATE leases SET until = ? WHERE {OF_ITS_SHARE} AND until > ?"
            file.executemany(renew_share, [(now + for_s, call_sid, now) for call_sid in call_sids])
            _keep(file, "leases", MAX_LEASES)

        self._write(change)

    def release(self, host: str, call_sid: str) -> None:
        def change(file: sqlite3.Connection, now: float) -> None:
            file.execute("DELETE FROM leases WHERE host = ? AND call_sid = ?", (host, call_sid))
            file.execute(f"DELETE FROM leases WHERE {OF_ITS_SHARE}", (call_sid,))

        self._write(change)

    def leased(self, pool: str) -> int:
        query = "SELECT count(*) FROM leases WHERE host = ? AND until > ?"
        row = self._read("leases", query, pool, self._now())
        return 0 if row is None else int(row[0])

    def _write(self, change: Callable[[sqlite3.Connection, float], T]) -> T:
        """What ``change`` answers: one transaction, that no other worker's can come between."""
        return run_native(self._transaction, change)

    def _transaction(self, change: Callable[[sqlite3.Connection, float], T]) -> T:
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite would make it readable for all; what it puts beside it follows this one. Only a new file
            # is opened here: closing one that is in use would drop the locks of this process on it.
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with self._opened() as file:
            with suppress(sqlite3.OperationalError):  # another worker is at it: SQLite waits for all but this
                file.execute("PRAGMA journal_mode=WAL")
            file.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                file.execute(f"CREATE TABLE IF NOT EXISTS {table}")
            answer = change(file, self._now())  # asked for here: to wait for the others takes time
            file.execute("COMMIT")
            return answer

    def _read(self, table: str, query: str, *values: str | float) -> tuple[Any, ...] | None:
        """The first row; None too while nobody has made the file, or this table in it."""
        return run_native(self._first_row, table, query, values)

    def _first_row(self, table: str, query: str, values: tuple[str | float, ...]) -> tuple[Any, ...] | None:
        if not self._path.exists():
            return None
        with self._opened() as file:
            if file.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
                return None
            row: tuple[Any, ...] | None = file.execute(query, values).fetchone()
            return row

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        file = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None)
        try:
            file.execute("PRAGMA synchronous=NORMAL")
            yield file
        finally:
            file.close()


def _keep(file: sqlite3.Connection, table: str, most: int) -> None:
    """Let go of the rows that are older than the youngest ``most``: SQLite numbers rows as they come."""
    file.execute(f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?", (most,))


# ARGV: milliseconds, the bound, the most of the host, the share's set or "", the most of the share, where the
# share of a call is kept, the calls.
LEASE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local for_ms, bound = tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 7, #ARGV do
  local call = ARGV[i]
  local share = ARGV[4] ~= '' and ARGV[4] or redis.call('GET', ARGV[6] .. call)
  local pools = {{KEYS[1], tonumber(ARGV[3])}}
  if share then pools[2] = {share, tonumber(ARGV[5])} end
  for _, pool in ipairs(pools) do
    local name, most = pool[1], pool[2]
    redis.call('ZREMRANGEBYSCORE', name, '-inf', now)
    if most > 0 and not redis.call('ZSCORE', name, call) and redis.call('ZCARD', name) >= most then
      return 0
    end
  end
  for _, pool in ipairs(pools) do
    redis.call('ZADD', pool[1], now + for_ms, call)
    redis.call('ZREMRANGEBYRANK', pool[1], 0, -1 - bound)
    redis.call('PEXPIREAT', pool[1], redis.call('ZREVRANGE', pool[1], 0, 0, 'WITHSCORES')[2])
  end
  if share then redis.call('SET', ARGV[6] .. call, share, 'PX', for_ms) end
end
return 1
"""
RELEASE = """
local share = redis.call('GET', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
if share then
  redis.call('ZREM', share, ARGV[1])
  redis.call('DEL', KEYS[2])
end
"""
LEASED = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')
"""


class RedisStore:
    """For the workers of several hosts. The server forgets by itself, and its clock alone counts.

    Every operation connects anew: a connection that was kept could be a dead one, just when it is needed.
    The leases of a host, or a share, are one sorted set, by the millisecond in which they end; MAX_LEASES
    bounds it. In which share a call is, is kept with it: who renews or releases it need not know.
    """

    def __init__(self, url: str) -> None:
        import redis  # now: when a call ends there is no time to load it

        timeouts = {"socket_connect_timeout": REDIS_TIMEOUT_S, "socket_timeout": REDIS_TIMEOUT_S}
        self._connect = partial(redis.Redis.from_url, url, **timeouts)

    def put(self, call_sid: str, name: str) -> None:
        with self._connect() as client:
            client.set(_key("outcome", call_sid), name, ex=OUTCOME_S)

    def get(self, call_sid: str) -> str | None:
        with self._connect() as client:
            name = client.get(_key("outcome", call_sid))
        return None if name is None else str(name.decode())

    def first_time(self, key: str, for_s: float) -> bool:
        with self._connect() as client:
            return bool(client.set(_key("key", key), 1, nx=True, px=_ms(for_s)))

    def lease(self, host: str, call_sid: str, most: int, for_s: float, share: Share = IN_NONE) -> bool:
        return self._lease(host, [call_sid], most, for_s, share)

    def renew(self, host: str, call_sids: Sequence[str], for_s: float) -> None:
        self._lease(host, call_sids, 0, for_s, IN_NONE)

    def release(self, host: str, call_sid: str) -> None:
        with self._connect() as client:
            client.eval(RELEASE, 2, _key("leases", host), _key("share-of", call_sid), call_sid)

    def leased(self, pool: str) -> int:
        with self._connect() as client:
            return int(client.eval(LEASED, 1, _key("leases", pool)))

    def _lease(self, host: str, call_sids: Sequence[str], most: int, for_s: float, share: Share) -> bool:
        shared = _key("leases", share.name) if share.name else ""
        limits = (_ms(for_s), MAX_LEASES, most, shared, share.most, _key("share-of", ""))
        with self._connect() as client:
            return bool(client.eval(LEASE, 1, _key("leases", host), *limits, *call_sids))


def _key(kind: str, name: str) -> str:
    return f"phone_agent:{kind}:{name}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def shared_store(redis_url: str, state_file: str) -> RedisStore | SqliteStore | None:
    """The store that the knobs ask for; None: this process alone. Opens nothing yet."""
    if redis_url:
        return RedisStore(redis_url)
    return SqliteStore(state_file) if state_file else None
