"""The network between caller and server: a delay that varies but never reorders (TCP)."""

import random
from collections import deque


class DelayLine:
    """One direction. Times are seconds on any one clock. Pure, apart from the seeded jitter."""

    def __init__(self, delay_ms: float = 0.0, jitter_ms: float = 0.0, seed: int = 0) -> None:
        self._delay_s = delay_ms / 1000
        self._jitter_s = jitter_ms / 1000
        self._random = random.Random(seed)
        self._waiting: deque[tuple[float, str]] = deque()
        self._last_due_s = 0.0

    @property
    def transparent(self) -> bool:
        """Whether no message is ever delayed."""
        return self._delay_s == self._jitter_s == 0

    def push(self, text: str, now_s: float) -> None:
        """Sends ``text`` at ``now_s``. A late message delays those behind it, as TCP does."""
        due_s = now_s + self._delay_s + self._random.uniform(0, self._jitter_s)
        self._last_due_s = max(self._last_due_s, due_s)
        self._waiting.append((self._last_due_s, text))

    def pop_due(self, now_s: float) -> list[str]:
        """The messages that have arrived by ``now_s``, in the order sent."""
        arrived: list[str] = []
        while self._waiting and self._waiting[0][0] <= now_s:
            arrived.append(self._waiting.popleft()[1])
        return arrived

    @property
    def next_due_s(self) -> float:
        """The arrival of the next message; infinity if none is on its way."""
        return self._waiting[0][0] if self._waiting else float("inf")
