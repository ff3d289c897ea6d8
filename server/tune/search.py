"""Which settings are tried: a coarse grid, then a step from each that is on the front, until none is new."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from server.tune.figures import Figures, Labelled
from server.tune.hearing import Frames, NeedsAudio
from server.tune.knobs import Knobs
from server.tune.tape import Take

Ladder = dict[str, tuple[Any, ...]]
TURN_LADDER: Ladder = {
    "min_utt_sec": (0.3, 0.36, 0.42, 0.48, 0.54, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2),
    "vad_hangover_ms": (60, 100, 120, 140, 180, 200, 220, 260, 300),
    "adaptive_silence_ms": (0, 150, 300, 450, 600, 750, 900),
    "incomplete_hold_ms": (0, 350, 700, 1000, 1300),
    "max_utt_sec": (5.0, 7.0, 10.0, 14.0, 20.0),
    "vad_rms": (130, 150, 180, 210, 250, 300),
    "vad_engine": ("silero", "energy"),
}
TURN_COARSE: Ladder = {
    "min_utt_sec": (0.36, 0.6, 0.8, 1.0),
    "adaptive_silence_ms": (0, 600),
    "vad_hangover_ms": (120, 220),
    "max_utt_sec": (7.0, 14.0),
}
VOICE_LADDER: Ladder = {
    "barge_in_voice_frames": (1, 2, 3, 4, 5, 6, 8, 10),
    "barge_in_rms": (0, 250, 400, 550, 700, 1000, 1400),
    "barge_in_early_stop": (False, True),
    "vad_rms": (130, 150, 180, 210, 250, 300),
}
VOICE_COARSE: Ladder = {
    "barge_in_voice_frames": (2, 3, 4, 6),
    "barge_in_rms": (0, 550),
    "barge_in_early_stop": (False, True),
}


@dataclass(frozen=True)
class Axes:
    """A trade: what is waited for, in ms, against what goes wrong, a share. Less is better of both."""

    name: str
    ladder: Ladder
    coarse: Ladder
    wait: Callable[[Figures], float | None]
    wrong: Callable[[Figures], float | None]
    lost: Callable[[Figures], int]

    def point(self, figures: Figures) -> tuple[float, float] | None:
        wait, wrong = self.wait(figures), self.wrong(figures)
        return None if wait is None or wrong is None else (wait, wrong)


def _wait(figures: Figures) -> float | None:
    """The gap; of calls without an agent, the delay."""
    return figures.gap_ms if figures.gaps else figures.delay_ms


TURNS = Axes("turns", TURN_LADDER, TURN_COARSE, _wait, lambda f: f.cut_share, lambda f: f.lost)
VOICES = Axes(
    "voices", VOICE_LADDER, VOICE_COARSE, lambda f: f.noticed_ms, lambda f: f.stop_share, lambda f: f.missed
)


class Trials:
    """Settings tried on calls, each once. ``of`` gives the figures call by call."""

    def __init__(self, takes: Sequence[Take], base: Knobs) -> None:
        self.calls = [Labelled(take) for take in takes]
        self.base = base
        self._frames = Frames(takes)
        self._tried: dict[Knobs, list[Figures] | None] = {}

    def of(self, knobs: Knobs) -> list[Figures] | None:
        """None where the calls do not tell: no audio, for a speech model that did not run in them."""
        if knobs not in self._tried:
            try:
                pairs = zip(self.calls, self._frames.under(knobs), strict=True)
                self._tried[knobs] = [call.figures(knobs, frames) for call, (_, frames) in pairs]
            except NeedsAudio:
                self._tried[knobs] = None
        return self._tried[knobs]

    def known(self, knobs: Knobs) -> bool:
        return knobs in self._tried

    def total(self, knobs: Knobs) -> Figures:
        """Of all calls; nothing of what they do not tell."""
        return sum(self.of(knobs) or [], start=Figures())


def dominated(point: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    """One of the others is better in one and not worse in the other."""
    return any(other != point and other[0] <= point[0] and other[1] <= point[1] for other in others)


def front(points: dict[Knobs, tuple[float, float]]) -> list[Knobs]:
    """Those that nothing else beats, quickest first; of several that come to the same, the first tried."""
    once = {point: knobs for knobs, point in reversed(points.items())}
    best = [point for point in once if not dominated(point, list(once))]
    return [once[point] for point in sorted(best)]


def points(trials: Trials, axes: Axes, tried: Sequence[Knobs]) -> dict[Knobs, tuple[float, float]]:
    """Of the settings that lose nothing which the settings in force hear."""
    lost = axes.lost(trials.total(trials.base))
    found = {}
    for knobs in tried:
        figures = trials.total(knobs)
        point = axes.point(figures)
        if point is not None and axes.lost(figures) <= lost:
            found[knobs] = point
    return found


def _coarse(base: Knobs, axes: Axes) -> Iterator[Knobs]:
    for values in product(*axes.coarse.values()):
        knobs = base
        for name, value in zip(axes.coarse, values, strict=True):
            knobs = knobs.but(name, value)
        yield knobs


def _steps(knobs: Knobs, base: Knobs, axes: Axes) -> Iterator[Knobs]:
    """To the next value of each setting, either way."""
    for name, ladder in axes.ladder.items():
        if name == "incomplete_hold_ms" and not base.incomplete_hold_ms:
            continue  # no words were judged in the record
        values = sorted({*ladder, getattr(knobs, name)})
        place = values.index(getattr(knobs, name))
        yield from (knobs.but(name, values[n]) for n in (place - 1, place + 1) if 0 <= n < len(values))


def search(
    trials: Trials, axes: Axes, budget: int, progress: Callable[[int, int], None] = lambda done, of: None
) -> list[Knobs]:
    """Try at most ``budget`` settings, and return them. Those of the record are the first."""
    tried: list[Knobs] = []

    def attempt(wanted: Iterator[Knobs] | Sequence[Knobs]) -> bool:
        new = False
        for knobs in wanted:
            if knobs not in tried and len(tried) < budget:
                trials.of(knobs)
                tried.append(knobs)
                progress(len(tried), budget)
                new = True
        return new

    attempt([trials.base])
    attempt(_coarse(trials.base, axes))
    while len(tried) < budget:
        best = front(points(trials, axes, tried))
        around = [step for knobs in [*best, trials.base] for step in _steps(knobs, trials.base, axes)]
        if not attempt(around):
            break
    return tried
