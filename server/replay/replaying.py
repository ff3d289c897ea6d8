"""A log told again: a new machine, the recorded events, and whether it decides the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import ndiff
from typing import Any

import msgspec

from server.audio.frames import FrameHeard
from server.audio.segmenter import Segmenter
from server.event_log.format import Seen
from server.event_log.reader import EventLog, clock
from server.event_log.values import LEVELS, plain
from server.turns.actions import Action, Decided
from server.turns.events import Event
from server.turns.machine import Hears, TurnMachine
from server.turns.params import TurnParams

MOST_CHARACTERS = 160  # of a value that is shown


@dataclass(frozen=True)
class Difference:
    """The first one. ``number``: of the event, from 0; ``frame``: frames heard until then, its own included.

    ``raised``: what our own bug was; then ``now`` is not all of it.
    """

    number: int
    frame: int
    at_ms: int
    event: Event
    recorded: tuple[Action, ...]
    now: tuple[Action, ...]
    raised: str = ""

    def lines(self) -> Iterator[str]:
        """For a person."""
        yield f"differs at {clock(self.at_ms)}, frame {self.frame}, event {self.number}:"
        yield f"    {_shown(self.event)}"
        before, after = ([_shown(action) for action in actions] for actions in (self.recorded, self.now))
        yield from (f"    {line}" for line in ndiff(before, after) if not line.startswith("?"))
        if self.raised:
            yield f"    raised now: {self.raised}"


def first_difference(
    params: TurnParams, seen: Sequence[Seen], *, audio: bool, hears: Hears = Segmenter
) -> Difference | None:
    """None: every decision is the same. ``audio``: its bytes count, not only how loud its frames are.

    ``hears`` makes the call's hearing: one that is watched decides the same.
    """
    machine, frames = TurnMachine(params, hears), 0
    for number, (at_ms, event, recorded) in enumerate(seen):
        frames += isinstance(event, FrameHeard)
        try:
            now = tuple(machine.handle(event))
        except Exception as error:  # of the machine's: that is what a replay is here to show
            return Difference(number, frames, at_ms, event, recorded, (), f"{type(error).__name__}: {error}")
        if now != recorded and _decided(now, audio=audio) != _decided(recorded, audio=audio):
            return Difference(number, frames, at_ms, event, recorded, now)
    return None


def difference_in(log: EventLog) -> Difference | None:
    """The same of a log."""
    return first_difference(log.params, log.seen, audio=log.header.audio)


def _decided(actions: tuple[Action, ...], *, audio: bool) -> list[Any]:
    """What counts of them: not the reasons given, which a later version may word otherwise."""
    return [plain(action, audio=audio) for action in actions if not isinstance(action, Decided)]


def _shown(value: Event | Action) -> str:
    ((name, content),) = plain(value, audio=False).items()
    fields = (f"{field}={_short(one)}" for field, one in content.items())
    return f"{name}({', '.join(fields)})"


def _short(value: Any) -> str:
    if isinstance(value, dict) and LEVELS in value:
        return f"{value[LEVELS][1]} bytes, levels {value[LEVELS][0].hex()}"[:MOST_CHARACTERS]
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
