"""A condition among greenlets, for a quarter of what ``threading.Condition`` costs them.

That one makes a lock for each wait; for one that is bounded a ``gevent.Timeout`` too, which is an exception
thrown into the greenlet; and to notify it asks whether its lock is held, at which gevent lets others run.
Here who waits is a ``Waiter``, and how long it may wait a timer of the hub's. Only imported under gevent.
"""

from types import TracebackType
from typing import Any

from gevent import get_hub
from gevent.hub import Waiter
from gevent.lock import BoundedSemaphore


class GreenletCondition:
    """A ``Condition`` of ``server.runtime.threads`` for the greenlets of one thread; no other may use it."""

    def __init__(self) -> None:
        self._lock = BoundedSemaphore(1)
        self._waiting: list[Any] = []

    def __enter__(self) -> bool:
        self._lock.acquire()
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def wait(self, timeout: float | None = None) -> bool:
        """With the lock held, which is let go of meanwhile; False when ``timeout`` seconds have passed."""
        hub = get_hub()
        waiter = Waiter(hub)
        late = None
        if timeout is not None:
            late = hub.loop.timer(max(0.0, timeout))
            late.start(waiter.switch, False, update=True)  # counts from now, not from the hub's last round
        self._waiting.append(waiter)
        self._lock.release()
        try:
            return bool(waiter.get())
        finally:  # also of a greenlet that is killed
            if late is not None:
                late.close()
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            self._lock.acquire()

    def notify_all(self) -> None:
        """With the lock held: all who wait go on once it is free."""
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            get_hub().loop.run_callback(waiter.switch, True)
