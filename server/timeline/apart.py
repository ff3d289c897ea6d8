"""The timeline of a call computed in a process of its own: seconds in which no call shall wait.

a page's view --stdin: what is recorded--> python -m server.timeline.apart --stdout: JSON--> the view
"""

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from server.event_log.reader import EventLog
from server.logs.redaction import Mode
from server.office.business_hours import ISRAEL
from server.records.facts import CallFacts, TurnFacts
from server.timeline.page import as_json_in_html
from server.timeline.reading import timeline_of
from server.timeline.timeline import Json

WITHIN_S = 60.0
NICER = 10  # than the calls
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from server.timeline import apart; apart.main()"

Found = Sequence[tuple[CallFacts, Sequence[TurnFacts]]]

_one_at_a_time = threading.BoundedSemaphore()


class NotDrawn(Exception):
    """Says why."""


def timeline_apart(found: Found, folder: str, mode: Mode, within_s: float = WITHIN_S) -> Json:
    """As ``timeline_of``; ``src`` of a sound is the name of the part that was recorded: a page makes a URL of
    it. Blocks for ``within_s`` at most. Raises NotDrawn. Any thread, and any greenlet.
    """
    if not _one_at_a_time.acquire(timeout=within_s):
        raise NotDrawn("others are being drawn")
    try:
        command = [sys.executable, "-c", PROGRAM]
        asked = pickle.dumps((list(found), folder, mode))
        done = subprocess.run(command, input=asked, capture_output=True, timeout=within_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotDrawn(str(getattr(error, "strerror", None) or "it took too long")) from error
    finally:
        _one_at_a_time.release()
    if done.returncode:
        raise NotDrawn(done.stderr.decode(errors="replace").strip().rpartition("\n")[2])
    drawn: Json = json.loads(done.stdout)
    return drawn


def main(asked: BinaryIO = sys.stdin.buffer, told: BinaryIO = sys.stdout.buffer) -> None:
    """The process: what is asked for comes from our own parent."""
    os.nice(NICER)
    found, folder, mode = pickle.load(asked)
    told.write(as_json_in_html(timeline_of(found, folder, ISRAEL, mode, _named)).encode("utf-8", "replace"))


def _named(call: CallFacts, log: EventLog) -> str:
    return call.sid
