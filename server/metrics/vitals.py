"""What a worker shows of itself once a second, and how late its threads wake."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.metrics.metrics import Metrics
from server.runtime.threads import Runtime

TICK_S = 0.1
TICKS_A_LOOK = 10


@dataclass(frozen=True)
class Vitals:
    """Of one worker, now. ``skipped``: (role, provider) → by its breaker? ``queued``: by queue.

    ``load``: 0 to 1. ``carries``: about how many calls there can be.
    """

    calls: int
    line_lag_s: float
    skipped: Mapping[tuple[str, str], bool]
    queued: Mapping[str, float]
    load: float = 0.0
    carries: int = 0


class Watch:
    """One thread a process, off the audio path; begins with ``begin``."""

    def __init__(self, metrics: Metrics, runtime: Runtime, look: Callable[[], Vitals | None]) -> None:
        """``look`` answers at once; None: there is nothing to look at any more, and the thread ends."""
        self._metrics = metrics
        self._runtime = runtime
        self._look = look
        self._begun = False

    def begin(self) -> None:
        """Once, however often it is said. Returns at once."""
        if not self._begun:
            self._begun = True
            self._runtime.spawn("metrics", self._run)

    def show(self, vitals: Vitals) -> None:
        metrics = self._metrics
        metrics.workers.set(1)
        metrics.calls_now.set(vitals.calls)
        metrics.line_lag_s.set(vitals.line_lag_s)
        metrics.load.set(vitals.load)
        metrics.calls_carried.set(vitals.carries)
        for (role, provider), skipped in vitals.skipped.items():
            metrics.skipped.labels(role, provider).set(skipped)
        for queue, waiting in vitals.queued.items():
            metrics.queued.labels(queue).set(waiting)

    def _run(self) -> None:
        never, clock = self._runtime.event(), self._runtime.clock
        while (vitals := self._look()) is not None:
            self.show(vitals)
            del vitals
            for _ in range(TICKS_A_LOOK):
                due = clock() + TICK_S
                never.wait(TICK_S)
                self._metrics.worker_late_s.observe(max(0.0, clock() - due))
