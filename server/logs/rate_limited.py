"""How often something is worth a line of the log."""

import logging
import threading
import time
from collections.abc import Callable, Hashable

from cachetools import TTLCache

from server.logs.one_line import MAX_CHARACTERS, in_one_line
from server.runtime.token_bucket import TokenBucket

MAX_KEYS = 256
TOLD_EVERY_S = 60.0  # the same failure


class RateLimitedLog:
    """Warnings that anybody can bring about: one a second at most, and how many were left out. Any thread."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._meter = TokenBucket(1, 1, clock())
        self._left_out = 0

    def warn(self, line: str, *values: object) -> None:
        """As ``Logger.warning``, or nothing."""
        with self._lock:
            if not self._meter.take(1, self._clock()):
                self._left_out += 1
                return
            left_out, self._left_out = self._left_out, 0
        more = f" (and {left_out} before it)" if left_out else ""
        self._log.warning(line + more, *values)


class OnceIn:
    """Whether something of a kind is due: the first, and the next one ``seconds`` later. Any thread."""

    def __init__(self, seconds: float = TOLD_EVERY_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._told: TTLCache[Hashable, None] = TTLCache(MAX_KEYS, seconds, clock)

    def due(self, kind: Hashable) -> bool:
        with self._lock:
            if kind in self._told:
                return False
            self._told[kind] = None
            return True


class Bugs:
    """Failures of our own, which strangers may find and repeat. Any thread.

    The first of a kind in a minute comes with its traceback, the others in one line a second.
    """

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._once = OnceIn(clock=clock)
        self._said_of_late = RateLimitedLog(log, clock)

    def tell(self, line: str, error: BaseException) -> None:
        """``line``: what has failed; may hold what a stranger has sent."""
        line = in_one_line(line, MAX_CHARACTERS)
        if self._once.due(_kind(error)):
            self._log.error("%s", line, exc_info=error)
        else:
            self._said_of_late.warn("%s: %s again", line, type(error).__name__)


def _kind(error: BaseException) -> Hashable:
    """Its type, and the place in the code that raised it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return type(error), trace and (trace.tb_frame.f_code, trace.tb_lineno)
