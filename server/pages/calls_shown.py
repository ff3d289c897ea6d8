"""Calls and turns as the pages show them, in the reader's language; what others said is legible. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from server.logs.one_line import in_one_line
from server.office.business_hours import ISRAEL
from server.pages.calls_words import Words
from server.records.decisions import DECISIONS
from server.records.decisions_he import DECISIONS_HE, why_he
from server.records.facts import CallFacts, Decision, Gap, TurnFacts
from server.records.queries import PART, whole_sid
from server.records.shown import PARTS, minutes, tenths
from server.records.trouble import SLOW_MS, troubles_of

LONG_CALLER = 40  # characters: a SIP address may be any
LONGEST_SUMMARY = 300
BAR = 100  # the width of a gap's bar, in its own units
LTR, END = "\u2066", "\u2069"
_DIGITS = re.compile(r"(?:…|\+)?\d[\d-]{3,}")  # what may be a telephone number, or the end of one
WEEKDAYS = {True: "בגדהושא", False: ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}


@dataclass(frozen=True)
class Badge:
    kind: str
    text: str


@dataclass(frozen=True)
class Row:
    """A call in the list."""

    sid: str  # of the whole call
    part: bool
    at: str
    day: str
    time: str
    who: str
    what: str
    long: str
    turns: int
    gap: str
    slow: bool
    ended: str
    bad: tuple[Badge, ...]


@dataclass(frozen=True)
class Slice:
    """A part of a gap: where it stands in the bar."""

    name: str
    text: str
    at: float
    width: float


@dataclass(frozen=True)
class Wait:
    total: str
    slow: bool
    wall: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class Reason:
    """A decision: when, by which rule, what it means, and what was particular to it."""

    at: str
    rule: str
    text: str
    why: str


@dataclass(frozen=True)
class Turn:
    number: int
    began: str
    span: str
    flags: tuple[str, ...]
    caller: str
    agent: str
    said_by: str
    unheard: tuple[str, ...]
    wait: Wait | None
    errors: tuple[str, ...]
    decisions: tuple["Reason", ...]


@dataclass(frozen=True)
class Part:
    """A call, or one part of a call that was taken up (F8)."""

    sid: str
    row: Row
    lead: tuple[tuple[str, str], ...]
    knobs: tuple[tuple[str, str], ...]
    false: int
    barge_ins: int
    host: str
    turns: tuple[Turn, ...]


def row_of(call: CallFacts, turns: Sequence[TurnFacts], say: Words) -> Row:
    at = call.at.astimezone(ISRAEL)
    return Row(
        sid=whole_sid(call.sid),
        part=PART in call.sid,
        at=at.isoformat(timespec="seconds"),
        day=day_in_words(at, say),
        time=f"{at:%H:%M}",
        who=who(call, say),
        what=ltr(in_one_line(call.summary, LONGEST_SUMMARY)),
        long=minutes(call.duration_ms),
        turns=call.turns,
        gap=say.seconds(call.worst_gap_ms) if call.worst_gap_ms else "–",
        slow=call.worst_gap_ms > SLOW_MS,
        ended=in_one_line(say.ended(call.ended), LONG_CALLER),
        bad=tuple(Badge(one.kind, in_one_line(say.trouble(one), 100)) for one in troubles_of(call, turns)),
    )


def part_of(call: CallFacts, turns: Sequence[TurnFacts], shown: Sequence[TurnFacts], say: Words) -> Part:
    """``shown``: those of ``turns`` that this page has."""
    longest = max([SLOW_MS, *(turn.gap.total_ms for turn in turns if turn.gap)])
    return Part(
        sid=call.sid,
        row=row_of(call, turns, say),
        lead=tuple((in_one_line(say.lead(name)), ltr(in_one_line(text))) for name, text in call.lead),
        knobs=tuple((in_one_line(name), in_one_line(value)) for name, value in call.knobs),
        false=call.false_barge_ins,
        barge_ins=call.barge_ins,
        host=in_one_line(call.host),
        turns=tuple(turn_of(turn, longest, say) for turn in shown),
    )


def turn_of(turn: TurnFacts, longest_ms: int, say: Words) -> Turn:
    flags = [say.turn_ended(turn.ended)]
    flags += [say("false")] * bool(turn.false_barge_ins)
    flags += [say("dropped")] * bool(turn.speculative_dropped)
    told = [one for one in turn.decisions if one.what != "unheard"]
    return Turn(
        number=turn.number,
        began=tenths(turn.began_ms),
        span=f"{tenths(turn.began_ms)}–{tenths(turn.ended_ms)}",
        flags=tuple(filter(None, flags)),
        caller=in_one_line(turn.caller),
        agent=in_one_line(turn.agent),
        said_by=say.said_by(turn.said_by),
        unheard=tuple(in_one_line(one.why) for one in turn.decisions if one.what == "unheard"),
        wait=None if turn.gap is None else wait_of(turn.gap, longest_ms, say),
        errors=tuple(map(in_one_line, turn.errors)),
        decisions=tuple(reason_of(one, say) for one in told),
    )


def reason_of(one: Decision, say: Words) -> Reason:
    """What a later version has decided is told as it is named."""
    meaning = (DECISIONS_HE if say.he else DECISIONS).get((one.rule, one.what), one.what)
    why = why_he(one.rule, one.what, one.why) if say.he else one.why
    return Reason(tenths(one.at_ms), in_one_line(one.rule), in_one_line(meaning), in_one_line(why))


def wait_of(gap: Gap, longest_ms: int, say: Words) -> Wait:
    """The longest wait of the call is as long as the bar."""
    slices, at = [], 0.0
    for name in PARTS:
        ms = getattr(gap, name)
        if ms:
            width = BAR * ms / max(longest_ms, 1)
            text = f"{say.gap_part(name)} {ms / 1000:.2f}"
            slices.append(Slice(name.removesuffix("_ms"), text, round(at, 2), round(width, 2)))
            at += width
    wall = "" if gap.wall_ms is None else say("by wall", f"{gap.wall_ms / 1000:.2f}")
    return Wait(say.seconds(gap.total_ms), gap.total_ms > SLOW_MS, wall, tuple(slices))


def who(call: CallFacts, say: Words) -> str:
    """Their name, where they left one, and the number as far as it is kept."""
    number = ltr(in_one_line(call.caller, LONG_CALLER)) or say("hidden")
    name = in_one_line(dict(call.lead).get("name", ""), LONG_CALLER)
    return f"{name}, {number}" if name else number


def ltr(text: str) -> str:
    """Numbers in it stay as they are written, whatever is around them."""
    return _DIGITS.sub(f"{LTR}\\g<0>{END}", text)


def day_in_words(at: datetime, say: Words) -> str:
    day = WEEKDAYS[say.he][at.weekday()]
    return f"יום {day}׳ {at:%d/%m/%Y}" if say.he else f"{day} {at:%d/%m/%Y}"


def midnight(now: datetime, days: int = 0) -> datetime:
    """The beginning of today in Israel, or of a day before or behind it."""
    day = now.astimezone(ISRAEL).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=days)
