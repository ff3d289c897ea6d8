"""How many new calls are taken a second, and a minute from one number.

Counted behind the signature, so that nobody but Twilio can use a caller's share up. The counting is that of
``limits``, on which Flask-Limiter stands: Flask-Limiter itself would count before a blueprint can look at
a signature, and in a host's application enforce the host's own RATELIMIT_DEFAULT a second time.
"""

import logging

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from server.caller_number import number_to_call

log = logging.getLogger("agent")

REDIS_TIMEOUT_S = 0.25
PREFIX = "phone_agent"


class CallRates:
    """Any thread. In this process's memory, or in Redis for all; while Redis fails, in memory.

    ``per_caller_min``, ``per_sec``: 0 is no limit.
    """

    def __init__(self, per_caller_min: int, per_sec: int, redis_url: str = "") -> None:
        self._of_a_caller = RateLimitItemPerMinute(per_caller_min, namespace=PREFIX)
        self._of_all = RateLimitItemPerSecond(per_sec, namespace=PREFIX)
        self._memory = FixedWindowRateLimiter(MemoryStorage())
        self._shared = _by_redis(redis_url) if redis_url else None

    def one_more_from(self, caller: str) -> bool:
        """Count a call of ``caller``; False: too many this minute. Who hides their number is not counted."""
        return not number_to_call(caller) or self._hit(self._of_a_caller, caller)

    def one_more(self) -> bool:
        """Count a call; False: too many this second."""
        return self._hit(self._of_all, "all")

    def _hit(self, limit: RateLimitItem, key: str) -> bool:
        if not limit.amount:
            return True
        if self._shared is not None:
            try:
                return self._shared.hit(limit, key)
            except Exception as error:  # whatever a store does, calls are taken
                log.error("LIMITS_ERR: counted in this process only: %s", error)
        return self._memory.hit(limit, key)


def _by_redis(url: str) -> FixedWindowRateLimiter:
    options = {"socket_connect_timeout": REDIS_TIMEOUT_S, "socket_timeout": REDIS_TIMEOUT_S}
    named = f"redis+{url}" if url.startswith("unix://") else url  # as ``limits`` calls it
    return FixedWindowRateLimiter(storage_from_string(named, **options))
