"""A call, or the parts of one that was taken up (F8), as data that a page draws. Pure, and JSON-able.

Decisions and words are the record's, by the same functions that ``./start_all.sh call`` prints with; waves,
states, providers and the level that a voice had to reach are the event log's. All times are milliseconds
since the first part began, by each part's frame clock.
"""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

from server.event_log.reader import EventLog, clock
from server.logs.redaction import Mode, PrivateText
from server.records.decisions_he import isolated
from server.records.facts import CallFacts, TurnFacts
from server.records.shown import call_head
from server.records.shown_he import ENDS, call_head_he
from server.timeline.flags import barge_ins_of, flags_of, gaps_of, turn_plain
from server.timeline.lanes import HANDED_OVER, HUNG_UP, OVER, Lanes, lanes_of
from server.timeline.levels import Levels, levels_of
from server.timeline.words import words_of

Json = dict[str, Any]
STRICTEST_FIRST: tuple[Mode, ...] = ("off", "redacted", "full")
LOGGED_BY_DEFAULT: Mode = "redacted"
TAKEN_UP = "taken up (F8)"
ENDS_HE = {
    TAKEN_UP: "נמשכה אחרי ניתוק (F8)",
    HANDED_OVER: "הועברה לנציג",
    HUNG_UP: "הסוכן ניתק",
}
REPLAY = ".venv/bin/python -m server.replay"


@dataclass(frozen=True)
class Part:
    """What is kept of one. ``file``: its event log, as a command names it. ``lacks``: why there is none.

    ``sound``: where a page finds its recording; empty: nowhere.
    """

    call: CallFacts
    turns: Sequence[TurnFacts]
    log: EventLog | None = None
    file: str = ""
    lacks: str = ""
    sound: str = ""


@dataclass
class _Read:
    """One part, and where it begins."""

    part: Part
    offset: int
    turns_before: int = 0  # in the parts before it
    lanes: Lanes | None = None
    levels: Levels | None = None
    lacks: list[str] = field(default_factory=list)

    @property
    def end(self) -> int:
        """Of all that is known of it."""
        turns = max((turn.ended_ms for turn in self.part.turns), default=0)
        known = max(turns, self.part.call.duration_ms)
        return self.offset + max(known, self.lanes.length if self.lanes is not None else 0)


def mode_of(log: EventLog, now: Mode) -> Mode:
    """What words of it may be shown: the stricter of then and now."""
    then = log.header.knobs.get("LOG_TRANSCRIPTS", LOGGED_BY_DEFAULT)
    return next(mode for mode in STRICTEST_FIRST if mode in (then, now))


def timeline_data(parts: Sequence[Part], zone: tzinfo, mode: Mode) -> Json:
    """``mode``: of LOG_TRANSCRIPTS. Computes for some seconds where there is an hour of logs."""
    read: list[_Read] = []
    for part in parts:
        before = sum(len(one.part.turns) for one in read)
        read.append(_read(_Read(part, _offset(part, read), before), mode))
    return {
        "version": 1,
        "sid": parts[0].call.sid,
        "head": [call_head(part.call, list(part.turns), zone) for part in parts],
        "head_he": [call_head_he(part.call, list(part.turns), zone) for part in parts],
        "length": max(one.end for one in read),
        "lacks": [remark for one in read for remark in one.lacks],
        "parts": [{"at": one.offset, "sid": one.part.call.sid} for one in read],
        "levels": [{"at": one.offset, **one.levels.plain()} for one in read if one.levels is not None],
        "states": _each(read, _states),
        "turns": _each(read, lambda one: [turn_plain(turn, one.offset) for turn in one.part.turns]),
        "flags": _each(
            read, lambda one: [flag for turn in one.part.turns for flag in flags_of(turn, one.offset)]
        ),
        "words": _each(read, _words),
        "gaps": _each(read, _gaps),
        "barge_ins": _each(read, lambda one: [cut.plain(one.offset) for cut in barge_ins_of(one.part.turns)]),
        "providers": _each(read, _providers),
        "clears": _each(read, _clears),
        "ends": _each(read, _ends),
        "sounds": [{"at": one.offset, "src": one.part.sound} for one in read if one.part.sound],
        "logs": [
            {
                "at": one.offset,
                "began": one.lanes.began if one.lanes is not None else 0,
                "replay": f"{REPLAY} {shlex.quote(one.part.file)}",
            }
            for one in read
            if one.part.file
        ],
    }


def _offset(part: Part, before: Sequence[_Read]) -> int:
    """By the wall; never in the part before it."""
    if not before:
        return 0
    since = part.call.at - before[0].part.call.at
    return max(before[-1].end, round(since.total_seconds() * 1000))


def _read(read: _Read, mode: Mode) -> _Read:
    part = read.part
    why = [part.lacks] if part.log is None else [part.lacks, part.log.torn]
    read.lacks += [f"{part.call.sid}: {one}" for one in why if one]
    if part.log is None:
        return read
    read.lanes = lanes_of(part.log, PrivateText(mode_of(part.log, mode)))
    read.levels, difference = levels_of(part.log)
    if difference is not None:
        at = clock(difference.at_ms)
        read.lacks.append(
            f"{part.call.sid}: from {at} on this program would decide otherwise: the bar is not known there"
        )
    return read


def _each(read: Sequence[_Read], of: Callable[[_Read], list[Json]]) -> list[Json]:
    """Of all parts; ``turn`` becomes the turn's place among those of all parts, from 0."""
    items = []
    for one in read:
        places = {turn.number: one.turns_before + n for n, turn in enumerate(one.part.turns)}
        for item in of(one):
            items.append({**item, "turn": places.get(item["turn"])} if "turn" in item else item)
    return items


def _states(one: _Read) -> list[Json]:
    if one.lanes is None:
        return []
    states = one.lanes.states
    ends = [*(at for at, _ in states[1:]), one.lanes.length]
    return [
        {"from": one.offset + at, "to": one.offset + end, "state": name}
        for (at, name), end in zip(states, ends, strict=True)
        if end > at
    ]


def _words(one: _Read) -> list[Json]:
    return [word.plain(one.offset) for word in words_of(one.part.turns, one.lanes, one.levels)]


def _gaps(one: _Read) -> list[Json]:
    """Without an event log nobody knows when they were: they stand in the turns."""
    return [] if one.lanes is None else list(gaps_of(one.part.turns, one.lanes, one.offset))


def _providers(one: _Read) -> list[Json]:
    if one.lanes is None:
        return []
    return [asked.plain(one.offset, one.lanes.length) for asked in one.lanes.asked]


def _clears(one: _Read) -> list[Json]:
    cleared = one.lanes.clears if one.lanes is not None else []
    return [{"at": one.offset + at, "ms": ms} for at, ms in cleared]


def _ends(one: _Read) -> list[Json]:
    """Where it was taken up, and how it ended."""
    call, lanes = one.part.call, one.lanes
    ends = [(0, TAKEN_UP)] if lanes is not None and lanes.taken_up is not None else []
    ends += lanes.ends if lanes is not None else []
    told = f"the call is over: {call.ended or 'nobody knows how'}"
    if OVER not in (what for _, what in ends) and call.ended:
        ends.append((one.end - one.offset, OVER))
    told_he = f"השיחה נגמרה: {isolated(ENDS[call.ended]) if call.ended in ENDS else 'לא ידוע איך'}"
    return [
        {
            "at": one.offset + at,
            "text": told if what == OVER else what,
            "text_he": told_he if what == OVER else ENDS_HE[what],
        }
        for at, what in ends
    ]
