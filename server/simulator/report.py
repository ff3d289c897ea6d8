"""The report on a call: whether it succeeded, a page for people, and JSON for programs."""

import math
from dataclasses import asdict, dataclass, field, replace
from operator import itemgetter
from typing import Any

from server.audio.frames import FRAME_MS
from server.hebrew.understand.speech_acts import wants_person
from server.simulator.call import CallRecord
from server.simulator.script import CallerScript, Turn
from server.simulator.serverlog import LogEntry
from server.simulator.timeline import NoiseReport, Timeline, TurnReport, analyse
from server.simulator.words import CallWords, Words, match_words

PERSON_KEY = "0"


@dataclass(frozen=True)
class CallReport:
    """A finished call with its measurements. ``reasons``: why it failed; empty if it succeeded."""

    record: CallRecord
    timeline: Timeline
    reasons: tuple[str, ...]
    words: CallWords = CallWords()
    warnings: tuple[str, ...] = field(default_factory=tuple)

    @property
    def ok(self) -> bool:
        return not self.reasons


def make_report(
    record: CallRecord, expect_turns: int | None = None, log: list[LogEntry] | None = None
) -> CallReport:
    """Measures and judges a call. ``expect_turns``: the least number of turns that must be answered."""
    if record.stream is None or record.earlier:  # what was said when is known of one stream alone
        timeline = Timeline((), (), (), None, 0)
    else:
        script = record.stream.script
        timeline = analyse(script.turns, record.stream.buffer, script.bursts_made)
    words = _words_of(record, timeline, log or [])
    reasons = tuple(_judge(record, timeline, words, expect_turns))
    warnings = _warn(record, timeline)
    if log is not None and record.stream is not None and not words.known:
        warnings += ("the server's log has no words of this call: is it this server's, with LOG_LEVEL=INFO?",)
    return CallReport(record, timeline, reasons, words, warnings)


def _judge(record: CallRecord, timeline: Timeline, words: CallWords, expect_turns: int | None) -> list[str]:
    reasons = list(record.failures)
    stream = record.stream
    if stream is None:
        return reasons or [f"no media stream: {record.ending}"]
    reasons += [f"protocol error {p.code} at {p.at_s:.2f} s: {p.text}" for p in stream.problems]
    answered = sum(not turn.missed for turn in timeline.turns)
    if expect_turns is not None and answered < expect_turns:
        reasons.append(f"turns answered: {answered}, expected: {expect_turns} or more")
    if stream.script.manners.hang_up_after_s is not None:
        return reasons  # the caller hung up on purpose: nothing after that can be missing
    reasons += [*_undone(record, stream.script), *_deaf(words, timeline)]
    reasons += [f"turn {turn.turn.index} was not answered" for turn in timeline.turns if turn.missed]
    return reasons


def _undone(record: CallRecord, script: CallerScript) -> list[str]:
    """The caller's unfinished steps; none for a caller who asked for a person and was transferred."""
    if script.finished or (record.handed_over_to and any(map(_asks_for_person, script.turns))):
        return []
    undone = f"only {script.done_steps} of the caller's {len(script.steps)} steps were done"
    if not record.handed_over_to:
        return [undone]
    return [f"{undone}: handed over to {record.handed_over_to}, which no step had plainly asked for"]


def _asks_for_person(turn: Turn) -> bool:
    return turn.text == PERSON_KEY if turn.kind == "keys" else wants_person(turn.text)


def _warn(record: CallRecord, timeline: Timeline) -> tuple[str, ...]:
    warnings = [f"turn {t.turn.index} was answered {t.answers} times" for t in timeline.turns if t.double]
    for turn in timeline.turns:
        if turn.turn.meant_to_interrupt and not turn.turn.interrupted:
            warnings.append(f"turn {turn.turn.index} came too late to interrupt: the agent had finished")
        if turn.turn.impatient:
            warnings.append(f"turn {turn.turn.index} was spoken because the agent stayed silent")
    script = record.stream.script if record.stream else None
    if script and record.handed_over_to and not script.finished:
        left = len(script.steps) - script.done_steps
        warnings.append(f"the last {left} of the caller's {len(script.steps)} steps were not needed any more")
    if timeline.underruns:
        warnings.append(f"{timeline.underruns} underruns: the caller heard gaps")
    if record.live and record.live.lateness.worst_s > 0.1:
        warnings.append(
            f"the simulator itself sent frames up to {record.live.lateness.worst_s * 1000:.0f} ms late"
        )
    return tuple(warnings)


def _words_of(record: CallRecord, timeline: Timeline, log: list[LogEntry]) -> CallWords:
    if record.live is None:
        return CallWords()
    started_s, sid = record.live.started_s, record.ids.stream_sid
    own = [replace(entry, at_s=entry.at_s - started_s) for entry in log if entry.stream_sid == sid]
    return match_words(own, timeline.turns, timeline.answers)


def _deaf(words: CallWords, timeline: Timeline) -> list[str]:
    """Spoken turns that were answered but never recognised: the answers can only have been "say it again"."""
    heard = count_heard(words, timeline)
    if heard is None or heard[0] > 0 or not heard[1]:
        return []
    why = f": {words.complaint}" if words.complaint else ", and the server's log gives no reason"
    return [f"0 of {heard[1]} spoken turns heard{why}"]


def count_heard(words: CallWords, timeline: Timeline) -> tuple[int, int] | None:
    """The number of spoken turns whose words the server recognised, and of all; None without a log."""
    if not words.known:
        return None
    spoken = [turn.turn.index for turn in timeline.turns if turn.turn.kind == "say"]
    return sum(bool(words.of(index).heard_as) for index in spoken), len(spoken)


def as_text(report: CallReport) -> str:
    """The page printed after a call."""
    record, timeline = report.record, report.timeline
    lines = [f"Call {record.ids.call_sid}  stream {record.ids.stream_sid}"]
    lines += [
        f"  {e.method} {e.url} → {e.status or 'no answer'} in {e.took_ms:.0f} ms" for e in record.exchanges
    ]
    if record.stream_url:
        lines.append(f"  WebSocket {record.stream_url}")
    lines += ["", "Timeline (seconds since the stream started)", *_events(report), "", "Dialogue"]
    if timeline.greeting_s is not None:
        greeting = (
            f"  Greeting        after {timeline.greeting_s * 1000:.0f} ms  {_agents(report.words.of(0))}"
        )
        lines.append(greeting.rstrip())
    for turn in timeline.turns:
        lines += _turn_lines(turn, report.words)
    lines += ["", f"Ended: {_ending(record)}"]
    lines += [f"Note: {warning}" for warning in report.warnings]
    lines += [f"FAILED: {reason}" for reason in report.reasons]
    if report.ok:
        lines.append(f"OK: {_result(report)}")
    return "\n".join(lines)


def _ending(record: CallRecord) -> str:
    ended = f"handed over to {record.handed_over_to}" if record.handed_over_to else record.ending
    stream = record.live.ending if record.live else ended
    return ended if stream == ended else f"{ended} ({stream})"


def _result(report: CallReport) -> str:
    turns = report.timeline.turns
    parts = [f"{sum(not turn.missed for turn in turns)} of {len(turns)} turns answered"]
    heard = count_heard(report.words, report.timeline)
    if heard is not None and heard[1]:
        parts.append(f"{heard[0]} of {heard[1]} spoken ones heard")
    if report.record.handed_over_to:
        parts.append(f"handed over to {report.record.handed_over_to}")
    return ", ".join(parts)


def _turn_lines(turn: TurnReport, call: CallWords) -> list[str]:
    words = call.of(turn.turn.index)
    did = "said" if turn.turn.kind == "say" else "typed"
    lines = [f"  {turn.turn.index}. Caller {did:<6}{turn.turn.text}"]
    if call.known:
        lines.append(f"     Heard as     {words.heard_as or '(nothing)'}")
    if agents := _agents(words):
        lines.append(f"     Agent answered {agents}")
    gap = "none: not answered" if turn.gap_s is None else f"{turn.gap_s * 1000:.0f} ms"
    lines.append(f"     Response gap {gap}")
    if turn.barge_in is not None:
        cleared = turn.barge_in.clear_ms
        clear = "without a clear" if cleared is None else f"clear after {cleared:.0f} ms"
        lines.append(f"     Barge-in     agent silent after {turn.barge_in.silent_ms:.0f} ms, {clear}")
    return lines


def _agents(words: Words) -> str:
    return " ".join(filter(None, (words.agent, "… (interrupted)" if words.interrupted else "")))


def _events(report: CallReport) -> list[str]:
    """Every event with a time, in order, one line each."""
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
    """Plain data for JSON; names end in their units, ``_s`` or ``_ms``."""
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
        "handed_over_to": record.handed_over_to,
        "spoken_heard": _heard_json(report),
        "turns": [_turn_json(turn, report.words.of(turn.turn.index)) for turn in timeline.turns],
    }


def _heard_json(report: CallReport) -> dict[str, int] | None:
    heard = count_heard(report.words, report.timeline)
    return None if heard is None else {"heard": heard[0], "spoken": heard[1]}


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
