"""A clock on the wall that somebody sets: what was dated before that is not old because of it."""

import threading
import time
from collections.abc import Callable

JUMP_S = 5.0  # less is the clock's own way of keeping time, and the difference between hosts
FELT_S = 60.0


class Jumps:
    """By how much the host's clock was set in the last minute, as this process has noticed. Any thread.

    ``wall``: seconds that processes agree on; ``steady``: this process's own, which do not jump.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._steady = wall, steady
        self._lock = threading.Lock()
        self._apart = wall() - steady()
        self._jump_s, self._felt_until = 0.0, steady()

    def recent_s(self) -> float:
        """Seconds put forward; below 0: put back. 0 when it was not set, or a minute ago."""
        with self._lock:
            now, apart = self._steady(), self._wall() - self._steady()
            jump_s, self._apart = apart - self._apart, apart
            if abs(jump_s) > JUMP_S:
                self._jump_s, self._felt_until = jump_s, now + FELT_S
            return self._jump_s if now < self._felt_until else 0.0
