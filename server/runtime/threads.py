"""Threads and time, handed to whatever needs them, so that tests can run whole calls in simulated time.

Under gunicorn's gevent worker ``threading`` is patched and these threads are greenlets; the code is the same.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from server.runtime.native_calls import on_gevent

T = TypeVar("T")


class Condition(Protocol):
    """What is used of ``threading.Condition``."""

    def __enter__(self) -> bool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def wait(self, timeout: float | None = None) -> bool: ...

    def notify_all(self) -> None: ...


class Signal(Protocol):
    """What is used of ``threading.Event``: it is set once, and waited for."""

    def set(self) -> None: ...

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool:
        """Block until it is set; False when ``timeout`` seconds (None: for ever) have passed before."""
        ...


class Task(Protocol):
    """A thread that was started."""

    def join(self, timeout: float | None = None) -> None: ...

    def is_alive(self) -> bool: ...


class Runtime(Protocol):
    def clock(self) -> float:
        """Monotonic seconds."""
        ...

    def cpu_s(self) -> float:
        """Seconds of CPU that this process has used."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block; a third of the price of an event's ``wait`` with a timeout."""
        ...

    def condition(self) -> Condition:
        """A condition with a lock of its own, not re-entrant."""
        ...

    def event(self) -> Signal:
        """An event that is not set; one that nobody sets is a sleep."""
        ...

    def spawn(self, name: str, function: Callable[[], None]) -> Task:
        """Run ``function`` on a thread of its own; it must not raise."""
        ...


class Threads:
    """The runtime of production: daemon threads and the monotonic clock."""

    clock = staticmethod(time.monotonic)  # read five times a frame; gevent does not patch it
    cpu_s = staticmethod(time.process_time)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def condition(self) -> Condition:
        if not on_gevent():
            return threading.Condition(threading.Lock())
        from server.runtime.greenlets import GreenletCondition

        return GreenletCondition()

    def event(self) -> Signal:
        return threading.Event()

    def spawn(self, name: str, function: Callable[[], None]) -> Task:
        # A daemon: a provider that never returns must not keep the process from ending.
        thread = threading.Thread(target=function, name=name, daemon=True)
        thread.start()
        return thread


class Closed(Exception):
    """The channel was closed, and everything in it was taken."""


class Late(Exception):
    """Nothing came in time."""


class Channel(Generic[T]):
    """A bounded queue between two threads that either may close. Any thread may call any method."""

    def __init__(self, runtime: Runtime, bound: int) -> None:
        self._runtime = runtime
        self._bound = bound
        self._items: deque[T] = deque()
        self._closed = False
        self._changed = runtime.condition()

    def put(self, item: T) -> bool:
        """Append; False, and nothing done, when the channel is full or closed. Never blocks."""
        with self._changed:
            if self._closed or len(self._items) >= self._bound:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def get(self, timeout_s: float | None = None) -> T:
        """Take the oldest item. Raises Late after ``timeout_s``, Closed when no item will ever come."""
        deadline = None if timeout_s is None else self._runtime.clock() + timeout_s
        with self._changed:
            while not self._items:
                if self._closed:
                    raise Closed
                left = None if deadline is None else deadline - self._runtime.clock()
                if left is not None and left <= 0:
                    raise Late
                self._changed.wait(left)
            return self._items.popleft()

    def close(self, *, drop: bool = False) -> None:
        """No more items; with ``drop`` those in it are gone too. Idempotent."""
        with self._changed:
            self._closed = True
            if drop:
                self._items.clear()
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed
