"""What one process keeps in its own memory: the answers of a store that never fails."""

import threading
import time
from collections.abc import Callable

from cachetools import TLRUCache, TTLCache

from server.shared_state.changes import (
    ALL_MADE,
    MAX_LEASES,
    MAX_MEMORIES,
    MAX_OUTCOMES,
    MEMORY_S,
    OUTCOME_S,
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
from server.shared_state.pools import pools

MAX_KEYS = 100_000  # 400 bytes each; a process that has no store knows the last 16,000 calls of a day


class MemoryStore:
    """A ``state.Store`` of one process. Any thread. Beyond MAX_… entries the oldest go.

    ``now``: seconds that do not jump.
    """

    name, renewed = "memory", False

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._outcomes: TTLCache[str, str] = TTLCache(MAX_OUTCOMES, OUTCOME_S, timer=now)
        self._memories: TTLCache[str, str] = TTLCache(MAX_MEMORIES, MEMORY_S, timer=now)
        self._keys: TLRUCache[str, float] = TLRUCache(MAX_KEYS, _until, timer=now)
        self._leases: TLRUCache[tuple[str, str], float] = TLRUCache(MAX_LEASES, _until, timer=now)
        self._shares: TLRUCache[str, tuple[str, float]] = TLRUCache(MAX_LEASES, _until_then, timer=now)

    def change(self, *changes: Change) -> Made:
        with self._lock:
            return next((made for change in changes if not (made := self._make(change))), ALL_MADE)

    def get(self, key: str) -> str | None:
        with self._lock:
            found: str | None = self._outcomes.get(key)
            return found

    def memory(self, key: str) -> str | None:
        with self._lock:
            found: str | None = self._memories.get(key)
            return found

    def leased(self, pool: str) -> int:
        with self._lock:
            return self._count(pool)

    def holders(self, pool: str) -> frozenset[str]:
        with self._lock:
            return frozenset(call_sid for holder, call_sid in self._leases if holder == pool)

    def knows(self, key: str) -> bool:
        """Whether a ``First`` of this key would be refused."""
        with self._lock:
            return key in self._keys

    def _make(self, change: Change) -> Made:
        match change:
            case First(key, for_s):
                if key in self._keys:
                    return Made(change)
                self._keys[key] = for_s
            case Put(key, value):
                self._outcomes[key] = value
            case Remember(key, value):
                self._memories[key] = value
            case Forget(key):
                self._memories.pop(key, None)
            case Offer():
                pass  # nobody else's calls are counted here
            case Lease():
                return self._lease(change)
            case Renew(host, call_sids, for_s):
                for call_sid in call_sids:
                    self._leases[host, call_sid] = for_s
                    if call_sid in self._shares:
                        self._in_share(self._shares[call_sid][0], call_sid, for_s)
            case Release(host, call_sid):
                self._leases.pop((host, call_sid), None)
                if call_sid in self._shares:
                    self._leases.pop((self._shares[call_sid][0], call_sid), None)
        return ALL_MADE

    def _lease(self, lease: Lease) -> Made:
        counted = pools(lease.host, lease.most, lease.share)
        for pool, limit in counted:
            if limit and (pool, lease.call_sid) not in self._leases and self._count(pool) >= limit:
                return Made(lease, pool)
        self._leases[lease.host, lease.call_sid] = lease.for_s
        if lease.share.name:
            self._in_share(lease.share.name, lease.call_sid, lease.for_s)
        return ALL_MADE

    def _in_share(self, share: str, call_sid: str, for_s: float) -> None:
        self._leases[share, call_sid] = for_s
        self._shares[call_sid] = share, for_s

    def _count(self, pool: str) -> int:
        return sum(1 for holder, _ in self._leases if holder == pool)


def _until(_key: object, for_s: float, now: float) -> float:
    return now + for_s


def _until_then(_key: object, known: tuple[str, float], now: float) -> float:
    return now + known[1]
