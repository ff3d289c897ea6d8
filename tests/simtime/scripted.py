"""Streams that play a list of steps on the simulated clock."""

from collections.abc import Iterable, Iterator

from tests.simtime.runtime import SimEvent, SimRuntime


def played(steps: Iterable[object], stopped: SimEvent) -> Iterator[object]:
    """A float is a wait in seconds, an exception is raised, anything else is an item.

    A wait ends at once, and the stream with it, when ``stopped`` is set.
    """
    for step in steps:
        if isinstance(step, float):
            if stopped.wait(step):
                return
        elif isinstance(step, Exception):
            raise step
        else:
            yield step


class ScriptedStream:
    """A provider's stream of ``steps``; one that does not obey goes on when it is cancelled."""

    def __init__(self, runtime: SimRuntime, *steps: object, obeys: bool = True) -> None:
        self.cancels = 0
        self._steps = steps
        self._cancelled = runtime.event()
        self._stopped = self._cancelled if obeys else runtime.event()

    def __iter__(self) -> Iterator[object]:
        return played(self._steps, self._stopped)

    def cancel(self) -> None:
        self.cancels += 1
        self._cancelled.set()
