"""What a call leaves behind for others: details of leads, and what shall follow once our side has closed."""

import json
import logging
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from server.call_record import CallSummary
from server.caller_number import leaves_number
from server.config import Config
from server.core.conversation import PhoneCall
from server.lead import Details, Missed, with_number
from server.ledger import Ledger, Outcome
from server.office_hours import ISRAEL
from server.stores import shared_store

log = logging.getLogger("agent")

MISSED_ONCE_S = 600.0  # Twilio may ask twice: the first answer can be lost on its way


def in_israel() -> datetime:
    return datetime.now(ISRAEL)


class Desk:
    """Shared by the calls and webhooks of a process; any thread.

    The file of leads is JSON Lines. ``kind`` says what a line is: ``detail`` (at once, whatever comes later),
    ``call`` (all of a call, at its end) or ``missed`` (a caller whom a webhook knows to be lost). All have
    ``at`` (in Israel), ``call_sid``, ``caller``; a hidden number is "", and ``hidden`` is true then.
    """

    def __init__(self, leads_file: str, ledger: Ledger, now: Callable[[], datetime] = in_israel) -> None:
        self._leads_file = leads_file
        self._now = now
        self.ledger = ledger

    def save_lead(self, call_sid: str, caller: str, details: Details) -> None:
        """Append one line to the file of leads; ``caller``: their number. Blocks. Never raises."""
        details = with_number(details, caller)
        self._append("detail", PhoneCall(call_sid, caller), self._now(), dict(details))
        if leaves_number(details):
            self.ledger.note_number(call_sid)

    def save_missed(self, call_sid: str, caller: str, why: Missed, message: str = "") -> None:
        """The same for a caller who was lost; one line a call, however often it is said."""
        if not call_sid or not self.ledger.first_time(f"missed:{call_sid}", MISSED_ONCE_S):
            return
        values = {"missed": why.value, **({"message": message} if message else {})}
        self._append("missed", PhoneCall(call_sid, caller), self._now(), values)

    def save_call(self, summary: CallSummary) -> None:
        """The same for a call that is over."""
        how: dict[str, object] = {"ended": summary.ended.value}
        how |= {"missed": summary.missed.value} if summary.missed else {}
        how |= {"duration_s": round(summary.duration_s, 1), "turns": summary.turns}
        self._append("call", summary.call, summary.at, {**summary.lead, **how})

    def _append(self, kind: str, call: PhoneCall, at: datetime, values: Mapping[str, object]) -> None:
        when = at.astimezone(ISRAEL).isoformat(timespec="seconds")
        who = {"at": when, "call_sid": call.sid, "caller": call.number}
        hidden = {} if call.number else {"hidden": True}
        # The kind is read first, and is ours whatever a mind calls its details.
        lead = json.dumps({"kind": kind} | {**values} | {"kind": kind} | who | hidden, ensure_ascii=False)
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
        log.info("LEAD_SAVED call=%s", call.sid)

    def can_call_back(self, call_sid: str, caller: str) -> bool:
        """Whether the office has a number: theirs, or one left in this call. May block as ``outcome``."""
        return bool(caller) or self.ledger.number_left(call_sid)

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
