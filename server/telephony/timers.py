"""A call's deadlines: events that are due later. None is taken back: the core knows what is too late."""

import heapq
from collections.abc import Callable
from itertools import count

from server.turns.events import Event


class Timers:
    """Used with the call's lock held. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Event]] = []
        self._order = count()
        self.next_at = float("inf")  # when the next event is due

    def start(self, after_s: float, event: Event) -> None:
        """``event`` is due ``after_s`` from now."""
        heapq.heappush(self._heap, (self._clock() + after_s, next(self._order), event))
        self.next_at = self._heap[0][0]

    def take_due(self) -> list[Event]:
        """The events that are due now, the earliest first."""
        now = self._clock()
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        self.next_at = self._heap[0][0] if self._heap else float("inf")
        return due
