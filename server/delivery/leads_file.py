"""LEADS_FILE as the last resort: lines that a process wrote there and could not give to the database."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from server.delivery.outbox import Line, lead_of
from server.office.leads import lead_lines, moment_of
from server.runtime.native_calls import Pool

BYTES = 8_000_000  # from the end of the file
READ_S = 10.0


A_SECOND = timedelta(seconds=1)  # lines tell no less


class Earlier:
    """The lines of a file that were written within ``within`` of now. Blocks for READ_S; raises OSError."""

    def __init__(self, path: str, within: timedelta, now: Callable[[], datetime]) -> None:
        self._path = path
        self._within = within
        self._now = now

    def __call__(self, since: datetime) -> Sequence[Line]:
        """Those of them that were written since then."""
        if not self._path:
            return ()
        text = Pool("the disk", 1).run(READ_S, _end_of, self._path)
        return tuple(self._recent(text, since))

    def _recent(self, text: str, since: datetime) -> Iterator[Line]:
        now = self._now()
        first = max(since - A_SECOND, now - self._within)
        for line in lead_lines(text):
            at = moment_of(str(line.get("at", "")))
            if at is not None and first <= at <= now:
                written = json.dumps(line, ensure_ascii=False)  # as it was: the database knows it by that
                # A call's line has the moment at which it began, and may have come just now.
                moment = at if line.get("kind") == "rang" else now
                yield Line(lead_of(str(line["call_sid"]), written), written, moment)


def _end_of(path: str) -> str:
    """On a native thread."""
    try:
        with Path(path).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - BYTES))
            if size > BYTES:
                file.readline()
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
