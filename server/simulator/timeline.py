"""The events of a call, measured at the caller's end. Pure: recordings in, numbers out.

All times are seconds since the stream started. The agent is *audible* by the energy of the played audio, so
that silence inside it is not speech. An *answer* is the agent's speech until the next reply begins. A server
that sends ``clear`` before each reply (ours does) marks the replies itself; for others an answer ends at the
end of a caller's turn, or at a pause of ANSWER_GAP_S.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from server.audio.frames import FRAME_MS, SAMPLE_RATE_HZ, level_rms
from server.audio.twilio_buffer import Cleared, TwilioBuffer
from server.simulator.script import Burst, Turn
from server.simulator.stream import AUDIBLE_RMS

WINDOW_SAMPLES = 80  # 10 ms: the resolution of audible edges
MERGE_GAP_S = 0.2  # shorter pauses are inside words and phrases
ANSWER_GAP_S = 1.5
NOISE_EFFECT_S = 1.0  # a clear within this time after a noise is its effect
FRAME_S = FRAME_MS / 1000


@dataclass(frozen=True)
class Interval:
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Answer:
    """One reply of the agent. ``cut``: a ``clear`` discarded part of it.

    ``resumes``: the rest of the answer before, which was cut by something that was no interruption.
    """

    start_s: float
    end_s: float
    cut: bool
    resumes: bool = False


@dataclass(frozen=True)
class BargeIn:
    """The caller spoke during playout. Milliseconds from the caller's first voiced frame.

    ``clear_ms`` None: the agent fell silent by itself, before any ``clear``.
    """

    clear_ms: float | None
    silent_ms: float


@dataclass(frozen=True)
class TurnReport:
    """A caller's turn and its answer.

    ``answers``: replies that began before the caller's next turn; a reply that was cut counts only if none
    followed it. ``gap_s``: from the last voiced caller frame to the first audible agent frame of the answer;
    negative if the agent began before the caller had ended, None without an answer.
    """

    turn: Turn
    start_s: float
    end_s: float
    answers: int
    gap_s: float | None
    barge_in: BargeIn | None

    @property
    def missed(self) -> bool:
        return self.answers == 0

    @property
    def double(self) -> bool:
        return self.answers > 1


@dataclass(frozen=True)
class NoiseReport:
    """A noise of the caller's side during playout. ``clear_ms``, ``pause_ms`` None: the agent spoke on.

    ``clear_ms``: from the noise to the ``clear`` that stopped the agent. ``pause_ms``: the silence after it;
    infinite if the agent did not resume before the caller's next turn.
    """

    kind: str
    at_s: float
    clear_ms: float | None
    pause_ms: float | None


@dataclass(frozen=True)
class Timeline:
    """``greeting_s``: the agent's first sound, if it came before the caller's first turn."""

    agent: tuple[Interval, ...]
    answers: tuple[Answer, ...]
    turns: tuple[TurnReport, ...]
    greeting_s: float | None
    underruns: int
    clears: tuple[Cleared, ...] = ()
    noises: tuple[NoiseReport, ...] = ()


def analyse(
    turns: Sequence[Turn], buffer: TwilioBuffer, bursts: Sequence[tuple[Burst, int]] = ()
) -> Timeline:
    """Measures a finished stream. ``bursts``: each with the frame in which it began."""
    clears = tuple(buffer.clears)
    agent = audible_intervals(bytes(buffer.heard), [clear.at_s for clear in clears])
    answers = split_answers(agent, clears, [turn.end_s for turn in turns])
    starts = [turn.start_s for turn in turns]
    followings = [*starts[1:], float("inf")][: len(turns)]
    reports = tuple(
        _report(turn, start, following, agent, answers, clears)
        for turn, start, following in zip(turns, starts, followings, strict=True)
    )
    first_turn_s = starts[0] if starts else float("inf")
    greeting_s = agent[0].start_s if agent and agent[0].start_s < first_turn_s else None
    noises = tuple(
        _noise_report(burst.kind, frame * FRAME_S, agent, clears, starts) for burst, frame in bursts
    )
    return Timeline(agent, answers, reports, greeting_s, len(buffer.underruns), clears, noises)


def audible_intervals(mulaw_8k: bytes, cuts_s: Sequence[float] = ()) -> tuple[Interval, ...]:
    """Where the audio is louder than AUDIBLE_RMS. Pauses under MERGE_GAP_S are bridged, cuts are not."""
    cuts = sorted({round(cut_s * SAMPLE_RATE_HZ) for cut_s in cuts_s})
    edges = [0, *(cut for cut in cuts if 0 < cut < len(mulaw_8k)), len(mulaw_8k)]
    found: list[Interval] = []
    for start, end in pairwise(edges):
        found += _audible_between(mulaw_8k, start, end)
    return tuple(found)


def _audible_between(mulaw_8k: bytes, start: int, end: int) -> list[Interval]:
    """The audible intervals in samples ``start`` to ``end``, in windows that begin at ``start``."""
    found: list[Interval] = []
    for index in range(start, end, WINDOW_SAMPLES):
        stop = min(index + WINDOW_SAMPLES, end)
        if level_rms(mulaw_8k[index:stop]) <= AUDIBLE_RMS:
            continue
        start_s, end_s = index / SAMPLE_RATE_HZ, stop / SAMPLE_RATE_HZ
        if found and start_s - found[-1].end_s < MERGE_GAP_S:
            found[-1] = Interval(found[-1].start_s, end_s)
        else:
            found.append(Interval(start_s, end_s))
    return found


def split_answers(
    agent: Sequence[Interval], clears: Sequence[Cleared], turn_ends_s: Sequence[float]
) -> tuple[Answer, ...]:
    """Groups the audible intervals into answers.

    A ``clear`` precedes every reply, except one that follows a thinking hint. The end of a caller's turn
    always separates two answers.
    """
    announces = any(clear.dropped_bytes == clear.dropped_marks == 0 for clear in clears)
    borders = [*turn_ends_s, *(clear.at_s for clear in clears if announces)]
    groups: list[list[Interval]] = []
    for interval in agent:
        before_s = groups[-1][-1].end_s if groups else -ANSWER_GAP_S
        paused = not announces and interval.start_s - before_s >= ANSWER_GAP_S
        if not groups or paused or any(before_s <= border <= interval.start_s for border in borders):
            groups.append([])
        groups[-1].append(interval)
    cuts = [_was_cut(group[-1], clears) for group in groups]
    resumes = [False, *(announces and _goes_on(*pair, clears) for pair in pairwise(groups))]
    return tuple(
        Answer(group[0].start_s, group[-1].end_s, cut, goes_on)
        for group, cut, goes_on in zip(groups, cuts, resumes, strict=False)
    )


def _goes_on(before: list[Interval], after: list[Interval], clears: Sequence[Cleared]) -> bool:
    """Whether ``before`` was cut and no ``clear`` announced ``after``: ``after`` resumes it."""
    between = [clear for clear in clears if before[-1].end_s <= clear.at_s <= after[0].start_s]
    return bool(between) and all(clear.dropped_bytes > 0 for clear in between)


def _was_cut(last: Interval, clears: Sequence[Cleared]) -> bool:
    """Whether the next clear after the interval discarded audio. Every later answer begins with a clear."""
    following = next((clear for clear in clears if clear.at_s >= last.end_s), None)
    return following is not None and following.dropped_bytes > 0


def _report(
    turn: Turn,
    start_s: float,
    following_s: float,
    agent: Sequence[Interval],
    answers: Sequence[Answer],
    clears: Sequence[Cleared],
) -> TurnReport:
    end_s = turn.end_s
    own = [answer for answer in answers if start_s <= answer.start_s < following_s]
    own = [answer for answer in own if answer.end_s > end_s]  # without false starts, which were taken back
    own = [answer for answer in own if not answer.resumes] or own
    whole = sum(not answer.cut for answer in own)
    count = whole + (1 if own and own[-1].cut else 0)
    gap_s = own[0].start_s - end_s if own else None
    return TurnReport(turn, start_s, end_s, count, gap_s, _barge_in(start_s, agent, clears))


def _barge_in(start_s: float, agent: Sequence[Interval], clears: Sequence[Cleared]) -> BargeIn | None:
    # A reply may resume in the very frame in which the caller begins.
    speaking = next((i for i in agent if i.start_s <= start_s + FRAME_S and start_s < i.end_s), None)
    if speaking is None:
        return None
    later = [i for i in agent if i.start_s >= speaking.start_s]
    clear = next((c for c in clears if c.at_s >= start_s and _heard_until(later, c.at_s)), None)
    if clear is not None:
        silent_s = max((i.end_s for i in later if i.start_s < clear.at_s), default=clear.at_s)
        return BargeIn((clear.at_s - start_s) * 1000, (min(silent_s, clear.at_s) - start_s) * 1000)
    end_s = speaking.end_s
    for interval in later:  # the agent spoke on over the caller; its natural pauses count as speech
        if interval.start_s - end_s < ANSWER_GAP_S:
            end_s = max(end_s, interval.end_s)
    return BargeIn(None, (end_s - start_s) * 1000)


def _noise_report(
    kind: str,
    at_s: float,
    agent: Sequence[Interval],
    clears: Sequence[Cleared],
    turn_starts_s: Sequence[float],
) -> NoiseReport:
    next_turn_s = min((start_s for start_s in turn_starts_s if start_s >= at_s), default=float("inf"))
    until_s = min(at_s + NOISE_EFFECT_S, next_turn_s)
    clear = next((c for c in clears if at_s <= c.at_s < until_s and c.dropped_bytes), None)
    if clear is None:
        return NoiseReport(kind, at_s, None, None)
    resumed_s = min((i.start_s for i in agent if i.start_s >= clear.at_s), default=float("inf"))
    if resumed_s >= next_turn_s + FRAME_S:
        resumed_s = float("inf")
    return NoiseReport(kind, at_s, (clear.at_s - at_s) * 1000, (resumed_s - clear.at_s) * 1000)


def _heard_until(later: Sequence[Interval], clear_s: float) -> bool:
    """Whether the agent was still speaking at the clear: no pause before it is as long as an ending."""
    last_end_s = max((i.end_s for i in later if i.start_s <= clear_s), default=0.0)
    return clear_s - last_end_s < ANSWER_GAP_S / 2
