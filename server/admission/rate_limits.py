"""How many new calls are taken a second, and a minute from one number, or from all who hide theirs.

Counted behind the signature, so that nobody but Twilio can use a caller's share up.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import NamedTuple, Protocol

from cachetools import TLRUCache

from server.admission.caller_share import Party
from server.logs.rate_limited import OnceIn

log = logging.getLogger("agent")

MAX_WINDOWS = 100_000  # callers of a minute, each with one
A_SECOND, A_MINUTE = 1, 60


class Over(Enum):
    """Which limit a call is beyond."""

    PARTY = "of its party, a minute"
    ALL = "of all, a second"


class Limit(NamedTuple):
    """At most so many of those who are counted as ``who``, in ``window_s`` seconds from the first of them."""

    over: Over
    who: str
    most: int
    window_s: int


class Windows(Protocol):
    """Counts by limit. False: one too many."""

    def hit(self, limit: Limit, /) -> bool: ...

    def test(self, limit: Limit, /) -> bool: ...


Ask = Callable[[Windows], Over | None]


class RateLimits:
    """Any thread. In this process's memory, or in Redis for all; while Redis fails, in memory.

    ``per_sec``: 0 is no limit. May block for WITHIN_S.
    """

    def __init__(
        self, per_sec: int, redis_url: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._of_all = Limit(Over.ALL, "all", per_sec, A_SECOND)
        self._memory = _Windows(clock)
        self._redis = _redis_windows(redis_url) if redis_url else None
        self._told = OnceIn(clock=clock)

    def over(self, party: Party) -> Over | None:
        """Which limit has no room for one more call of this party; counts nothing."""
        return self._ask(party, count=False)

    def count(self, party: Party, *, of_all: bool = True) -> Over | None:
        """Count a call of this party, and among all unless it was one too many; which limit that was."""
        return self._ask(party, count=True, of_all=of_all)

    def _ask(self, party: Party, *, count: bool, of_all: bool = True) -> Over | None:
        limits = [Limit(Over.PARTY, party.name, party.a_minute, A_MINUTE)]
        limits += [self._of_all] * of_all
        ask = partial(_first_over, [limit for limit in limits if limit.most], count)
        if self._redis is not None:
            try:
                return self._redis(ask)
            except Exception as error:  # whatever a store does, calls are taken
                if self._told.due("redis"):
                    log.error("LIMITS_ERR: counted in this process only: %s", error)
        return ask(self._memory)


def _redis_windows(url: str) -> Callable[[Ask], Over | None]:
    # Here: ``limits`` is 1.5 MB of every process, which who has no Redis need not take. And now, not when
    # it is asked first: it would load redis on several threads at once, and find half of it.
    from server.admission.redis_limits import RedisLimits

    return RedisLimits(url).ask


def _first_over(limits: Sequence[Limit], count: bool, windows: Windows) -> Over | None:
    has_room = windows.hit if count else windows.test
    return next((limit.over for limit in limits if not has_room(limit)), None)


class _Windows:
    """Counts in this process, by a clock that does not jump. Any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._hits: TLRUCache[Limit, list[int]] = TLRUCache(MAX_WINDOWS, _window_ends, clock)

    def test(self, limit: Limit, /) -> bool:
        """Whether one more may come; counts nothing."""
        with self._lock:
            (hits,) = self._hits.get(limit, (0,))
            return hits < limit.most

    def hit(self, limit: Limit, /) -> bool:
        """Count one; False: more than ``limit`` in the window that its first has opened."""
        with self._lock:
            hits = self._hits.setdefault(limit, [0])
            hits[0] += 1
            return hits[0] <= limit.most


def _window_ends(limit: Limit, _hits: object, now: float) -> float:
    return now + limit.window_s
