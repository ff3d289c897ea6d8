"""The loads of all workers of a host, in a page of memory that they share: whoever is asked knows the worst.

A webhook comes to one worker and the socket of its call to any: the kernel gives a connection to whoever
accepts first. So a call is taken while every worker that accepts has room for it, and no socket of a call
that was taken is ever refused.

gunicorn's master makes the page before it forks. Each worker writes its own place and reads the others'; a
place whose worker has not written for STALE_S is nobody's: that worker is dead, drains, or is blocked, and
accepts nothing.
"""

import mmap
from collections.abc import Iterator
from struct import Struct

PLACES = 256  # WEB_CONCURRENCY is at most 64, and while a reload goes on there are twice as many
STALE_S = 5.0
_ENTRY = Struct("=ddd")


class LoadBoard:
    """One worker's view. Any thread; nothing blocks. ``page``: shared by all."""

    def __init__(self, page: mmap.mmap | bytearray, place: int) -> None:
        self._page = page
        self._place = place

    def tell(self, at: float, with_one_more: float, carries: int) -> None:
        """``at``: monotonic seconds, which are the same in all processes of a machine."""
        _ENTRY.pack_into(self._page, self._place * _ENTRY.size, at, with_one_more, carries)

    def leave(self) -> None:
        """No new call comes here."""
        _ENTRY.pack_into(self._page, self._place * _ENTRY.size, 0.0, 0.0, 0.0)

    def others(self, now: float) -> list[float]:
        """The loads of the others, each with one more call."""
        return [load for place, load, _ in self._fresh(now) if place != self._place]

    def carried_by_others(self, now: float) -> int:
        return sum(int(carries) for place, _, carries in self._fresh(now) if place != self._place)

    def _fresh(self, now: float) -> Iterator[tuple[int, float, float]]:
        for place, (at, load, carries) in enumerate(_ENTRY.iter_unpack(self._page)):
            if 0.0 < at and now - at < STALE_S:
                yield place, load, carries


_made: mmap.mmap | None = None  # by the master, inherited by every worker
_place: int | None = None  # of this process


def make() -> None:
    """By the master, before it forks."""
    global _made
    _made = mmap.mmap(-1, PLACES * _ENTRY.size)


def take(place: int) -> None:
    """By a worker: from now on this place is its own."""
    global _place
    _place = place if place < PLACES else None


def board_of_process() -> LoadBoard:
    """This worker's; of a process that stands alone, one that nobody else reads."""
    if _made is None or _place is None:
        return LoadBoard(bytearray(_ENTRY.size), 0)
    return LoadBoard(_made, _place)
