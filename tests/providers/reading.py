"""A provider's stream that is read on another thread, and providers that serve several calls under gevent."""

import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Generic, TypeVar

from server.providers.base import ProviderError
from tests.serving import ROOT

T = TypeVar("T")


class Reading(Generic[T]):
    """Reads ``stream`` on its own thread: the items so far, and how it failed."""

    def __init__(self, stream: Iterable[T]) -> None:
        self.items: list[T] = []
        self.error: ProviderError | None = None
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for item in self._stream:
                self.items.append(item)
        except ProviderError as error:
            self.error = error

    def ended_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()


# Before the code of ``under_gevent``. ``largest_gap()``: for how many seconds at most no other greenlet ran
# since ``watch_the_hub()``.
PATCHED = """
from gevent import monkey; monkey.patch_all()
import sys, threading, time
ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        time.sleep(0.02)
def watch_the_hub():
    threading.Thread(target=tick, daemon=True).start()
def largest_gap():
    return max(later - earlier for earlier, later in zip(ticks, ticks[1:]))
def four_at_once(act):
    threads = [threading.Thread(target=act) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join(15)
"""


def under_gevent(code: str, *arguments: str, timeout_s: float = 30) -> str:
    """What ``code`` prints in a process of its own, patched as gunicorn's gevent worker patches it."""
    command = [sys.executable, "-W", "ignore", "-c", PATCHED + code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
