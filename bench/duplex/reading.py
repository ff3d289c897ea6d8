"""Our own reading of a time line: what a caller loses by a sound, and how soon they are noticed. Pure.

The two public scores count a tick or a hole that nobody minds; these count replies, silences and moments.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from server.tune.duplex.timeline import IGNORED, SAME_MOMENT_S, TURNS, Audible, Kind, Sound, TimeLine, joined

GOES_ON_WITHIN_S = 1.2
BEHIND_S = 1.0  # a silence that begins so long after a sound is its effect
NOTICED_WITHIN_S = 2.0


@dataclass(frozen=True)
class Fate:
    """What a sound over a reply did to it. ``silence_s``: the longest silence, 0 where there was none."""

    kind: Kind
    name: str
    silence_s: float
    lost: bool


@dataclass(frozen=True)
class PauseFate:
    """A pause inside a turn. ``nth``: the caller's first, second, … of the call. ``cut``: the agent spoke."""

    pause_ms: int
    nth: int
    cut: bool


@dataclass(frozen=True)
class Reading:
    """Of one call, or several together. ``noticed_s``: of each interruption; None: not within two seconds.

    ``gaps_s``: of each answered turn, its last voice to the agent's onset.
    """

    fates: tuple[Fate, ...] = ()
    noticed_s: tuple[float | None, ...] = ()
    pauses: tuple[PauseFate, ...] = ()
    gaps_s: tuple[float, ...] = ()

    def __add__(self, other: "Reading") -> "Reading":
        return Reading(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)})

    def of(self, kind: Kind) -> list[Fate]:
        return [fate for fate in self.fates if fate.kind is kind]


def read(line: TimeLine) -> Reading:
    """The reading of one call."""
    over = [(sound, line.audible_at(sound.start_s)) for sound in line.of(*IGNORED)]
    turns = line.of(*TURNS)
    return Reading(
        fates=tuple(_fate(sound, span, line) for sound, span in over if span is not None),
        noticed_s=tuple(_noticed(turn, line) for turn in turns if line.audible_at(turn.start_s)),
        pauses=tuple(_pause(pause, nth, line) for nth, pause in enumerate(line.of(Kind.PAUSE))),
        gaps_s=tuple(gap for turn in turns if (gap := _gap(turn, line)) is not None),
    )


def percentile(values: Sequence[float], part: float) -> float | None:
    """The value that so much of them is not above; None of none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] if values else None


def _fate(sound: Sound, over: Audible, line: TimeLine) -> Fate:
    """Lost, unless each silence it brings is followed in time by more of the same reply."""
    spans = joined(line.agent, SAME_MOMENT_S, lambda span: span.reply)
    silence_s, lost = 0.0, False
    for place, span in enumerate(spans):
        if not sound.start_s <= span.end_s <= sound.end_s + BEHIND_S:
            continue
        follows = spans[place + 1] if place + 1 < len(spans) else None
        wait_s = float("inf") if follows is None else follows.start_s - span.end_s
        silence_s = max(silence_s, wait_s)
        lost = lost or follows is None or follows.reply != over.reply or wait_s > GOES_ON_WITHIN_S
    return Fate(sound.kind, sound.name, silence_s, lost)


def _noticed(turn: Sound, line: TimeLine) -> float | None:
    """Until the agent is first heard to give way: silent, or lower."""
    full = joined((span for span in line.agent if not span.dipped), SAME_MOMENT_S)
    ends = [span.end_s for span in full if span.start_s <= turn.start_s < span.end_s]
    wait_s = (ends[0] if ends else turn.start_s) - turn.start_s
    return wait_s if wait_s <= NOTICED_WITHIN_S else None


def _pause(pause: Sound, nth: int, line: TimeLine) -> PauseFate:
    """Cut when the agent is heard between the pause's beginning and the end of its turn."""
    turn = next(turn for turn in line.of(*TURNS) if turn.start_s <= pause.start_s < turn.end_s)
    cut = any(span.start_s < turn.end_s and span.end_s > pause.start_s for span in line.agent)
    return PauseFate(round((pause.end_s - pause.start_s) * 1000), nth, cut)


def _gap(turn: Sound, line: TimeLine) -> float | None:
    """None where the agent speaks at the end of the turn, or never again before the next one."""
    if line.audible_at(turn.end_s) is not None:
        return None
    later = [other.start_s for other in line.of(*TURNS) if other.start_s >= turn.end_s]
    onset = next((span.start_s for span in line.agent if span.start_s >= turn.end_s), None)
    return None if onset is None or (later and onset > later[0]) else onset - turn.end_s
