"""The files of a call beside its records, for the pages: its event log, and the recording within it.

To make a recording takes time, and a browser asks for it piece by piece: the last few are kept, as long as
their logs are there and the same. It is made on a thread of its own, so that the calls of this process go on.
"""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.event_log.format import SUFFIX
from server.event_log.reader import NoEventLog, read_log
from server.event_log.recording import NotRecorded, stereo_wav
from server.logs.redaction import Mode
from server.records.files import files_of
from server.runtime.native_calls import Pool, Stuck

WITHIN_S, DISK_S = 30.0, 2.0
KEPT = 2  # of 29 MB, for a quarter of an hour
MOST_HEADER_BYTES = 1 << 20

Version = tuple[Path, int, int]  # a file as it was: when it changed, and its size


@dataclass(frozen=True)
class Has:
    """What of a log may be given out, by LOG_TRANSCRIPTS now and as it was then."""

    words: bool = False
    sound: bool = False


class CallFiles:
    """Of EVENT_LOG_DIR; any thread. Everything blocks as long as the disk does, for DISK_S or WITHIN_S."""

    def __init__(self, folder: str, mode: Mode) -> None:
        """``mode``: of LOG_TRANSCRIPTS, now."""
        self.folder = folder
        self._mode: Mode = mode
        self._pool = Pool("event logs, read", 2)
        self._lock = threading.Lock()
        self._made: OrderedDict[Version, bytes] = OrderedDict()

    def event_log(self, name: str) -> Path | None:
        """The log of that name below the folder; None: there is none, or the name leads elsewhere."""
        try:
            found = self._pool.run(DISK_S, files_of, self.folder, [name])
        except (OSError, Stuck):
            return None
        own = Path(name).name
        return next((path for path in found if path.name == own and path.suffix == SUFFIX), None)

    def content(self, log: Path) -> bytes | None:
        """None: it is gone, or cannot be read."""
        try:
            return self._pool.run(WITHIN_S, log.read_bytes)
        except (OSError, Stuck):
            return None

    def has(self, log: Path) -> Has:
        try:
            header = self._pool.run(DISK_S, _header, log)
        except (OSError, Stuck):
            return Has()
        knobs = header.get("knobs")
        then = knobs.get("LOG_TRANSCRIPTS") if isinstance(knobs, dict) else None
        words = "off" not in (self._mode, then)
        return Has(words, words and header.get("audio") is True)

    def wav(self, log: Path) -> bytes | None:
        """The recording of both sides; None: there is none."""
        try:
            version = self._pool.run(DISK_S, _version, log)
            with self._lock:
                if version in self._made:
                    self._made.move_to_end(version)
                    return self._made[version]
            made = self._pool.run(WITHIN_S, _wav, log)
        except (OSError, Stuck, NoEventLog, NotRecorded):
            return None
        with self._lock:
            self._made[version] = made
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        return made

    def drop(self) -> None:
        """What was made of logs that are deleted now."""
        with self._lock:
            self._made.clear()


def _version(log: Path) -> Version:
    found = log.stat()
    return log, found.st_mtime_ns, found.st_size


def _wav(log: Path) -> bytes:
    return stereo_wav(read_log(log))


def _header(log: Path) -> dict[str, Any]:
    """Nothing of what is no log."""
    with log.open("rb") as file:
        line = file.readline(MOST_HEADER_BYTES)
    try:
        header = json.loads(line)
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}
