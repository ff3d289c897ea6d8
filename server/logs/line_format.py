"""How a line of the log looks: local time to the millisecond, with its offset, then the text."""

import logging
from datetime import datetime


def stamp(seconds: float) -> str:
    """``seconds`` since the epoch, as every line begins."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="milliseconds")


class LogLine(logging.Formatter):
    """``2026-11-28T18:40:00.123+02:00 text``: logs of several hosts can be read together."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return stamp(record.created)
