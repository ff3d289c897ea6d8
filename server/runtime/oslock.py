"""Threads of the operating system, with their lock, queue and waits, whatever gevent has patched."""

import _thread
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def os_lock() -> _thread.LockType:
    """An unlocked lock of the operating system, for native threads only.

    gevent replaces ``_thread.allocate_lock`` by a semaphore that belongs to one hub's thread. A native thread
    that waited for it would switch greenlets on the wrong thread. A real lock is right there, but on the
    hub's own thread it would stop every call: take it only inside ``native_calls.run_native``.
    """
    lock: _thread.LockType = _original("_thread", "allocate_lock")()
    return lock


def os_sleep(seconds: float) -> None:
    """Pauses a native thread; gevent's ``sleep`` would create a hub there."""
    _original("time", "sleep")(seconds)


def os_queue() -> Any:
    """A ``SimpleQueue`` that any thread may fill, and one native thread empties."""
    return _original("queue", "SimpleQueue")()


def os_wait_to_write(descriptor: int) -> None:
    """Blocks a native thread until ``descriptor`` takes something."""
    _original("select", "select")([], [descriptor], [])


def os_thread_id() -> int:
    """Of the thread that asks, as in ``sys._current_frames``; gevent's would be the greenlet's."""
    return int(_original("_thread", "get_ident")())


def start_os_thread(function: Callable[[], None]) -> None:
    """Run it on a native thread that the process does not wait for, and that gevent does not know.

    Raises RuntimeError when none can be had.
    """
    _original("_thread", "start_new_thread")(function, ())


def _original(module: str, name: str) -> Any:
    monkey = sys.modules.get("gevent.monkey")
    return getattr(import_module(module), name) if monkey is None else monkey.get_original(module, name)
