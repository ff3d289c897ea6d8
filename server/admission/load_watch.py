"""One thread a process that wants to wake fifty times a second, and measures what that tells of its load."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from server.admission.load import Load, Sample
from server.admission.load_board import LoadBoard
from server.logs.line_format import stamp
from server.logs.rate_limited import OnceIn
from server.runtime.native_calls import on_gevent
from server.runtime.stalls import STALLED_S, StallWatch
from server.runtime.threads import Runtime

log = logging.getLogger("agent")

TICK_S = 0.02
IDLE_TICK_S = 0.25  # without calls: an idle worker costs nothing
SAMPLE_S = 1.0
WARM_S = 30.0  # loading engines is no load of calls'; one that hangs is waited for no longer
STDOUT = 1


@dataclass(frozen=True)
class Seen:
    """Of one process, now. ``calls``: with a socket; ``places``: with those whose socket is to come."""

    calls: int
    places: int
    lag_s: float
    warm: bool
    draining: bool


class Ticks:
    """How late its owner wakes, which wants to at every multiple of a tick. Pure."""

    def __init__(self, now: float) -> None:
        """``now``: monotonic seconds, here and below."""
        self._since = now
        self.due = now
        self._late_s = 0.0
        self._woken = 0

    def wait_s(self, now: float, tick_s: float) -> float:
        """Until the next wake-up, which is due from now on."""
        self.due = max(self.due, now - tick_s) + tick_s  # the ticks before may have been longer ones
        return max(0.0, self.due - now)

    def woke(self, now: float, tick_s: float) -> float:
        """How late that was. A wake-up that was due meanwhile counts with what it was late, too."""
        late_s = max(0.0, now - self.due)
        more = int(late_s / tick_s)
        self._woken += 1 + more
        self._late_s += late_s * (1 + more) - tick_s * more * (more + 1) / 2
        self.due += more * tick_s
        return late_s

    def taken(self, now: float) -> tuple[float, float]:
        """The seconds since this was asked last, and by how many a wake-up was late on an average."""
        seconds, late_s = now - self._since, self._late_s / max(1, self._woken)
        self._since, self._late_s, self._woken = now, 0.0, 0
        return seconds, late_s


class LoadWatch:
    """Begins with ``begin``, ends when ``look`` finds nothing any more."""

    def __init__(
        self, load: Load, board: LoadBoard, runtime: Runtime, look: Callable[[], Seen | None]
    ) -> None:
        """``look``: once a second; returns at once. None: what was looked at is gone."""
        self._load = load
        self._board = board
        self._runtime = runtime
        self._look = look
        self._told = OnceIn(clock=runtime.clock)

    def begin(self) -> None:
        """Once, in the process whose load it is. Returns at once."""
        self._runtime.spawn("load", self._run)

    def _run(self) -> None:
        seen, clock = self._when_warm(), self._runtime.clock
        ticks, stalls = Ticks(clock()), StallWatch(_still, clock)
        if on_gevent():
            with suppress(RuntimeError):  # no more threads: that it stalls is told, and not where
                stalls.begin()
        while seen is not None:
            calls, cpu_s = seen.calls, self._runtime.cpu_s()
            del seen
            self._tick(ticks, stalls, calls > 0)
            seconds, late_s = ticks.taken(clock())
            seen = self._look()
            if seen is not None:
                used_s = self._runtime.cpu_s() - cpu_s
                self._load.sample(Sample(seconds, used_s, late_s, seen.lag_s, calls, seen.calls))
                self._show(seen, clock())
        self._board.leave()
        stalls.end()

    def _when_warm(self) -> Seen | None:
        until = self._runtime.clock() + WARM_S
        while (seen := self._look()) is not None and not seen.warm and self._runtime.clock() < until:
            self._runtime.sleep(IDLE_TICK_S)
        return seen

    def _tick(self, ticks: Ticks, stalls: StallWatch, calls: bool) -> None:
        """For SAMPLE_S. ``calls``: there are any, and a stall would be heard."""
        tick_s = TICK_S if calls else IDLE_TICK_S
        runtime = self._runtime
        now = runtime.clock()
        until = now + SAMPLE_S
        while now < until:
            cpu_s = runtime.cpu_s()
            wait_s = ticks.wait_s(now, tick_s)
            stalls.expect(ticks.due)
            runtime.sleep(wait_s)
            now = runtime.clock()
            late_s = ticks.woke(now, tick_s)
            if calls and late_s > STALLED_S and self._told.due(stalls.seen_at):
                _tell_of_a_stall(late_s, runtime.cpu_s() - cpu_s, stalls.seen_at)

    def _show(self, seen: Seen, now: float) -> None:
        if seen.draining:
            self._board.leave()
        else:
            self._board.tell(now, self._load.with_one_more(seen.places), self._load.carries)


def _tell_of_a_stall(seconds: float, cpu_s: float, place: str) -> None:
    """CPU time tells what computes from what waits, or from a machine that had no time for us."""
    took = f"ms={seconds * 1000:.0f} cpu_ms={cpu_s * 1000:.0f}"
    if on_gevent():
        log.warning("HUB_STALLED %s at %s", took, place or "a place that was not seen")
    else:
        log.warning("THREADS_STALLED %s: none of this worker's ran", took)


def _still(seconds: float, place: str) -> None:
    """On a native thread, where nothing of gevent's may be used, and so no logging."""
    line = f"{stamp(time.time())} HUB_STALLED ms={seconds * 1000:.0f} and still at {place}\n"
    with suppress(OSError):
        os.write(STDOUT, line.encode(errors="backslashreplace"))
