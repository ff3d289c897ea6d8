"""One call as two rows of spans: what the caller's line carried, and what was audible of the agent. Pure.

All times are seconds since the call's first frame.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

SAME_MOMENT_S = 1e-6


class Kind(Enum):
    """What a sound on the caller's line is."""

    TURN = "turn"  # its pauses included
    INTERRUPTION = "interruption"  # a turn that is meant to stop the agent
    NOD = "nod"
    NOISE = "noise"  # of the caller's side: a cough, a click, a door
    OTHERS = "others"  # somebody else's speech, and background
    PAUSE = "pause"  # the silence inside a turn


TURNS = (Kind.TURN, Kind.INTERRUPTION)
IGNORED = (Kind.NOD, Kind.NOISE, Kind.OTHERS)  # what must not cost the agent its reply


@dataclass(frozen=True)
class Sound:
    """A sound of the caller's side. ``name``: which one of its kind, for the tables."""

    kind: Kind
    start_s: float
    end_s: float
    name: str = ""


@dataclass(frozen=True)
class Audible:
    """The agent was heard. ``reply``: which one it is part of. ``dipped``: lower than it speaks by itself."""

    start_s: float
    end_s: float
    reply: int = 0
    dipped: bool = False


@dataclass(frozen=True)
class TimeLine:
    """Both rows, each in the order of its beginnings; the agent's spans do not overlap."""

    caller: tuple[Sound, ...]
    agent: tuple[Audible, ...]

    def of(self, *kinds: Kind) -> tuple[Sound, ...]:
        """The caller's sounds of these kinds."""
        return tuple(sound for sound in self.caller if sound.kind in kinds)

    def audible_at(self, at_s: float) -> Audible | None:
        """The agent's span at a moment; a span's end belongs to what follows it."""
        return next((span for span in self.agent if span.start_s <= at_s < span.end_s - SAME_MOMENT_S), None)


def joined(
    spans: Iterable[Audible], bridge_s: float, alike: Callable[[Audible], object] = lambda span: 0
) -> list[Audible]:
    """Spans with gaps shorter than ``bridge_s`` between them as one, as long as ``alike`` says the same.

    ``bridge_s`` of SAME_MOMENT_S joins what touches, and nothing else.
    """
    out: list[Audible] = []
    for span in spans:
        if out and span.start_s - out[-1].end_s < bridge_s and alike(out[-1]) == alike(span):
            out[-1] = Audible(out[-1].start_s, span.end_s, out[-1].reply, out[-1].dipped)
        else:
            out.append(span)
    return out
