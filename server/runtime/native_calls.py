"""Work that gevent's hub must not do itself: what computes for milliseconds, and what may hang for ever.

Under gevent one thread runs every call of a worker: a file on a disk that hangs, touched there, is a silence
in all of them. On threads it is a thread that never comes back. So whatever waits for a disk, a database or a
name has a bound (``Pool``), and whoever asks says what happens then.
"""

import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

COMPUTING_THREADS = 10


class Stuck(TimeoutError):
    """It was not done in time, and may be done later."""


class NoThread(Stuck):
    """Nor was it begun: no thread could be started. There are too many, or the interpreter ends."""


class Pool:
    """Native threads for one kind of thing that may hang; what hangs takes nobody else's place.

    Any thread or greenlet may ask. Make it in the worker, after gevent has patched. Threads are started when
    they are needed, and the end of the process waits for none of them.
    """

    def __init__(self, name: str, threads: int, *, by_sockets: bool = False) -> None:
        """``threads``: pieces of work at once; while so many hang, what comes waits for one to end.

        ``by_sockets``: the work waits for Python's sockets alone (a client of Redis). Under gevent those are
        the hub's, so it is done on greenlets there, and may use what is forbidden to other work.
        """
        self._name = name
        self._by_sockets = by_sockets
        self._threads = threads
        self._free = threading.Semaphore(threads)
        self._lock = threading.Lock()
        self._hanging: set[_Work[Any]] = set()
        self._native: Any = None  # gevent's

    def run(self, within_s: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What ``function`` answers, or raises. Only the caller waits; raises Stuck after ``within_s``.

        ``function`` is run to its end in any case, once it was begun. It must not use locks, queues or events
        of ``threading``: under gevent those are patched and belong to the hub's thread.
        """
        began = time.monotonic()
        if not self._free.acquire(timeout=within_s):
            raise Stuck(f"{self._name}: {self._threads} before it hang")
        work = _Work(partial(function, *args, **kwargs))
        try:
            self._start(work)
        except RuntimeError as error:
            self._free.release()
            raise NoThread(f"{self._name}: {error}") from error
        if not work.over.wait(max(0.0, began + within_s - time.monotonic())):
            with self._lock:
                if not work.over.is_set():
                    self._hanging.add(work)
                    raise Stuck(f"{self._name}: nothing within {within_s:g} s")
        return work.result()

    @property
    def hanging(self) -> int:
        """Pieces of work that took too long and are not done yet."""
        with self._lock:
            return len(self._hanging)

    def _start(self, work: "_Work[Any]") -> None:
        if self._by_sockets or not on_gevent():
            threading.Thread(target=self._do, args=(work,), name=self._name, daemon=True).start()
            return
        with self._lock:
            if self._native is None:
                self._native = _native_threads(self._threads)
        # Back in the hub: gevent's locks and events belong to its thread.
        self._native.spawn(work.do).rawlink(lambda _: self._ended(work))

    def _do(self, work: "_Work[Any]") -> None:
        work.do()
        self._ended(work)

    def _ended(self, work: "_Work[Any]") -> None:
        with self._lock:
            work.over.set()
            self._hanging.discard(work)
        self._free.release()


class _Work(Generic[R]):
    """One piece of work: its outcome is there once it is ``over``."""

    def __init__(self, function: Callable[[], R]) -> None:
        self._function = function
        self._outcome: Callable[[], R]
        self.over = threading.Event()

    def do(self) -> None:
        """On the native thread."""
        try:
            answer = self._function()
        except BaseException as error:  # gevent's pool would print a traceback of what the caller handles
            self._outcome = partial(_raise, error)
        else:
            self._outcome = lambda: answer

    def result(self) -> R:
        return self._outcome()


def _raise(error: BaseException) -> Any:
    raise error


def on_gevent() -> bool:
    """Whether this process's threads are gevent's greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


_computing: Any = None


def run_native(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Compute ``function`` on a real thread when this process runs on gevent, else right here.

    For what takes milliseconds and cannot hang. Any thread or greenlet; only the caller waits. What ``Pool``
    forbids is forbidden here. The threads are not those of gevent's hub, where names are looked up: a name
    server that is silent must not keep a voice waiting.
    """
    global _computing
    if not on_gevent():
        return function(*args, **kwargs)
    if _computing is None:  # greenlets: nobody comes between these two lines
        _computing = _native_threads(COMPUTING_THREADS)
    work = _Work(partial(function, *args, **kwargs))
    _computing.apply(work.do)
    return work.result()


def _native_threads(most: int) -> Any:
    from gevent.threadpool import ThreadPool

    return ThreadPool(most)
