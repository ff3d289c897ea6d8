"""A 20 ms ticker: how late a thread of this process wakes. What stalls it stalls every call's audio.

``python -m bench.ticker FILE`` is the control: the same ticker in a process that does nothing else.
"""

import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

TICK_S = 0.020
FLUSH_TICKS = 25
_RECORD = struct.Struct("<dd")  # time.time() of the tick, seconds late


def tick(path: Path, stop: threading.Event | None = None) -> None:
    """Append one record a tick to ``path`` until ``stop`` is set, or for ever."""
    with path.open("ab", buffering=0) as file:
        due = time.monotonic() + TICK_S
        records = bytearray()
        while stop is None or not stop.is_set():
            time.sleep(max(0.0, due - time.monotonic()))
            late = time.monotonic() - due
            records += _RECORD.pack(time.time(), late)
            if len(records) >= FLUSH_TICKS * _RECORD.size:
                file.write(records)
                records.clear()
            # A stall is one late tick, not a hundred: the schedule goes on from where we are.
            due = max(due + TICK_S, time.monotonic())


def records(path: Path) -> Iterator[tuple[float, float]]:
    """Each tick: when it came (``time.time()``), and how many seconds late."""
    data = path.read_bytes()
    whole = len(data) // _RECORD.size * _RECORD.size
    yield from _RECORD.iter_unpack(data[:whole])


def latenesses_ms(path: Path, since: float, until: float) -> list[float]:
    """Milliseconds late of the ticks between two times (``time.time()``), sorted."""
    return sorted(late * 1000 for at, late in records(path) if since <= at <= until)


def percentile(ordered: list[float], q: float) -> float:
    """Of sorted values."""
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


if __name__ == "__main__":
    tick(Path(sys.argv[1]))
