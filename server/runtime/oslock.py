"""A lock and a pause for native threads, whatever gevent has patched."""

import _thread
import sys
import time


def os_lock() -> _thread.LockType:
    """An unlocked lock of the operating system, for native threads only.

    gevent replaces ``_thread.allocate_lock`` by a semaphore that belongs to one hub's thread. A native thread
    that waited for it would switch greenlets on the wrong thread. A real lock is right there, but on the
    hub's own thread it would stop every call: take it only inside ``native_calls.run_native``.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None:
        return _thread.allocate_lock()
    lock: _thread.LockType = monkey.get_original("_thread", "allocate_lock")()
    return lock


def os_sleep(seconds: float) -> None:
    """Pauses a native thread; gevent's ``sleep`` would create a hub there."""
    monkey = sys.modules.get("gevent.monkey")
    sleep = time.sleep if monkey is None else monkey.get_original("time", "sleep")
    sleep(seconds)
