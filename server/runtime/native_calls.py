"""Runs work that would block gevent's hub: milliseconds of computing, and calls that may hang for ever.

Under gevent one thread runs every call of a worker, so that a file access on a hanging disk would silence all
of them. Without gevent it would hold a thread for ever. Therefore every access to a disk, a database or a
name server has a time limit (``Pool``), and its caller decides what happens after it.
"""

import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

COMPUTING_THREADS = 10


class Stuck(TimeoutError):
    """The work was not done in time. It may still be done later."""


class NoThread(Stuck):
    """The work was not begun: no thread could be started (too many, or the interpreter is ending)."""


class Pool:
    """Native threads for one resource that may hang; other pools are not affected.

    Any thread or greenlet may call. Create it in the worker, after gevent has patched. Threads start on
    demand, and the process ends without waiting for them.
    """

    def __init__(self, name: str, threads: int, *, by_sockets: bool = False) -> None:
        """``threads``: how many pieces of work run at once; further ones wait for a free thread.

        ``by_sockets``: the work waits only for Python sockets, like a Redis client. Under gevent these belong
        to the hub, so that the work runs on greenlets and may use patched locks and queues.
        """
        self._name = name
        self._by_sockets = by_sockets
        self._threads = threads
        self._free = _semaphore(threads)
        # Under gevent no greenlet switches within what it guards, and in the hub nobody may wait for a lock.
        self._lock: AbstractContextManager[object] = nullcontext() if on_gevent() else threading.Lock()
        self._hanging: set[_Work[Any]] = set()
        self._native: Any = None  # gevent's

    def run(self, within_s: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of ``function``, or its exception. Blocks for at most ``within_s``, then raises Stuck.

        A ``function`` that has begun runs to its end in any case. It must not use locks, queues or events of
        ``threading``: under gevent those are patched and belong to the hub's thread.
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
        """The number of pieces of work that exceeded their time and still run."""
        with self._lock:
            return len(self._hanging)

    def _start(self, work: "_Work[Any]") -> None:
        if self._by_sockets or not on_gevent():
            threading.Thread(target=self._do, args=(work,), name=self._name, daemon=True).start()
            return
        with self._lock:
            if self._native is None:
                self._native = _native_threads(self._threads)
        # ``rawlink`` calls back in the hub, whose thread owns gevent's locks and events.
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
    """One piece of work; it has a result once ``over`` is set."""

    def __init__(self, function: Callable[[], R]) -> None:
        self._function = function
        self._outcome: Callable[[], R]
        self.over = threading.Event()

    def do(self) -> None:
        """Runs on the native thread."""
        try:
            answer = self._function()
        except BaseException as error:  # the caller handles it; gevent's pool would print a traceback
            self._outcome = partial(_raise, error)
        else:
            self._outcome = lambda: answer

    def result(self) -> R:
        return self._outcome()


def _raise(error: BaseException) -> Any:
    raise error


def _semaphore(free: int) -> Any:
    """One that the hub may release too: it cannot wait for the lock in ``threading``'s, and lost a place."""
    if not on_gevent():
        return threading.Semaphore(free)
    from gevent.lock import Semaphore

    return Semaphore(free)


def on_gevent() -> bool:
    """Whether this process's threads are gevent's greenlets."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


_computing: Any = None


def run_native(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs ``function`` on a native thread under gevent, otherwise in place. Returns its result.

    For milliseconds of computing that cannot hang. Any thread or greenlet; only the caller waits. The limits
    of ``Pool.run`` hold here too. The threads are not the hub's, which look up names: a silent name server
    must not delay the audio.
    """
    global _computing
    if not on_gevent():
        return function(*args, **kwargs)
    if _computing is None:  # no greenlet switch can happen between these two lines
        _computing = _native_threads(COMPUTING_THREADS)
    work = _Work(partial(function, *args, **kwargs))
    _computing.apply(work.do)
    return work.result()


def _native_threads(most: int) -> Any:
    from gevent.threadpool import ThreadPool

    return ThreadPool(most)
