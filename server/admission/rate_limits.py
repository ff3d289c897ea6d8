"""How many new calls are taken a second, and a minute from one number, or from all who hide theirs.

Counted behind the signature, so that nobody but Twilio can use a caller's share up. The counting is that of
``limits``, on which Flask-Limiter stands: Flask-Limiter itself would count before a blueprint can look at
a signature, and in a host's application enforce the host's own RATELIMIT_DEFAULT a second time.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from cachetools import TLRUCache
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from server.admission.caller_share import Party
from server.logs.rate_limited import OnceIn
from server.runtime.native_calls import Pool, Stuck

log = logging.getLogger("agent")

REDIS_TIMEOUT_S = 0.25  # to connect, and to answer
WITHIN_S = 0.5  # both, and to look its name up, which no timeout of a socket bounds
THREADS = 4
MAX_WINDOWS = 100_000  # callers of a minute, each with one
PREFIX = "phone_agent"


class RateLimits:
    """Any thread. In this process's memory, or in Redis for all; while Redis fails, in memory.

    ``per_sec``: 0 is no limit. May block for WITHIN_S.
    """

    def __init__(
        self, per_sec: int, redis_url: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._of_all = RateLimitItemPerSecond(per_sec, namespace=PREFIX)
        self._memory = _Windows(clock)
        self._redis_url = redis_url
        if redis_url:
            # Now: ``limits`` would load redis on several threads at once, and find half of it.
            import server.shared_state.redis_tls  # noqa: F401
        self._pool = Pool("limits", THREADS, by_sockets=True)
        self._told = OnceIn(clock=clock)

    def one_more_of(self, party: Party) -> bool:
        """Count a call of this party; False: too many this minute."""
        return self._hit(RateLimitItemPerMinute(party.a_minute, namespace=PREFIX), party.name)

    def one_more(self) -> bool:
        """Count a call; False: too many this second."""
        return self._hit(self._of_all, "all")

    def _hit(self, limit: RateLimitItem, key: str) -> bool:
        if not limit.amount:
            return True
        if self._redis_url:
            try:
                return self._hit_in_redis(limit, key)
            except Exception as error:  # whatever a store does, calls are taken
                if self._told.due("redis"):
                    log.error("LIMITS_ERR: counted in this process only: %s", error)
        return self._memory.hit(limit, key)

    def _hit_in_redis(self, limit: RateLimitItem, key: str) -> bool:
        """Connects anew, as the store does. Raises Stuck, and whatever ``limits`` raises."""
        from server.shared_state.redis_tls import options

        url = self._redis_url
        named = f"redis+{url}" if url.startswith("unix://") else url  # as ``limits`` calls it
        storage: Any = storage_from_string(named, **options(url, REDIS_TIMEOUT_S))  # opens nothing yet
        try:
            return self._pool.run(WITHIN_S, FixedWindowRateLimiter(storage).hit, limit, key)
        except Stuck:
            storage.storage.connection_pool.disconnect()  # else a byte now and then would hold its place
            raise


class _Windows:
    """Counts in this process. Any thread.

    That of ``limits`` goes by the clock on the wall: put back an hour, it would keep callers out for so long.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock``: seconds that do not jump."""
        self._lock = threading.Lock()
        self._hits: TLRUCache[tuple[int, str], list[int]] = TLRUCache(MAX_WINDOWS, _window_ends, clock)

    def hit(self, limit: RateLimitItem, key: str) -> bool:
        """Count one; False: more than ``limit`` in the window that its first has opened."""
        with self._lock:
            hits = self._hits.setdefault((limit.get_expiry(), limit.key_for(key)), [0])
            hits[0] += 1
            return hits[0] <= limit.amount


def _window_ends(window: tuple[int, str], _hits: object, now: float) -> float:
    return now + window[0]
