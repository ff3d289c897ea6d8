"""Calls as somebody reads them in a terminal: a row each, or one as a story. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import datetime, tzinfo
from typing import Any

from server.records.decisions import in_words
from server.records.facts import CallFacts, Gap, TurnFacts
from server.records.table import cell, rows
from server.records.trouble import troubles

HEADER = ("call", "when", "who", "long", "turns", "gap", "cut in", "ended", "what it was")
SHORT_SID = 12  # enough of it for `call`
MOST_WHO, MOST_NOTE = 16, 100
MOST_NAMES = 20
HIDDEN, RUNNING, NONE = "hidden", "–", "–"
SAYS = {"llm": "", "line": " (a fixed line)", "rest": " (the rest of what was interrupted)"}
PARTS = {
    "closing_silence_ms": "silence",
    "stt_ms": "STT",
    "llm_ms": "LLM",
    "tts_ms": "TTS",
    "breath_ms": "breath",
}


def calls_table(calls: Iterable[tuple[CallFacts, Sequence[TurnFacts]]], zone: tzinfo, *, bad: bool) -> str:
    """A row a call, in order; ``bad``: those alone that somebody should look at, and why."""
    lines = []
    for call, turns in calls:
        why = troubles(call, turns) if bad else ()
        if why or not bad:
            lines.append(_row(call, "; ".join(why) if bad else call.summary, zone))
    return "\n".join(rows((*HEADER[:-1], "why") if bad else HEADER, lines)) + "\n" if lines else ""


def _row(call: CallFacts, note: str, zone: tzinfo) -> list[str]:
    cut_in = str(call.barge_ins) + (f" ({call.false_barge_ins} for nothing)" if call.false_barge_ins else "")
    return [
        cell(call.sid[:SHORT_SID]),
        f"{call.at.astimezone(zone):%d/%m/%Y %H:%M}",
        cell(call.caller or HIDDEN, MOST_WHO),
        minutes(call.duration_ms),
        str(call.turns),
        seconds(call.worst_gap_ms) if call.turns else NONE,
        cut_in,
        cell(call.ended or RUNNING),
        cell(note, MOST_NOTE),
    ]


def names_table(calls: Sequence[CallFacts], zone: tzinfo) -> str:
    """Calls whose names begin alike, whole, for somebody to choose."""
    lines = [
        [cell(call.sid), f"{call.at.astimezone(zone):%d/%m/%Y %H:%M:%S}", cell(call.caller or HIDDEN)]
        for call in calls[:MOST_NAMES]
    ]
    more = [f"… and {len(calls) - MOST_NAMES} more"] * (len(calls) > MOST_NAMES)
    return "\n".join(["more than one call is named so:", *rows(("call", "when", "who"), lines), *more])


def call_story(call: CallFacts, turns: Iterable[TurnFacts], zone: tzinfo) -> str:
    """The whole call: who, how it went, turn by turn, and why."""
    turns = list(turns)
    lines = call_head(call, turns, zone)
    for turn in turns:
        lines += ["", *turn_lines(turn)]
    return "\n".join(lines) + "\n"


def call_head(call: CallFacts, turns: Sequence[TurnFacts], zone: tzinfo) -> list[str]:
    """What stands above its turns."""
    how = f"ended: {call.ended}" if call.ended else "goes on, or its process was killed"
    slowest = f", the slowest after {seconds(call.worst_gap_ms)}" if call.turns else ""
    counts = f"{count(call.turns, 'answer')}{slowest}"
    lines = [
        f"{cell(call.sid)}  {call.at.astimezone(zone):%d/%m/%Y %H:%M:%S}  {cell(call.caller or HIDDEN)}",
        f"{minutes(call.duration_ms)}, {how}, {counts}",
    ]
    lines += [cell(call.summary)] if call.summary else []
    lines += [f"left: {cell(f'{name}: {text}')}" for name, text in call.lead]
    lines += [f"look at it: {cell(why)}" for why in troubles(call, turns)]
    lines += [f"set: {cell(f'{name}={value}')}" for name, value in call.knobs]
    return lines + ([f"event log: {cell(call.event_log)}"] if call.event_log else [])


def turn_lines(turn: TurnFacts) -> list[str]:
    flags = [turn.ended] if turn.ended != "heard" else []
    flags += [count(turn.barge_ins, "barge-in")] * bool(turn.barge_ins)
    flags += ["went on behind it"] * bool(turn.false_barge_ins)
    early = turn.speculative_dropped
    flags += [f"{count(early, 'early start')} dropped"] * bool(early)
    head = f"{turn.number:>3}  {tenths(turn.began_ms)}–{tenths(turn.ended_ms)}"
    lines = [f"{head}  {', '.join(flags)}".rstrip()]
    if turn.caller:
        lines.append(f"     caller  {cell(turn.caller)}")
    if turn.agent:
        lines.append(f"     agent   {cell(turn.agent)}{SAYS.get(turn.said_by, '')}")
    lines += [f"             [not heard: {cell(one)}]" for one in unheard_of(turn)]
    if turn.gap is not None:
        lines.append(f"     gap     {gap_in_words(turn.gap)}")
    lines += [f"     failed  {cell(error)}" for error in turn.errors]
    told = [one for one in turn.decisions if one.what != "unheard"]
    lines += [f"     {tenths(one.at_ms)}  {cell(in_words(one.rule, one.what, one.why))}" for one in told]
    return lines


def unheard_of(turn: TurnFacts) -> list[str]:
    """What the caller did not hear of its answer."""
    return [one.why for one in turn.decisions if one.what == "unheard"]


def gap_in_words(gap: Gap) -> str:
    """ "0.84 s = silence 0.62 + STT 0.04 + …"; parts of no time are left out."""
    parts = ((name, getattr(gap, field)) for field, name in PARTS.items())
    told = " + ".join(f"{name} {ms / 1000:.2f}" for name, ms in parts if ms)
    wall = f" ({gap.wall_ms / 1000:.2f} by the wall)" if gap.wall_ms is not None else ""
    return f"{gap.total_ms / 1000:.2f} s = {told}{wall}"


def as_json(call: CallFacts, turns: Sequence[TurnFacts] | None = None) -> str:
    """One line; ``turns`` None: without them. Its names are those of ``server.records.facts``."""
    told: dict[str, Any] = {one.name: getattr(call, one.name) for one in fields(call)}
    told.update(at=call.at.isoformat(), lead=dict(call.lead), knobs=dict(call.knobs))
    if turns is not None:
        told |= {"bad": troubles(call, turns), "story": [asdict(turn) for turn in turns]}
    return json.dumps(told, ensure_ascii=False)


def count(number: int, one: str) -> str:
    """ "1 call", "2 calls", "no calls"."""
    return f"{number or 'no'} {one}{'' if number == 1 else 's'}"


def minutes(ms: int) -> str:
    """m:ss"""
    return f"{ms // 60_000}:{ms // 1000 % 60:02}"


def tenths(ms: int) -> str:
    """m:ss.t"""
    return f"{minutes(ms)}.{ms // 100 % 10}"


def seconds(ms: int) -> str:
    return f"{ms / 1000:.2f} s"


def day_of(text: str, zone: tzinfo) -> datetime:
    """The beginning of "2026-11-29" there. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zone)
