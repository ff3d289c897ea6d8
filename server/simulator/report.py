"""What a call amounts to: whether it did what was asked, a page to read, and JSON for programs."""

import math
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from operator import itemgetter
from typing import Any

from server.core.frames import FRAME_MS
from server.simulator.call import CallRecord
from server.simulator.serverlog import LogEntry
from server.simulator.timeline import NoiseReport, Timeline, TurnReport, analyse


@dataclass(frozen=True)
class Words:
    """What the server's log says about one turn; empty strings when there is no log."""

    heard_as: str = ""
    agent: str = ""


@dataclass(frozen=True)
class CallReport:
    """A finished call with its measurements. ``reasons`` is empty when it did what was asked."""

    record: CallRecord
    timeline: Timeline
    reasons: tuple[str, ...]
    words: tuple[Words, ...] = ()  # the greeting's first, then one a turn
    warnings: tuple[str, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        return not self.reasons


def make_report(
    record: CallRecord, expect_turns: int | None = None, log: list[LogEntry] | None = None
) -> CallReport:
    """Measure and judge. ``expect_turns``: at least so many turns must have been answered."""
    if record.stream is None:
        timeline = Timeline((), (), (), None, 0)
    else:
        script = record.stream.script
        timeline = analyse(script.turns, record.stream.buffer, script.bursts_made)
    reasons = tuple(_judge(record, timeline, expect_turns))
    return CallReport(
        record, timeline, reasons, _match_words(record, timeline, log or []), _warn(record, timeline)
    )


def _judge(record: CallRecord, timeline: Timeline, expect_turns: int | None) -> list[str]:
    reasons = list(record.failures)
    stream = record.stream
    if stream is None:
        return reasons or [f"no media stream: {record.ending}"]
    reasons += [f"protocol error {p.code} at {p.at_s:.2f} s: {p.text}" for p in stream.problems]
    answered = sum(not turn.missed for turn in timeline.turns)
    if expect_turns is not None and answered < expect_turns:
        reasons.append(f"turns answered: {answered}, expected: {expect_turns} or more")
    if stream.script.manners.hang_up_after_s is not None:
        return reasons  # the caller hung up in the middle: what was left undone was meant to be
    if not stream.script.finished:
        steps = stream.script.steps
        reasons.append(f"only {stream.script.done_steps} of the caller's {len(steps)} steps were done")
    reasons += [f"turn {turn.turn.index} was not answered" for turn in timeline.turns if turn.missed]
    return reasons


def _warn(record: CallRecord, timeline: Timeline) -> tuple[str, ...]:
    warnings = [f"turn {t.turn.index} was answered {t.answers} times" for t in timeline.turns if t.double]
    for turn in timeline.turns:
        if turn.turn.meant_to_interrupt and not turn.turn.interrupted:
            warnings.append(f"turn {turn.turn.index} came too late to interrupt: the agent had finished")
        if turn.turn.impatient:
            warnings.append(f"turn {turn.turn.index} was said because the agent said nothing")
    if timeline.underruns:
        warnings.append(f"{timeline.underruns} underruns: the caller heard gaps")
    if record.live and record.live.lateness.worst_s > 0.1:
        warnings.append(
            f"the simulator itself sent frames up to {record.live.lateness.worst_s * 1000:.0f} ms late"
        )
    return tuple(warnings)


def _match_words(record: CallRecord, timeline: Timeline, log: list[LogEntry]) -> tuple[Words, ...]:
    """Give each log entry to its turn.

    The caller's words belong to the turn in whose time they were logged. The agent's are logged when they
    have been heard, which may be after the caller has begun to talk over them: they belong to the turn
    that the last answer before them belongs to.
    """
    if record.live is None or not log:
        return ()
    bounds = [turn.start_s for turn in timeline.turns]
    heard: list[list[str]] = [[] for _ in range(len(bounds) + 1)]
    agent: list[list[str]] = [[] for _ in range(len(bounds) + 1)]
    for entry in log:
        if entry.stream_sid != record.ids.stream_sid:
            continue
        at_s = entry.at_s - record.live.started_s
        if entry.kind == "AGENT_TEXT":
            at_s = max((a.start_s for a in timeline.answers if a.start_s <= at_s), default=at_s)
        turn = sum(bound <= at_s for bound in bounds)
        (heard if entry.kind == "ASR_TEXT" else agent)[turn].append(entry.text)
    return tuple(Words(" | ".join(h), " ".join(a)) for h, a in zip(heard, agent, strict=True))


def as_text(report: CallReport) -> str:
    """The page that is printed after a call."""
    record, timeline = report.record, report.timeline
    lines = [f"Call {record.ids.call_sid}  stream {record.ids.stream_sid}"]
    lines += [
        f"  {e.method} {e.url} → {e.status or 'no answer'} in {e.took_ms:.0f} ms" for e in record.exchanges
    ]
    if record.stream_url:
        lines.append(f"  WebSocket {record.stream_url}")
    lines += ["", "Timeline (seconds since the stream started)", *_events(report), "", "Dialogue"]
    if timeline.greeting_s is not None:
        lines.append(
            f"  Greeting        after {timeline.greeting_s * 1000:.0f} ms  {_words(report, 0).agent}".rstrip()
        )
    for turn, after in zip_longest(timeline.turns, timeline.turns[1:]):
        cut = after is not None and after.barge_in is not None
        lines += _turn_lines(turn, _words(report, turn.turn.index), cut=cut)
    lines += ["", f"Ended: {record.ending}" + (f" ({record.live.ending})" if record.live else "")]
    lines += [f"Note: {warning}" for warning in report.warnings]
    lines += [f"FAILED: {reason}" for reason in report.reasons]
    if report.ok:
        answered = sum(not turn.missed for turn in timeline.turns)
        lines.append(f"OK: {answered} of {len(timeline.turns)} turns answered")
    return "\n".join(lines)


def _words(report: CallReport, turn: int) -> Words:
    return report.words[turn] if turn < len(report.words) else Words()


def _turn_lines(turn: TurnReport, words: Words, *, cut: bool) -> list[str]:
    lines = [f"  {turn.turn.index}. Caller said  {turn.turn.text}"]
    if words.heard_as:
        lines.append(f"     Heard as     {words.heard_as}")
    if words.agent:
        lines.append(f"     Agent answered {words.agent}" + (" … (interrupted)" if cut else ""))
    gap = "none: not answered" if turn.gap_s is None else f"{turn.gap_s * 1000:.0f} ms"
    lines.append(f"     Response gap {gap}")
    if turn.barge_in is not None:
        cleared = turn.barge_in.clear_ms
        clear = "without a clear" if cleared is None else f"clear after {cleared:.0f} ms"
        lines.append(f"     Barge-in     agent silent after {turn.barge_in.silent_ms:.0f} ms, {clear}")
    return lines


def _events(report: CallReport) -> list[str]:
    """Everything with a time, in order, one line each."""
    timeline, stream = report.timeline, report.record.stream
    if stream is None:
        return ["  (no stream)"]
    events = [(c.at_s, f"server  · clear, {c.dropped_bytes / 8:.0f} ms dropped") for c in timeline.clears]
    events += [
        (a.start_s, f"agent   ├ speaks until {a.end_s:.2f}" + (" (cut)" if a.cut else ""))
        for a in timeline.answers
    ]
    events += [(t.start_s, f"caller  ┤ {t.turn.text!r} until {t.end_s:.2f}") for t in timeline.turns]
    events += [(n.at_s, f"caller  * {n.kind}: {_effect(n)}") for n in timeline.noises]
    events += [(u.at_s, f"server  · UNDERRUN of {u.gap_s * 1000:.0f} ms") for u in stream.buffer.underruns]
    events += [(p.at_s, f"server  · PROTOCOL ERROR {p.code} {p.text}") for p in stream.problems]
    return [f"  {at_s:7.2f}  {text}" for at_s, text in sorted(events, key=itemgetter(0))]


def _effect(noise: NoiseReport) -> str:
    if noise.clear_ms is None or noise.pause_ms is None:
        return "the agent was not stopped"
    then = "was lost" if math.isinf(noise.pause_ms) else f"went on {noise.pause_ms:.0f} ms later"
    return f"the agent stopped after {noise.clear_ms:.0f} ms and {then}"


def as_json(report: CallReport) -> dict[str, Any]:
    """Plain data; times in seconds or milliseconds as their names say."""
    record, timeline = report.record, report.timeline
    stream = record.stream
    return {
        "ok": report.ok,
        "reasons": list(report.reasons),
        "warnings": list(report.warnings),
        "call_sid": record.ids.call_sid,
        "stream_sid": record.ids.stream_sid,
        "stream_url": record.stream_url,
        "ending": record.ending,
        "stream_ending": record.live.ending if record.live else None,
        "exchanges": [asdict(exchange) for exchange in record.exchanges],
        "parameters": dict(stream.parameters) if stream else {},
        "greeting_ms": _ms(timeline.greeting_s),
        "underruns": timeline.underruns,
        "worst_send_late_ms": _ms(record.live.lateness.worst_s if record.live else None),
        "stream_s": stream.frames_sent * FRAME_MS / 1000 if stream else 0.0,
        "agent_audible": [asdict(interval) for interval in timeline.agent],
        "answers": [asdict(answer) for answer in timeline.answers],
        "clears": [asdict(clear) for clear in timeline.clears],
        "noises": [_noise_json(noise) for noise in timeline.noises],
        "marks": [asdict(echo) for echo in stream.buffer.echoes] if stream else [],
        "turns": [_turn_json(turn, _words(report, turn.turn.index)) for turn in timeline.turns],
    }


def _turn_json(turn: TurnReport, words: Words) -> dict[str, Any]:
    return {
        "index": turn.turn.index,
        "kind": turn.turn.kind,
        "text": turn.turn.text,
        "heard_as": words.heard_as,
        "agent": words.agent,
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "answers": turn.answers,
        "response_gap_ms": _ms(turn.gap_s),
        "interrupted": turn.turn.interrupted,
        "barge_in": asdict(turn.barge_in) if turn.barge_in else None,
    }


def _noise_json(noise: NoiseReport) -> dict[str, Any]:
    lost = noise.pause_ms is not None and math.isinf(noise.pause_ms)
    return asdict(noise) | {"pause_ms": None if lost else noise.pause_ms, "lost": lost}


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
