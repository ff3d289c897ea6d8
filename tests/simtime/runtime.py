"""Threads as greenlets on a simulated clock: the real shell runs, and an hour of it takes seconds.

One greenlet runs at a time and is switched only where it waits, so every run of a scenario is the same.
"""

import heapq
from collections.abc import Callable
from itertools import count
from types import TracebackType

from greenlet import GreenletExit, getcurrent, greenlet


class SimTask:
    def __init__(self, runtime: "SimRuntime", name: str, function: Callable[[], None]) -> None:
        self.name = name
        self._runtime = runtime
        self._done = runtime.condition()
        self._function = function
        self.ended_at: float | None = None
        self.greenlet = greenlet(self._run, parent=runtime.hub)

    def _run(self) -> None:
        try:
            self._function()
        except GreenletExit:
            pass
        finally:
            self.ended_at = self._runtime.now
            with self._done:
                self._done.notify_all()

    def is_alive(self) -> bool:
        return self.ended_at is None

    def join(self, timeout: float | None = None) -> None:
        with self._done:
            if self.is_alive():
                self._done.wait(timeout)


class SimCondition:
    def __init__(self, runtime: "SimRuntime") -> None:
        self._runtime = runtime
        self._holder: greenlet | None = None
        self._waiting: list[list[object]] = []  # [greenlet, was notified]

    def __enter__(self) -> bool:
        # Nothing switches while a lock is held, so a second holder means: somebody blocked under a lock.
        assert self._holder is None, "a thread waits for a lock whose holder is itself waiting"
        self._holder = getcurrent()
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder = None

    @property
    def is_held(self) -> bool:
        """Somebody is within."""
        return self._holder is not None

    def wait(self, timeout: float | None = None) -> bool:
        assert self._holder is getcurrent()
        entry: list[object] = [getcurrent(), False]
        self._waiting.append(entry)
        self._holder = None
        if timeout is not None:
            self._runtime.call_at(self._runtime.now + timeout, lambda: self._wake(entry))
        self._runtime.hub.switch()
        assert self._holder is None
        self._holder = getcurrent()
        return bool(entry[1])

    def notify_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for entry in waiting:
            entry[1] = True
            self._runtime.call_at(self._runtime.now, entry[0].switch)  # type: ignore[attr-defined]

    def _wake(self, entry: list[object]) -> None:
        if entry in self._waiting:
            self._waiting.remove(entry)
            entry[0].switch()  # type: ignore[attr-defined]


class SimEvent:
    def __init__(self, runtime: "SimRuntime") -> None:
        self._runtime = runtime
        self._changed = runtime.condition()
        self._set = False

    def set(self) -> None:
        with self._changed:
            self._set = True
            self._changed.notify_all()

    def is_set(self) -> bool:
        return self._set

    def wait(self, timeout: float | None = None) -> bool:
        until = None if timeout is None else self._runtime.now + timeout
        with self._changed:
            while not self._set and (until is None or self._runtime.now < until):
                self._changed.wait(None if until is None else until - self._runtime.now)
        return self._set


class SimRuntime:
    """``server.runtime.threads.Runtime`` on simulated time. Tests step it with ``run_until``."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used_cpu_s = 0.0  # whatever a test says
        self.hub = getcurrent()
        self.tasks: list[SimTask] = []
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()

    def clock(self) -> float:
        return self.now

    def cpu_s(self) -> float:
        return self.used_cpu_s

    def sleep(self, seconds: float) -> None:
        self.event().wait(seconds)

    def condition(self) -> SimCondition:
        return SimCondition(self)

    def event(self) -> SimEvent:
        return SimEvent(self)

    def spawn(self, name: str, function: Callable[[], None]) -> SimTask:
        task = SimTask(self, name, function)
        self.tasks.append(task)
        self.call_at(self.now, task.greenlet.switch)
        return task

    def call_at(self, when: float, function: Callable[[], object]) -> None:
        heapq.heappush(self._queue, (when, next(self._order), function))

    def run_until(self, when: float) -> None:
        """Let everything happen that is due until ``when``; time then is ``when``."""
        assert getcurrent() is self.hub
        while self._queue and self._queue[0][0] <= when + 1e-9:
            self.now, _, function = heapq.heappop(self._queue)
            function()
        self.now = max(self.now, when)

    def alive(self) -> list[str]:
        return [task.name for task in self.tasks if task.is_alive()]
