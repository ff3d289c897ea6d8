"""Where processes keep what they must know together: this process's memory, a host's file, a Redis.

A store holds strings and seconds. What they mean, and what a store promises, is in ``state``; the file is
``sqlite``.
"""

import threading
import time
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from functools import partial
from typing import Any

from cachetools import TLRUCache, TTLCache

from server.runtime.native_calls import Pool, Stuck
from server.shared_state.pools import IN_NONE, SHARE, Share, pools
from server.shared_state.sqlite import (
    LONGEST_LEASE_S,
    MAX_LEASES,
    MAX_OUTCOMES,
    OUTCOME_S,
    WITHIN_S,
    SqliteStore,
)

MAX_KEYS = 100_000  # 400 bytes each; a process that has no store knows the last 16,000 calls of a day
REDIS_TIMEOUT_S = 0.25  # to connect, and for each part of an answer
REDIS_THREADS = 8


class MemoryStore:
    """One process's; never fails. Beyond MAX_… entries the oldest go. ``now``: seconds that do not jump."""

    name, renewed = "memory", False

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
            counted = pools(host, most, share)
            for pool, limit in counted:
                if limit and (pool, call_sid) not in self._leases and self._count(pool) >= limit:
                    return False
            for pool, _ in counted:
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


def _until(_key: object, for_s: float, now: float) -> float:
    return now + for_s


# ARGV: milliseconds, the bound, the most of the host, the share's set or "", the most of the share, where the
# share of a call is kept, the longest a place may last, the calls.
LEASE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local for_ms, bound, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[7])
for i = 8, #ARGV do
  local call = ARGV[i]
  local share = ARGV[4] ~= '' and ARGV[4] or redis.call('GET', ARGV[6] .. call)
  local pools = {{KEYS[1], tonumber(ARGV[3])}}
  if share then pools[2] = {share, tonumber(ARGV[5])} end
  for _, pool in ipairs(pools) do
    local name, most = pool[1], pool[2]
    redis.call('ZREMRANGEBYSCORE', name, '-inf', now)
    redis.call('ZREMRANGEBYSCORE', name, '(' .. now + longest, '+inf')
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
return redis.call('ZCOUNT', KEYS[1], '(' .. now, now + ARGV[1])
"""


class RedisStore:
    """For the workers of several hosts. The server forgets by itself, and its clock alone counts.

    Every operation connects anew: a connection that was kept could be a dead one, just when it is needed.
    Raises ``Stuck`` (a TimeoutError) after WITHIN_S: the client's own bound holds for one part of an answer,
    and not for the look-up of a name.
    The leases of a host, or a share, are one sorted set, by the millisecond in which they end; MAX_LEASES
    bounds it. In which share a call is, is kept with it: who renews or releases it need not know.
    """

    name = "REDIS_URL"
    renewed = False  # one that has lost all it knew does not say so

    def __init__(self, url: str) -> None:
        import redis  # now: when a call ends there is no time to load it

        from server.shared_state.redis_tls import options

        self._connect = partial(redis.Redis.from_url, url, **options(url, REDIS_TIMEOUT_S))
        self._pool = Pool("the server", REDIS_THREADS, by_sockets=True)

    def put(self, call_sid: str, name: str) -> None:
        self._ask(lambda client: client.set(_key("outcome", call_sid), name, ex=OUTCOME_S))

    def get(self, call_sid: str) -> str | None:
        name = self._ask(lambda client: client.get(_key("outcome", call_sid)))
        return None if name is None else str(name.decode())

    def first_time(self, key: str, for_s: float) -> bool:
        return bool(self._ask(lambda client: client.set(_key("key", key), 1, nx=True, px=_ms(for_s))))

    def lease(self, host: str, call_sid: str, most: int, for_s: float, share: Share = IN_NONE) -> bool:
        return self._lease(host, [call_sid], most, for_s, share)

    def renew(self, host: str, call_sids: Sequence[str], for_s: float) -> None:
        self._lease(host, call_sids, 0, for_s, IN_NONE)

    def release(self, host: str, call_sid: str) -> None:
        words = (_key("leases", host), _key("share-of", call_sid), call_sid)
        self._ask(lambda client: client.eval(RELEASE, 2, *words))

    def leased(self, pool: str) -> int:
        key, longest = _key("leases", pool), _ms(LONGEST_LEASE_S)
        return int(self._ask(lambda client: client.eval(LEASED, 1, key, longest)))

    def _lease(self, host: str, call_sids: Sequence[str], most: int, for_s: float, share: Share) -> bool:
        shared = _key("leases", share.name) if share.name else ""
        limits = (
            _ms(for_s),
            MAX_LEASES,
            most,
            shared,
            share.most,
            _key("share-of", ""),
            _ms(LONGEST_LEASE_S),
        )
        words = (_key("leases", host), *limits, *call_sids)
        return bool(self._ask(lambda client: client.eval(LEASE, 1, *words)))

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        """What the client answers."""
        client = self._connect()  # nothing is opened yet

        def ask() -> Any:
            with client:
                return question(client)

        try:
            return self._pool.run(WITHIN_S, ask)
        except Stuck:
            client.connection_pool.disconnect()  # else a byte now and then would hold its place for ever
            raise


def _key(kind: str, name: str) -> str:
    return f"phone_agent:{kind}:{name}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def shared_store(redis_url: str, state_file: str) -> RedisStore | SqliteStore | None:
    """The store that the knobs ask for; None: this process alone. Opens nothing yet."""
    if redis_url:
        return RedisStore(redis_url)
    return SqliteStore(state_file) if state_file else None
