"""Limits on new calls, counted in Redis for all hosts together.

The counting is that of ``limits``, on which Flask-Limiter stands: Flask-Limiter itself would count before a
blueprint can look at a signature, and in a host's application enforce the host's own RATELIMIT_DEFAULT a
second time. In a process's own memory ``limits`` does not count for us: it goes by the clock on the wall,
and put back an hour that would keep callers out for so long.
"""

from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from server.admission.rate_limits import A_MINUTE, A_SECOND, Ask, Limit, Over
from server.runtime.native_calls import Pool, Stuck
from server.shared_state.changes import WITHIN_S
from server.shared_state.redis import REDIS_TIMEOUT_S
from server.shared_state.redis_tls import options

THREADS = 4
PREFIX = "phone_agent"
ITEMS = {A_SECOND: RateLimitItemPerSecond, A_MINUTE: RateLimitItemPerMinute}


class RedisLimits:
    """Of one process. Any thread, or greenlet."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = Pool("limits", THREADS, by_sockets=True)

    def ask(self, ask: Ask) -> Over | None:
        """What ``ask`` answers. Connects anew, as the store does; blocks for WITHIN_S.

        Raises Stuck, and whatever ``limits`` raises.
        """
        url = self._url
        named = f"redis+{url}" if url.startswith("unix://") else url  # as ``limits`` calls it
        storage: Any = storage_from_string(named, **options(url, REDIS_TIMEOUT_S))  # opens nothing yet
        try:
            return self._pool.run(WITHIN_S, ask, _Windows(FixedWindowRateLimiter(storage)))
        except Stuck:
            storage.storage.connection_pool.disconnect()  # else a byte now and then would hold its place
            raise


class _Windows:
    """``server.admission.rate_limits.Windows`` in the terms of ``limits``."""

    def __init__(self, limiter: FixedWindowRateLimiter) -> None:
        self._limiter = limiter

    def hit(self, limit: Limit, /) -> bool:
        return self._limiter.hit(_item(limit), limit.who)

    def test(self, limit: Limit, /) -> bool:
        return self._limiter.test(_item(limit), limit.who)


def _item(limit: Limit) -> RateLimitItem:
    return ITEMS[limit.window_s](limit.most, namespace=PREFIX)
