"""τ-voice's panel, by its definitions (``sierra-research/tau2-bench``, docs/interaction-metrics.md).

Pure, and code of our own. Time is cut into ticks of 200 ms; a side speaks in a tick when it is heard in any
part of it, a turn in its pauses too. Two readings where document and code of the panel differ or are silent:
sounds over a reply count whether they are mistakes or not, and an agent that is lower but audible speaks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import ceil, floor
from statistics import fmean

from server.tune.duplex.timeline import TURNS, Kind, Sound, TimeLine

TICK_S = 0.2
YIELD_TICKS = 10  # 2.0 s: time for the agent to yield to a real interruption
KEEP_TICKS = 5  # 1.0 s: within it nothing that is ignored may cost a tick of the agent's speech
ANSWER_TICKS = 10  # 2.0 s: nothing that is ignored may be answered so long after its end
EDGE = 1e-6  # of a tick: 0.6 s are three ticks, however a float writes them

Segment = tuple[int, int]  # first tick, and the one behind the last


@dataclass(frozen=True)
class Panel:
    """What one call, or several together, came to. Every rate is None without anything to count.

    ``answers_s``: of each answered turn, end of turn to the agent's onset. ``yields_s``: of each interruption
    that was yielded to. ``turns``, ``interruptions``, ``nods``, ``noises``, ``others``: how many counted.
    """

    answers_s: tuple[float, ...] = ()
    turns: int = 0
    yields_s: tuple[float, ...] = ()
    interruptions: int = 0
    cut_ins: int = 0
    nods: int = 0
    nods_kept: int = 0
    noises: int = 0
    noises_ignored: int = 0
    others: int = 0
    others_ignored: int = 0

    def __add__(self, other: "Panel") -> "Panel":
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Panel(**sums)

    @property
    def columns(self) -> dict[str, float | None]:
        """The panel's eight, in its order: L_R, L_Y, R_R, R_Y, I_A, S_BC, S_VT, S_ND."""
        return {
            "answer s": fmean(self.answers_s) if self.answers_s else None,
            "yield s": fmean(self.yields_s) if self.yields_s else None,
            "answered": share(len(self.answers_s), self.turns),
            "yielded": share(len(self.yields_s), self.interruptions),
            "cut-ins a turn": share(self.cut_ins, self.turns),
            "nods": share(self.nods_kept, self.nods),
            "noises": share(self.noises_ignored, self.noises),
            "others": share(self.others_ignored, self.others),
        }


def share(part: int, whole: int) -> float | None:
    """None of nothing."""
    return part / whole if whole else None


def measure(line: TimeLine) -> Panel:
    """The panel's counts of one call."""
    agent = segments_of((span.start_s, span.end_s) for span in line.agent)
    speaking = {tick for first, end in agent for tick in range(first, end)}
    answers, turns = _answers(line, agent, speaking)
    yields, interruptions = _yields(line, speaking)
    caller = {tick for sound in line.of(*TURNS, Kind.NOD) for tick in range(*_ticks(sound))}
    nods = [_kept(sound, speaking) for sound in line.of(Kind.NOD) if _ticks(sound)[0] in speaking]
    noises = [_ignored(sound, agent) for sound in line.of(Kind.NOISE)]
    others = [_ignored(sound, agent) for sound in line.of(Kind.OTHERS)]
    return Panel(
        answers_s=answers,
        turns=turns,
        yields_s=yields,
        interruptions=interruptions,
        cut_ins=sum(first in caller for first, _ in agent),
        nods=len(nods),
        nods_kept=sum(nods),
        noises=len(noises),
        noises_ignored=sum(noises),
        others=len(others),
        others_ignored=sum(others),
    )


def segments_of(spans: Iterable[tuple[float, float]]) -> list[Segment]:
    """Runs of ticks in which something is heard."""
    heard = sorted({tick for span in spans for tick in range(*_span_ticks(*span))})
    runs: list[Segment] = []
    for tick in heard:
        if runs and runs[-1][1] == tick:
            runs[-1] = (runs[-1][0], tick + 1)
        else:
            runs.append((tick, tick + 1))
    return runs


def _span_ticks(start_s: float, end_s: float) -> Segment:
    return floor(start_s / TICK_S + EDGE), ceil(end_s / TICK_S - EDGE)


def _ticks(sound: Sound) -> Segment:
    return _span_ticks(sound.start_s, sound.end_s)


def _answers(line: TimeLine, agent: list[Segment], speaking: set[int]) -> tuple[tuple[float, ...], int]:
    """L_R and R_R. A turn that ends under the agent is none, nor is one that nothing at all follows."""
    turns = [_ticks(sound) for sound in line.of(*TURNS)]
    turns = [turn for turn in turns if turn[1] not in speaking]
    answers: list[float] = []
    counted = 0
    for _, end in turns:
        onset = min((first for first, _ in agent if first >= end), default=None)
        following = min((first for first, _ in turns if first >= end), default=None)
        counted += onset is not None or following is not None
        if onset is not None and (following is None or onset <= following):
            answers.append((onset - end) * TICK_S)
    return tuple(answers), counted


def _yields(line: TimeLine, speaking: set[int]) -> tuple[tuple[float, ...], int]:
    """L_Y and R_Y, of every turn that begins while the agent speaks."""
    starts = [_ticks(sound)[0] for sound in line.of(*TURNS)]
    over = [start for start in starts if start in speaking]
    waits = [next((n for n in range(YIELD_TICKS) if start + n not in speaking), None) for start in over]
    return tuple(n * TICK_S for n in waits if n is not None), len(over)


def _kept(nod: Sound, speaking: set[int]) -> bool:
    """S_BC: the agent speaks in every tick of the first second."""
    start, _ = _ticks(nod)
    return all(start + n in speaking for n in range(KEEP_TICKS))


def _ignored(sound: Sound, agent: list[Segment]) -> bool:
    """S_VT, S_ND: over a reply it goes on for more than a second; in silence nothing begins."""
    start, end = _ticks(sound)
    over = next((segment for segment in agent if segment[0] <= start < segment[1]), None)
    if over is not None:
        return over[1] - start > KEEP_TICKS
    return not any(start <= first <= end + ANSWER_TICKS for first, _ in agent)
