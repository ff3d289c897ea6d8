"""How many new calls are taken a second, and a minute from one number, or from all who hide theirs.

Counted behind the signature, so that nobody but Twilio can use a caller's share up. The counting is that of
``limits``, on which Flask-Limiter stands: Flask-Limiter itself would count before a blueprint can look at
a signature, and in a host's application enforce the host's own RATELIMIT_DEFAULT a second time.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any, Protocol

from cachetools import TLRUCache
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from server.admission.caller_share import Party
from server.logs.rate_limited import OnceIn
from server.runtime.native_calls import Pool, Stuck
from server.shared_state.changes import WITHIN_S
from server.shared_state.redis import REDIS_TIMEOUT_S

log = logging.getLogger("agent")

THREADS = 4
MAX_WINDOWS = 100_000  # callers of a minute, each with one
PREFIX = "phone_agent"


class Over(Enum):
    """Which limit a call is beyond."""

    PARTY = "of its party, a minute"
    ALL = "of all, a second"


Limit = tuple[Over, RateLimitItem, str]  # the last: who is counted


class Windows(Protocol):
    """What is used of ``limits.strategies.FixedWindowRateLimiter``. False: one too many."""

    def hit(self, item: RateLimitItem, /, *identifiers: str) -> bool: ...

    def test(self, item: RateLimitItem, /, *identifiers: str) -> bool: ...


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

    def over(self, party: Party) -> Over | None:
        """Which limit has no room for one more call of this party; counts nothing."""
        return self._ask(party, count=False)

    def count(self, party: Party, *, of_all: bool = True) -> Over | None:
        """Count a call of this party, and among all unless it was one too many; which limit that was."""
        return self._ask(party, count=True, of_all=of_all)

    def _ask(self, party: Party, *, count: bool, of_all: bool = True) -> Over | None:
        limits: list[Limit] = [
            (Over.PARTY, RateLimitItemPerMinute(party.a_minute, namespace=PREFIX), party.name)
        ]
        limits += [(Over.ALL, self._of_all, "all")] * of_all
        ask = partial(_first_over, [limit for limit in limits if limit[1].amount], count)
        if self._redis_url:
            try:
                return self._in_redis(ask)
            except Exception as error:  # whatever a store does, calls are taken
                if self._told.due("redis"):
                    log.error("LIMITS_ERR: counted in this process only: %s", error)
        return ask(self._memory)

    def _in_redis(self, ask: Callable[[Windows], Over | None]) -> Over | None:
        """Connects anew, as the store does. Raises Stuck, and whatever ``limits`` raises."""
        from server.shared_state.redis_tls import options

        url = self._redis_url
        named = f"redis+{url}" if url.startswith("unix://") else url  # as ``limits`` calls it
        storage: Any = storage_from_string(named, **options(url, REDIS_TIMEOUT_S))  # opens nothing yet
        try:
            return self._pool.run(WITHIN_S, ask, FixedWindowRateLimiter(storage))
        except Stuck:
            storage.storage.connection_pool.disconnect()  # else a byte now and then would hold its place
            raise


def _first_over(limits: Sequence[Limit], count: bool, windows: Windows) -> Over | None:
    has_room = windows.hit if count else windows.test
    return next((over for over, limit, key in limits if not has_room(limit, key)), None)


class _Windows:
    """Counts in this process. Any thread.

    That of ``limits`` goes by the clock on the wall: put back an hour, it would keep callers out for so long.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock``: seconds that do not jump."""
        self._lock = threading.Lock()
        self._hits: TLRUCache[tuple[int, str], list[int]] = TLRUCache(MAX_WINDOWS, _window_ends, clock)

    def test(self, limit: RateLimitItem, /, *identifiers: str) -> bool:
        """Whether one more may come; counts nothing."""
        with self._lock:
            (hits,) = self._hits.get(self._window(limit, *identifiers), (0,))
            return hits < limit.amount

    def hit(self, limit: RateLimitItem, /, *identifiers: str) -> bool:
        """Count one; False: more than ``limit`` in the window that its first has opened."""
        with self._lock:
            hits = self._hits.setdefault(self._window(limit, *identifiers), [0])
            hits[0] += 1
            return hits[0] <= limit.amount

    @staticmethod
    def _window(limit: RateLimitItem, *identifiers: str) -> tuple[int, str]:
        return limit.get_expiry(), limit.key_for(*identifiers)


def _window_ends(window: tuple[int, str], _hits: object, now: float) -> float:
    return now + window[0]
