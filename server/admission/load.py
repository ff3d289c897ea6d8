"""How much of a worker its calls use, in one figure, and whether one more call still fits.

``load`` is 0 for a worker that does nothing, and 1 for one that can do no more: the worst of

* CPU: the part of a core that the process uses, of what it can have,
* lateness: how late a thread wakes that wants to wake now; LATE_FULL_S on an average is full,
* lag: how far the call that is worst off hears behind the wall (A9).

All three are smoothed over seconds. CPU comes first and grows with every call; the others are late by their
nature, and tell of a machine that others use too. A call that was just admitted is in none of them: it counts
with what a call has cost so far.

Pure: samples in, figures out. The load is ``LoadWatch``'s to measure.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

SMOOTH_S = 5.0
LATE_FULL_S = 0.05
LAG_FULL_S = 0.2  # from there on A9 holds
MARGIN = 0.05  # who was full takes calls again so far below the threshold
FIRST_COST = 0.02  # of a core, a call's, until one was measured; it is less on a good machine
LEAST_COST = 0.003
# What the first guess weighs against a second in which one call was measured, and how long such a second
# counts: of a call's cost more is known the more of them there were, so one that is on its own is no proof.
GUESS_WEIGHT = 4.0
COST_S = 60.0
MOST = 1.5  # of any figure in one sample: a stall that is over must not keep callers out for half a minute
OFF = 1.0  # a threshold that no load passes


@dataclass(frozen=True)
class Sample:
    """What a process did in ``seconds``. Units of time: seconds.

    ``cpu_s``: of the process. ``late_s``: of a wake-up, the mean. ``lag_s``: of the call that is worst off.
    ``calls_before``, ``calls``: that had their sockets, at its two ends.
    """

    seconds: float
    cpu_s: float = 0.0
    late_s: float = 0.0
    lag_s: float = 0.0
    calls_before: int = 0
    calls: int = 0


@dataclass(frozen=True)
class Figures:
    """Smoothed. ``cpu``, ``late``, ``lag``: 1 is full. ``calls``: those that ``cpu`` is the cost of."""

    cpu: float = 0.0
    late: float = 0.0
    lag: float = 0.0
    calls: float = 0.0
    cost: float = FIRST_COST

    @property
    def load(self) -> float:
        """May be above 1."""
        return max(self.cpu, self.late, self.lag)


def nobody() -> Iterable[float]:
    return ()


class Load:
    """Of one process. One thread tells it samples, any thread may ask; nothing blocks."""

    def __init__(
        self, threshold: float, core: float = 1.0, others: Callable[[], Iterable[float]] = nobody
    ) -> None:
        """``threshold``: of the load, above which no new call is taken; OFF: none.

        ``core``: what the process can have of a core. ``others``: the load of each other worker of this host
        as it would be with one more call; a call's socket may come to any of them.
        """
        self.threshold = threshold
        self._core = core
        self._others = others
        self._figures = Figures()
        self._cpu_by_calls = GUESS_WEIGHT * FIRST_COST
        self._calls_by_calls = GUESS_WEIGHT
        self._full = False

    @property
    def figures(self) -> Figures:
        return self._figures

    @property
    def of_now(self) -> float:
        """0 to 1."""
        return min(1.0, self._figures.load)

    def with_one_more(self, calls: int) -> float:
        """The load as it would be if one more call came to the ``calls`` that have a place here.

        Where there is none the first one counts as at the start, whatever calls have cost: a cost that was
        measured while the process had something else to do would keep everybody out, and never be mended.
        """
        figures = self._figures
        if not calls:
            return figures.load + min(figures.cost, FIRST_COST)
        return figures.load + figures.cost * (1.0 + max(0.0, calls - figures.calls))

    def takes(self, calls: int) -> bool:
        """Whether there is room for one more beside ``calls``, here and at the other workers.

        Once there was none it takes MARGIN to be room again, so that it does not change with every sample.
        """
        if self.threshold >= OFF:
            return True
        most = self.threshold - (MARGIN if self._full else 0.0)
        self._full = max(self.with_one_more(calls), *self._others(), 0.0) > most
        return not self._full

    @property
    def carries(self) -> int:
        """About how many calls there can be here, at what one costs at present."""
        figures = self._figures
        return max(0, int(figures.calls + (self.threshold - figures.load) / figures.cost))

    def sample(self, sample: Sample) -> None:
        """Nothing happens of one that took no time."""
        if sample.seconds <= 0:
            return
        old, share = self._figures, 1.0 - math.exp(-sample.seconds / SMOOTH_S)
        cpu = min(MOST, sample.cpu_s / sample.seconds / self._core)

        def smooth(before: float, now: float) -> float:
            return before + share * (now - before)

        self._figures = Figures(
            cpu=smooth(old.cpu, cpu),
            late=smooth(old.late, min(MOST, sample.late_s / LATE_FULL_S)),
            lag=smooth(old.lag, min(MOST, sample.lag_s / LAG_FULL_S)),
            # Who came or went meanwhile is in the CPU time in part only: rather too few.
            calls=smooth(old.calls, min(sample.calls_before, sample.calls)),
            cost=self._cost(sample, cpu),
        )

    def _cost(self, sample: Sample, cpu: float) -> float:
        """The slope of CPU over calls, least squares through 0: seconds with many calls weigh most."""
        calls = (sample.calls_before + sample.calls) / 2
        if calls:
            kept = math.exp(-sample.seconds / COST_S)
            self._cpu_by_calls = kept * self._cpu_by_calls + sample.seconds * cpu * calls
            self._calls_by_calls = kept * self._calls_by_calls + sample.seconds * calls * calls
        return max(LEAST_COST, self._cpu_by_calls / self._calls_by_calls)
