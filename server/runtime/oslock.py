"""A lock and a pause for native threads, whatever gevent has patched."""

import _thread
import sys
import time


def os_lock() -> _thread.LockType:
    """Return a lock of the operating system, unlocked. Take it only where a native thread may block.

    gevent replaces ``_thread.allocate_lock`` by a semaphore that belongs to the thread of a hub:
    waiting for it from the threadpool, where native work runs, would switch greenlets on the wrong
    thread. A real lock is right there, and wrong on the hub's own thread: it would stop every call.
    So whoever takes one of these does it inside ``native.run_native``.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return _thread.allocate_lock()
    lock: _thread.LockType = monkey.get_original("_thread", "allocate_lock")()
    return lock


def os_sleep(seconds: float) -> None:
    """Let a native thread pause; gevent's ``sleep`` would make a hub of its own there."""
    monkey = sys.modules.get("gevent.monkey")
    sleep = time.sleep if monkey is None else monkey.get_original("time", "sleep")
    sleep(seconds)
