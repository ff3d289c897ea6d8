"""When a call has left all that it will, whether that is a lead, and the lead as one document. Pure.

Lines of several processes and hosts make a lead (``server.office.leads.CallLines``), so that it is known to
be whole by what they say and by how long nothing has come: nobody has to tell anybody.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from server.call.call_record import MADE_UP_FOR, Ended
from server.delivery.summary import by_rules
from server.office.lead import Missed
from server.office.leads import CallLines, row_of
from server.telephony.caller_number import bare_number, number_to_call

VERSION = 1
SETTLED = timedelta(seconds=10)  # last words are understood for six seconds behind a call (F6)
# A person's telephone rings for half a minute, and Twilio asks again what was not answered within 15 s.
FOLLOWED = timedelta(seconds=90)
SUMMARISED = timedelta(seconds=25)  # then the rules sum it up
FOLLOWED_BY_WEBHOOKS = frozenset({Ended.TRANSFER, *MADE_UP_FOR})
CUT_OFF = "cut_off"  # in the place of a Missed: they rang, and nothing more is known


@dataclass(frozen=True)
class LeadLines:
    """What the database holds of a lead. ``ids``: the lines' rows. ``first``, ``last``: when they came."""

    lead: str
    lines: tuple[Mapping[str, Any], ...]
    ids: tuple[int, ...]
    first: datetime
    last: datetime

    @property
    def call(self) -> CallLines:
        call = CallLines(str(self.lines[0].get("call_sid", "")))
        for line in self.lines:
            call.take(line)
        return call


def whole_at(found: LeadLines, longest: timedelta, *, summarised: bool) -> datetime:
    """When nothing will come any more. ``longest``: no call is longer.

    ``summarised``: a line with the LLM's summary is expected behind a call in which somebody spoke.
    """
    kinds = found.call.kinds
    if not found.call.call_sid:
        return found.last  # nothing else can belong to it
    whole = kinds.get("call")
    if whole is None or _goes_on(found):
        # A webhook knows more of a call than that it began; of one that was killed nobody tells more.
        return found.last + FOLLOWED if "missed" in kinds else max(found.first + longest, found.last)
    wait = FOLLOWED if whole.get("ended") in FOLLOWED_BY_WEBHOOKS else SETTLED
    if summarised and "summary" not in kinds and whole.get("missed") != Missed.NO_WORD:
        wait = max(wait, SUMMARISED)
    return found.last + wait


def _goes_on(found: LeadLines) -> bool:
    """F8: of each socket that failed another one has taken it up, and of the last nothing is known yet.

    Who was killed writes no line, and a lost connection may be noticed behind the taking up.
    """
    ends = [line.get("ended") for line in found.lines if line.get("kind") == "call"]
    taken_up = sum(line.get("kind") == "goes_on" for line in found.lines)
    return taken_up >= len(ends) and all(ended in MADE_UP_FOR for ended in ends)


def is_lead(call: CallLines) -> bool:
    """They left something, or the office should know that it has missed them.

    Not who speaks with a person now and left nothing, and not whom we called and did not reach.
    """
    if call.only_rang:
        return not call.first("outbound")
    return bool(call.missed or call.lead)


def document(found: LeadLines, now: datetime) -> dict[str, Any]:
    """The lead as a CRM gets it (docs/leads.md). ``now`` knows its zone."""
    call = found.call
    details = call.lead
    caller = e164(call.first("caller"))
    return {
        "version": VERSION,
        "id": found.lead,
        "call_sid": call.call_sid,
        "at": call.first("at"),
        "caller": caller,
        "hidden": not caller,
        "outbound": bool(call.first("outbound")),
        "phone": e164(details.get("phone", "")) or caller,
        "missed": CUT_OFF if call.only_rang else call.missed,
        "ended": call.first("ended"),
        "duration_s": _number(call.first("duration_s")),
        "turns": _number(call.first("turns")),
        "what_happened": call.what_happened(now),
        "details": details,
        "summary": summary_of(call, now),
    }


def letter(found: LeadLines, now: datetime) -> dict[str, Any]:
    """What an e-mail is written of: the row of ``./start_all.sh leads``, and the summary."""
    call = found.call
    return {"id": found.lead, "row": row_of(call, now), "summary": summary_of(call, now)}


def summary_of(call: CallLines, now: datetime) -> str:
    return call.kinds.get("summary", {}).get("summary", "") or by_rules(row_of(call, now))


def as_text(payload: Mapping[str, Any]) -> str:
    """As it is kept and sent: the signature is of these very bytes."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").decode()


def e164(phone: str) -> str:
    """``+972501234567`` however it is written; what cannot be dialled is nothing."""
    return f"+{bare_number(phone)}" if phone and number_to_call(phone) else ""


def _number(text: str) -> float | int | None:
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return None


def lines_of(texts: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    """Lines as they stand in the database."""
    return tuple(json.loads(text) for text in texts)
