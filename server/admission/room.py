"""Whether one more call fits, by what the machine was measured to carry."""

import logging
from collections.abc import Callable

from server.admission.load import Load
from server.admission.load_board import LoadBoard, board_of_process
from server.admission.load_watch import LoadWatch, Seen
from server.logs.rate_limited import RateLimitedLog
from server.runtime.threads import Runtime

log = logging.getLogger("agent")


class Room:
    """Of one process, among the workers of its host. Any thread; nothing blocks."""

    def __init__(
        self, threshold: float, core: float, runtime: Runtime, board: LoadBoard | None = None
    ) -> None:
        """``threshold``, ``core``: as for ``Load``. ``board``: None for the process's own."""
        self._runtime = runtime
        self._board = board or board_of_process()
        self._watched = False
        self._refusals = RateLimitedLog(log, runtime.clock)
        self.load = Load(threshold, core, self._others)

    def takes(self, calls: int) -> bool:
        """Whether a call that rings fits beside ``calls`` (``Load.takes``); the log says why not."""
        if self.load.takes(calls):
            return True
        here, figures = self.load.with_one_more(calls), self.load.figures
        self._refusals.warn(
            "CALL_REFUSED with it the load would be %.2f: calls=%d cpu=%.2f late=%.2f lag=%.2f cost_ms=%.1f",
            max(here, *self._others(), 0.0),
            calls,
            figures.cpu,
            figures.late,
            figures.lag,
            figures.cost * 1000,
        )
        return False

    def watch(self, look: Callable[[], Seen | None]) -> None:
        """Measure from now on, until ``look`` finds nothing. Once, however often it is said; at once."""
        if not self._watched:
            self._watched = True
            LoadWatch(self.load, self._board, self._runtime, look).begin()

    def host_carries(self) -> int:
        """About how many calls all workers of this host carry together."""
        return self.load.carries + self._board.carried_by_others(self._runtime.clock())

    def _others(self) -> list[float]:
        return self._board.others(self._runtime.clock())
