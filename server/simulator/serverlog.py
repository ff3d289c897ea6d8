"""A call's words, read from the server's log while it grows: the simulator itself hears only audio."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.05
_LINE = re.compile(r"\b(ASR_TEXT|AGENT_TEXT|ASR_ERR): (.*?)\s+sid=(MZ[0-9a-f]{32})\b")


@dataclass(frozen=True)
class LogEntry:
    """``kind``: ASR_TEXT, AGENT_TEXT or ASR_ERR. ``at_s``: when it was read, on the reader's clock."""

    kind: str
    text: str
    stream_sid: str
    at_s: float


def parse_line(line: str, at_s: float) -> LogEntry | None:
    """The entry in a line of the log; None for all other lines."""
    match = _LINE.search(line)
    return LogEntry(match[1], match[2].strip(), match[3], at_s) if match else None


class LogFollower:
    """Follows a growing file from its present end, on a thread of its own, until ``stop``."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.entries: list[LogEntry] = []  # written by the thread, whole entries only
        self._path, self._clock = path, clock
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = b""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-follower", daemon=True)
        self._thread.start()

    def stop(self) -> list[LogEntry]:
        """Reads the rest and returns all entries."""
        self._stopping.set()
        self._thread.join(5)
        return self.entries

    def _run(self) -> None:
        while not self._stopping.wait(POLL_S):
            self._read()
        self._read()

    def _read(self) -> None:
        try:
            with self._path.open("rb") as log:
                log.seek(self._position)
                grown = log.read()
        except FileNotFoundError:
            return  # the server has not written yet
        self._position += len(grown)
        *lines, self._rest = (self._rest + grown).split(b"\n")
        for line in lines:
            entry = parse_line(line.decode("utf-8", "replace"), self._clock())
            if entry:
                self.entries.append(entry)
