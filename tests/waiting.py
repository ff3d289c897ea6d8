"""Waiting for what another thread, or a server, is about to do."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], within_s: float = 20.0) -> None:
    """Block until ``holds()`` is true. Raises AssertionError when that takes longer."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:g} s"
        time.sleep(0.002)
