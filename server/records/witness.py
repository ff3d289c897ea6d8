"""Who sees a call and has its record kept: at its start, whenever a turn is over, and at its end.

A process that is killed leaves it to its last turn.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from server.audio.frames import FRAMES_PER_S, FrameHeard
from server.call.call_record import CallSummary
from server.logs.redaction import PrivateText
from server.records.facts import CallFacts, TurnFacts
from server.records.keeping import Keeps
from server.records.story import Facts, Story
from server.turns.actions import Action
from server.turns.events import Event

LONGEST_GAP_FRAMES = 60 * FRAMES_PER_S  # a longer one has no time by the wall


def no_log(sid: str, at: datetime) -> str:
    """None is kept."""
    return ""


class Witness:
    """An ``Observer`` of one call; hands what is to be kept to ``keeps``, in order. Not thread-safe."""

    def __init__(
        self,
        call: CallFacts,
        keeps: Keeps,
        private: PrivateText,
        clock: Callable[[], float],
        log_of: Callable[[str, datetime], str] = no_log,
    ) -> None:
        """``call``: what is known before it starts. ``clock``: seconds that do not jump.

        ``log_of(sid, at)`` is the name of the call's event log.
        """
        self._keeps = keeps
        self._clock = clock
        self._log_of = log_of
        self._frames: deque[float] = deque(maxlen=LONGEST_GAP_FRAMES)  # when each was heard
        self._story = Story(call, private, self._wall_ms)
        self._sid = ""

    def saw(self, event: Event) -> None:
        if type(event) is FrameHeard:
            self._frames.append(self._clock())
        if facts := self._story.saw(event):
            self._keep(facts)

    def did(self, action: Action) -> None:
        if facts := self._story.did(action):
            self._keep(facts)

    def over(self, summary: CallSummary) -> None:
        self._keep(self._story.over(summary))

    def closed(self) -> None:
        self._keep(self._story.closed())

    def _keep(self, facts: Facts) -> None:
        for one in facts:
            if isinstance(one, CallFacts):
                self._sid = one.sid
                self._keeps.keep_call(replace(one, event_log=self._log_of(one.sid, one.at)))
            elif isinstance(one, TurnFacts):
                self._keeps.keep_turn(self._sid, one)

    def _wall_ms(self, frames: int) -> int | None:
        if not 0 < frames <= len(self._frames):
            return None
        return round((self._clock() - self._frames[-frames]) * 1000)
