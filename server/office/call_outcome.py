"""What a call leaves behind for others: details of leads, and what shall follow once our side has closed."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from server.call.call_record import CallSummary
from server.config import Config
from server.logs.one_line import in_one_line
from server.office.business_hours import ISRAEL
from server.office.lead import Details, Missed, with_number
from server.office.leads_file import opened
from server.shared_state.memory import shared_store
from server.shared_state.state import Outcome, SharedState
from server.telephony.caller_number import leaves_number
from server.turns.effects import PhoneCall

log = logging.getLogger("agent")

MISSED_ONCE_S = 600.0  # Twilio may ask twice: the first answer can be lost on its way
DISK_S = 0.75  # for a line to be on the disk: a call's end has not much more (F6), and a webhook answers soon


def in_israel() -> datetime:
    return datetime.now(ISRAEL)


class Desk:
    """Shared by the calls and webhooks of a process; any thread.

    The file of leads is JSON Lines. ``kind`` says what a line is: ``rang`` (a caller whom a webhook has let
    in), ``detail`` (at once, whatever comes later), ``call`` (all of a call, at its end) or ``missed`` (a
    caller whom a webhook knows to be lost). All have ``at`` (in Israel), ``call_sid``, ``caller``; a hidden
    number is "", and ``hidden`` is true then.

    What is to be saved waits DISK_S at most for the disk, and is kept in any case: see ``LeadsFile``.
    """

    def __init__(
        self, leads_file: str, shared_state: SharedState, now: Callable[[], datetime] = in_israel
    ) -> None:
        self._leads = opened(leads_file) if leads_file else None
        self._now = now
        self.shared_state = shared_state

    def save_rang(self, call_sid: str, caller: str, *, outbound: bool = False) -> None:
        """A call is let in: should nothing come of it, this is who called. Returns at once. Never raises.

        ``outbound``: we have called them.
        """
        if call_sid:
            values = {"outbound": True} if outbound else {}
            self._append("rang", PhoneCall(call_sid, caller), self._now(), values, within_s=0.0)

    def save_lead(self, call_sid: str, caller: str, details: Details, *, after_call: bool = False) -> None:
        """Append one line to the file of leads; ``caller``: their number. Blocks. Never raises.

        ``after_call``: the call is over, and its own line does not know of it.
        """
        details = with_number(details, caller)
        late = {"after_call": True} if after_call else {}
        self._append("detail", PhoneCall(call_sid, caller), self._now(), {**dict(details), **late})
        if leaves_number(details):
            self.shared_state.note_number(call_sid)

    def save_missed(self, call_sid: str, caller: str, why: Missed, message: str = "") -> None:
        """The same for a caller who was lost; one line a call, however often it is said."""
        if not call_sid or not self.shared_state.first_time(f"missed:{call_sid}", MISSED_ONCE_S):
            return
        values = {"missed": why.value, **({"message": message} if message else {})}
        self._append("missed", PhoneCall(call_sid, caller), self._now(), values)

    def save_call(self, summary: CallSummary) -> None:
        """The same for a call that is over."""
        how: dict[str, object] = {"ended": summary.ended.value}
        how |= {"missed": summary.missed.value} if summary.missed else {}
        how |= {"duration_s": round(summary.duration_s, 1), "turns": summary.turns}
        self._append("call", summary.call, summary.at, {**summary.lead, **how})

    def _append(
        self,
        kind: str,
        call: PhoneCall,
        at: datetime,
        values: Mapping[str, object],
        within_s: float = DISK_S,
    ) -> None:
        when = at.astimezone(ISRAEL).isoformat(timespec="seconds")
        who = {"at": when, "call_sid": in_one_line(call.sid), "caller": in_one_line(call.number)}
        hidden = {} if call.number else {"hidden": True}
        # The kind is read first, and is ours whatever an LLM calls its details.
        lead = json.dumps({"kind": kind} | {**values} | {"kind": kind} | who | hidden, ensure_ascii=False)
        if self._leads is None:
            log.info("LEAD %s", lead)
        else:
            self._leads.add(who["call_sid"], lead, within_s)

    def settle(self, within_s: float) -> bool:
        """The process is about to end: whether all that was saved is on the disk, after one more try."""
        return self._leads is None or self._leads.settle(within_s)

    def can_call_back(self, call_sid: str, caller: str) -> bool:
        """Whether the office has a number: theirs, or one left in this call. May block as ``outcome``."""
        return bool(caller) or self.shared_state.number_left(call_sid)

    def close_call(self, call_sid: str, outcome: Outcome) -> None:
        """Our side is about to close the stream on purpose, and this is what shall follow.

        Blocks until other processes may know, mostly for milliseconds. Never raises.
        """
        self.shared_state.close(call_sid, outcome)

    def outcome(self, call_sid: str) -> Outcome | None:
        """What shall follow on the stream's end; None: our side did not close it on purpose. May block."""
        return self.shared_state.outcome(call_sid)


def open_desk(config: Config) -> Desk:
    """A desk whose ledger is shared as the knobs say, so that any two of the same knobs agree."""
    shared = shared_store(config.redis_url.get_secret_value(), config.state_file)
    return Desk(config.leads_file, SharedState(shared))
