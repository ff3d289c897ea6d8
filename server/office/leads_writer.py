"""What a call leaves behind for the office: who called, what was said, how it ended; a line of JSON each."""

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
from server.shared_state.state import Once, Outcome, SharedState, shared_state_of
from server.telephony.caller_number import leaves_number
from server.turns.effects import PhoneCall

log = logging.getLogger("agent")

MISSED_ONCE_S = 600.0  # Twilio may ask twice: the first answer can be lost on its way
DISK_S = 0.75  # for a line to be on the disk: a call's end has not much more (F6), and a webhook answers soon


def in_israel() -> datetime:
    return datetime.now(ISRAEL)


class LeadsWriter:
    """Writes the leads of a process's calls and webhooks. Any thread.

    The file is JSON Lines. ``kind`` says what a line is: ``rang`` (a caller whom a webhook has let
    in), ``detail`` (at once, whatever comes later), ``call`` (all of a call, at the end of its socket),
    ``goes_on`` (at another one, F8) or ``missed`` (a caller whom a webhook knows to be lost). All have
    ``at`` (in Israel), ``call_sid``, ``caller``; a hidden number is "", and ``hidden`` is true then.
    ``summary``: of a call, by an LLM, where one is asked.

    What is to be saved waits DISK_S at most for the disk, and is kept in any case: see ``LeadsFile``.
    """

    def __init__(
        self,
        leads_file: str,
        shared_state: SharedState,
        now: Callable[[], datetime] = in_israel,
        also: Callable[[str, str], None] | None = None,
    ) -> None:
        """``also(call_sid, line)`` gets each line too, before the disk does; returns at once."""
        self._leads = opened(leads_file) if leads_file else None
        self._shared_state = shared_state
        self._now = now
        self._also = also

    def save_rang(self, call_sid: str, caller: str, *, outbound: bool = False) -> None:
        """A call is let in: should nothing come of it, this is who called. Returns at once. Never raises.

        ``outbound``: we have called them.
        """
        if call_sid:
            values = {"outbound": True} if outbound else {}
            self._append("rang", PhoneCall(call_sid, caller), self._now(), values, within_s=0.0)

    def save_goes_on(self, call_sid: str, caller: str) -> None:
        """Its socket has failed, and the call is not over (F8). Returns at once. Never raises."""
        self._append("goes_on", PhoneCall(call_sid, caller), self._now(), {}, within_s=0.0)

    def save_lead(self, call_sid: str, caller: str, details: Details, *, after_call: bool = False) -> None:
        """Append one line to the file of leads; ``caller``: their number. Blocks. Never raises.

        ``after_call``: the call is over, and its own line does not know of it.
        """
        details = with_number(details, caller)
        late = {"after_call": True} if after_call else {}
        self._append("detail", PhoneCall(call_sid, caller), self._now(), {**dict(details), **late})
        if leaves_number(details):
            self._shared_state.note_number(call_sid)

    def save_missed(self, call_sid: str, caller: str, why: Missed, message: str = "") -> None:
        """The same for a caller who was lost; one line a call, however often it is said."""
        if not call_sid or not self._shared_state.first_time(Once(f"missed:{call_sid}", MISSED_ONCE_S)):
            return
        values = {"missed": why.value, **({"message": message} if message else {})}
        self._append("missed", PhoneCall(call_sid, caller), self._now(), values)

    def save_call(self, summary: CallSummary) -> None:
        """The same for a call that is over."""
        how: dict[str, object] = {"ended": summary.ended.value}
        how |= {"missed": summary.missed.value} if summary.missed else {}
        how |= {"duration_s": round(summary.duration_s, 1), "turns": summary.turns}
        self._append("call", summary.call, summary.at, {**summary.lead, **how})

    def save_summary(self, call: PhoneCall, summary: str) -> None:
        """The same for what an LLM makes of a call that is over."""
        self._append("summary", call, self._now(), {"summary": summary})

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
        if self._also is not None:
            self._also(who["call_sid"], lead)
        if self._leads is None:
            log.info("LEAD %s", lead)
        else:
            self._leads.add(who["call_sid"], lead, within_s)

    def settle(self, within_s: float) -> bool:
        """The process is about to end: whether all that was saved is on the disk, after one more try."""
        return self._leads is None or self._leads.settle(within_s)

    def can_call_back(self, call_sid: str, caller: str) -> bool:
        """Whether the office has a number: theirs, or one left in this call. May block for half a second."""
        return bool(caller) or self._shared_state.number_left(call_sid)


CloseCall = Callable[[str, Outcome], None]  # a CallSid, and what shall follow; may block for half a second


def office_of(
    config: Config, leads: LeadsWriter | None, close_call: CloseCall | None
) -> tuple[LeadsWriter, CloseCall]:
    """Both as they are given, else of its own for a call that is no application's: as the knobs say."""
    if leads and close_call:
        return leads, close_call
    own = shared_state_of(config.redis_url.get_secret_value(), config.state_file)
    return leads or LeadsWriter(config.leads_file, own), close_call or own.close
