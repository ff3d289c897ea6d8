"""What the trials advise: another setting, or to stay; and whether it holds on calls that had no part.

The best is the setting that is better than the one in force on both axes, by the most on the axis on which it
gains less. Where nothing goes wrong today, the quickest with which nothing does. The calls are halved: what
each half would choose is measured on the other one. When that is worse than today's there on either axis, or
no better on any, the advice is to stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil

from server.tune.figures import Figures
from server.tune.knobs import Knobs
from server.tune.search import TURNS, Axes, Trials

LEAST_CALLS = 6
LEAST_WRONG, LEAST_RIGHT = 20, 20  # pauses and ends; of barge-in, sounds and interruptions
WORTH = 0.02  # of an axis: less is no reason to change anything


class Verdict(Enum):
    CHANGE = "change"
    STAY = "stay"
    NOT_HELD = "not held"  # what one half of the calls would choose is no good for the other
    TOO_LITTLE = "too little"


@dataclass(frozen=True)
class Advice:
    """``held_out``: today's and the chosen ones, each on the half that had no part in choosing.

    ``wanted_calls``: so many of the like would be enough; 0: these are, or none of them would do.
    """

    axes: Axes
    verdict: Verdict
    now: Figures
    chosen: Knobs | None = None
    then: Figures | None = None
    held_out: tuple[Figures, Figures] | None = None
    wanted_calls: int = 0

    @property
    def both(self) -> bool:
        """It is better on both axes, not only on one."""
        before, after = self.axes.point(self.now), self.axes.point(self.then or self.now)
        return before is not None and after is not None and after[0] < before[0] and after[1] < before[1]


def advise(trials: Trials, axes: Axes, tried: Sequence[Knobs]) -> Advice:
    """Raises nothing: what cannot be said is not."""
    calls = range(len(trials.calls))
    now = _sum(trials, trials.base, calls)
    wanted = _wanted(axes, now, len(calls))
    if wanted is not None:
        return Advice(axes, Verdict.TOO_LITTLE, now, wanted_calls=wanted)
    chosen = choose(trials, axes, tried, calls)
    if chosen is None:
        return Advice(axes, Verdict.STAY, now)
    then = _sum(trials, chosen, calls)
    held_out = _held_out(trials, axes, tried)
    held = _better(axes, *held_out)
    return Advice(axes, Verdict.CHANGE if held else Verdict.NOT_HELD, now, chosen, then, held_out)


def choose(trials: Trials, axes: Axes, tried: Sequence[Knobs], calls: Sequence[int]) -> Knobs | None:
    """By these calls; None: to stay."""
    now = _sum(trials, trials.base, calls)
    gains: dict[Knobs, tuple[float, float]] = {}
    for knobs in tried:
        gain = _gain(axes, now, _sum(trials, knobs, calls))
        if gain is not None and min(gain) >= 0 and max(gain) >= WORTH:
            gains[knobs] = gain
    # Fewer changes before more, where they gain the same.
    return max(
        gains, key=lambda k: (min(gains[k]), sum(gains[k]), -len(k.other_than(trials.base))), default=None
    )


def _gain(axes: Axes, now: Figures, then: Figures) -> tuple[float, float] | None:
    """Of each axis, as a share of what it is now."""
    before, after = axes.point(now), axes.point(then)
    if before is None or after is None or axes.lost(then) > axes.lost(now):
        return None
    wait = (before[0] - after[0]) / before[0] if before[0] else -after[0]
    wrong = (before[1] - after[1]) / before[1] if before[1] else -after[1]
    return wait, wrong


def _better(axes: Axes, now: Figures, then: Figures) -> bool:
    gain = _gain(axes, now, then)
    return gain is not None and min(gain) >= 0 and max(gain) >= WORTH


def _held_out(trials: Trials, axes: Axes, tried: Sequence[Knobs]) -> tuple[Figures, Figures]:
    now, then = Figures(), Figures()
    for half in (0, 1):
        mine = [n for n in range(len(trials.calls)) if n % 2 == half]
        others = [n for n in range(len(trials.calls)) if n % 2 != half]
        chosen = choose(trials, axes, tried, mine) or trials.base
        now, then = now + _sum(trials, trials.base, others), then + _sum(trials, chosen, others)
    return now, then


def _sum(trials: Trials, knobs: Knobs, calls: Sequence[int]) -> Figures:
    of_each = trials.of(knobs)
    return sum((of_each[n] for n in calls), start=Figures()) if of_each is not None else Figures()


def _wanted(axes: Axes, now: Figures, calls: int) -> int | None:
    """How many calls it would take, 0 where that cannot be told; None: there are enough."""
    wrong, right = (now.pauses, now.ends) if axes is TURNS else (now.noises, now.interruptions)
    if calls >= LEAST_CALLS and wrong >= LEAST_WRONG and right >= LEAST_RIGHT:
        return None
    if not (calls and wrong and right):
        return 0
    return max(LEAST_CALLS, ceil(LEAST_WRONG * calls / wrong), ceil(LEAST_RIGHT * calls / right))
