"""Where event logs are: ``EVENT_LOG_DIR/2026-11-29/CA….events``, by its first day, Israel time."""

import os
import re
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

from server.event_log.format import SUFFIX
from server.office.business_hours import ISRAEL
from server.runtime.private_files import PRIVATE, PRIVATE_FOLDER

FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
MOST_STREAMS = 9  # of one call: a host may connect it again
LONGEST_NAME = 64


def name_of(call_sid: str, at: datetime) -> str:
    """The log's path below EVENT_LOG_DIR. ``at``: the call's start, with its zone."""
    safe = re.sub(r"[^A-Za-z0-9@-]", "_", call_sid)[:LONGEST_NAME] or "call"
    return f"{at.astimezone(ISRAEL):%Y-%m-%d}/{safe}{SUFFIX}"


def create(folder: Path, name: str) -> int:
    """The descriptor of a new file, its owner's only, with the folders above it. Raises OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for private in (folder, (folder / name).parent):
        private.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    path = folder / name
    for number in range(1, MOST_STREAMS):
        with suppress(FileExistsError):
            return os.open(path if number == 1 else path.with_stem(f"{path.stem}-{number}"), FLAGS, PRIVATE)
    return os.open(path.with_stem(f"{path.stem}-{MOST_STREAMS}"), FLAGS, PRIVATE)


def delete(path: Path) -> None:
    """A log is gone, and its day with the last of them. One that is not there is none. Raises OSError."""
    path.unlink(missing_ok=True)
    with suppress(OSError):  # there are others
        path.parent.rmdir()


def delete_before(folder: Path, day: date) -> int:
    """Delete the logs of all days before ``day``; how many there were. Raises OSError. Blocks."""
    old = [path for path in sorted(folder.glob(f"????-??-??/*{SUFFIX}")) if _day(path) < day.isoformat()]
    for path in old:
        delete(path)
    return len(old)


def _day(path: Path) -> str:
    return path.parent.name
