"""What a call leaves behind for others: details of leads, and what shall follow once our side has closed."""

import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from server.config import Config
from server.ledger import Ledger, Outcome
from server.stores import shared_store

log = logging.getLogger("agent")


class Desk:
    """Shared by the calls and webhooks of a process; any thread."""

    def __init__(self, leads_file: str, ledger: Ledger) -> None:
        self._leads_file = leads_file
        self.ledger = ledger

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
        """Our side is about to close the stream on purpose, and this is what shall follow.

        Blocks until other processes may know, mostly for milliseconds. Never raises.
        """
        self.ledger.close(call_sid, outcome)

    def outcome(self, call_sid: str) -> Outcome | None:
        """What shall follow on the stream's end; None: our side did not close it on purpose. May block."""
        return self.ledger.outcome(call_sid)


def open_desk(config: Config) -> Desk:
    """A desk whose ledger is shared as the knobs say, so that any two of the same knobs agree."""
    shared = shared_store(config.redis_url.get_secret_value(), config.state_file)
    return Desk(config.leads_file, Ledger(shared))
