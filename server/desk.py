"""What a call leaves behind for others: details of leads, and what shall follow once our side has closed."""

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from cachetools import TTLCache

from server.core.conversation import EndCall, Transfer

log = logging.getLogger("agent")

Outcome = EndCall | Transfer
MAX_OUTCOMES = 10_000
OUTCOME_S = 600  # Twilio asks within seconds


class Desk:
    """Shared by the calls and webhooks of a process; any thread."""

    def __init__(self, leads_file: str) -> None:
        self._leads_file = leads_file
        self._lock = threading.Lock()
        self._outcomes: TTLCache[str, Outcome] = TTLCache(MAX_OUTCOMES, OUTCOME_S)

    def save_lead(self, call_sid: str, caller: str, details: tuple[tuple[str, str], ...]) -> None:
        """Append one line of JSON to the file of leads; ``caller``: their number. Blocks. Never raises."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        lead = json.dumps(
            {**dict(details), "at": at, "call_sid": call_sid, "caller": caller}, ensure_ascii=False
        )
        if not self._leads_file:
            log.info("LEAD %s", lead)
            return
        try:
            Path(self._leads_file).parent.mkdir(parents=True, exist_ok=True)
            # One write in append mode: lines of several workers do not mix. Callers' details: owner only.
            file = os.open(self._leads_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, (lead + "\n").encode(errors="replace"))
            finally:
                os.close(file)
        except OSError as error:
            log.error("LEAD_ERR LEADS_FILE=%s: %s; it is kept here: %s", self._leads_file, error, lead)
            return
        log.info("LEAD_SAVED call=%s", call_sid)

    def close_call(self, call_sid: str, outcome: Outcome) -> None:
        """Our side is about to close the stream on purpose, and this is what shall follow."""
        with self._lock:
            self._outcomes[call_sid] = outcome

    def outcome(self, call_sid: str) -> Outcome | None:
        """What shall follow on the stream's end; None: our side did not close it on purpose."""
        with self._lock:
            found: Outcome | None = self._outcomes.get(call_sid)
            return found
