"""The end of a server that people are talking to (SIGTERM): no new calls, and none is broken off.

begin --> calls go on, at most drain_s --> those left are told, FAREWELL_S --> those left are cut
      --> LINGER_S, in which Twilio asks what follows on the last of them --> finished

Until it is finished the process answers its webhooks: what follows on a call, and that we are busy.
"""

import logging
import signal
from collections.abc import Callable, Sequence
from typing import Protocol

from server.admission.gate import Gate, LiveCall
from server.admission.slots import PENDING_S
from server.runtime.threads import Runtime

log = logging.getLogger("agent")

FAREWELL_S = 10.0  # five for who is speaking, and our last line
CUT_S = 1.5  # a call that was cut is gone in one (F6)
LINGER_S = 2.0  # Twilio asks within one, and fetches what is to be played
POLL_S = 0.1


class Afterwards(Protocol):
    """What goes on for calls that are over. Any thread."""

    @property
    def going_on(self) -> int: ...

    def end(self) -> None:
        """Keep what there is, and leave the rest. Blocks, for half a second at most."""
        ...


class Drain:
    """``finished()`` is called once, from a thread of its own, whatever happens.

    ``drain_s``: how long calls go on; ``settle_s``: how long a socket may be on its way; in seconds.
    """

    def __init__(
        self,
        gate: Gate,
        runtime: Runtime,
        drain_s: float,
        finished: Callable[[], None],
        settle_s: float = PENDING_S,
        *,
        afterwards: Afterwards,
    ) -> None:
        self._gate = gate
        self._runtime = runtime
        self._drain_s = drain_s
        self._finished = finished
        self._settle_s = settle_s
        self._afterwards = afterwards
        self._sleep = runtime.event().wait
        self._lock = runtime.condition()
        self._begun = False  # under _lock
        self._over = runtime.event()
        self._told: set[LiveCall] = set()  # drain's thread only, like all below
        self._seen: set[LiveCall] = set()

    def begin(self) -> None:
        """Any thread, any number of times. Returns at once."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        self._runtime.spawn("drain", self._run)

    def wait_until_over(self, at_most_s: float) -> None:
        """Block while it goes on: the web server's part may end sooner. At once when it has not begun."""
        with self._lock:
            begun = self._begun
        if begun:
            self._over.wait(at_most_s)

    def _run(self) -> None:
        try:
            self._drain()
        except Exception:  # the thread's edge: a process that cannot end is worse than calls cut
            log.exception("DRAIN_ERR")
        finally:
            self._finished()
            self._over.set()

    def _drain(self) -> None:
        began = self._runtime.clock()
        self._gate.stop_taking_calls()
        log.info("DRAIN calls=%d go on for at most %g s", len(self._live()), self._drain_s)
        self._wait(self._drain_s, lambda: bool(self._live()) or self._more_to_come(began))
        self._wait(FAREWELL_S, self._tell)
        self._gate.close()
        cut = self._live()
        for call in cut:
            call.cut()
        self._wait(CUT_S, lambda: bool(self._live()))
        self._wait(LINGER_S, lambda: bool(self._seen or self._afterwards.going_on))
        self._afterwards.end()
        took_s = self._runtime.clock() - began
        log.info(
            "DRAINED calls=%d told=%d cut=%d in %.1f s", len(self._seen), len(self._told), len(cut), took_s
        )

    def _live(self) -> Sequence[LiveCall]:
        live = self._gate.live()
        self._seen.update(live)
        return live

    def _more_to_come(self, began: float) -> bool:
        """A caller was connected just before, and their socket is on its way to one of us."""
        return self._runtime.clock() - began < self._settle_s and self._gate.in_use() > 0

    def _tell(self) -> bool:
        """Tell every call that does not know, one that has just come too; False when none is left."""
        live = self._live()
        for call in live:
            if call not in self._told:
                self._told.add(call)
                call.close_down()
        return bool(live)

    def _wait(self, at_most_s: float, go_on: Callable[[], bool]) -> None:
        deadline = self._runtime.clock() + at_most_s
        while go_on() and (left_s := deadline - self._runtime.clock()) > 0:
            self._sleep(min(POLL_S, left_s))


def follow_signals(
    drain: Drain, runtime: Runtime, give_way: Callable[[], None], relieved: Callable[[], bool]
) -> None:
    """SIGTERM, once or often, begins the drain; SIGURG in it: a successor takes the calls. Main thread.

    ``relieved()``: whether other hosts take them; asked every POLL_S in the drain. May block.

    ``give_way()``: accept no connections any more. The handlers only take notes: under gevent they may run in
    the hub, where nothing may block.
    """
    seen: set[int] = set()

    def note(number: int, _frame: object) -> None:
        seen.add(number)

    def watch() -> None:
        sleep = runtime.event().wait
        while signal.SIGTERM not in seen:
            sleep(POLL_S)
        seen.discard(signal.SIGURG)  # of a worker that was started beside this one
        drain.begin()
        while signal.SIGURG not in seen and not relieved():
            sleep(POLL_S)
        give_way()

    for number in (signal.SIGTERM, signal.SIGURG):
        signal.signal(number, note)
        signal.siginterrupt(number, False)
    runtime.spawn("watch", watch)
