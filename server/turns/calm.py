"""A stretch of frames in which no rule can act by itself, so that none of them is asked in it.

    frames  . . . . . . . . . . . . . . . . .
    asked   x - - - - - - - x - - - e x - - -     x every rule; - none; e an event: what was known is not

A call is calm while it listens, or while its reply is heard, and all that it waits for is an event, or a
moment that is known: the end of a patience, of the call, of a mark's grace.
"""

from server.audio.endpointing import OnsetThreshold
from server.turns.no_input import OwnTurns, Silence, next_limit
from server.turns.parts import Parts
from server.turns.phases import Phase, State
from server.turns.turn import Turn


class Calm:
    """Of one call. Not thread-safe."""

    def __init__(self, parts: Parts, silence: Silence, own_turns: OwnTurns) -> None:
        self._parts = parts
        self._silence = silence
        self._own_turns = own_turns
        self.threshold = OnsetThreshold.ORDINARY  # of all its frames
        self.until = 0  # frame clock: of the first frame that may bring about more than what is heard in it

    def begin(self) -> None:
        """Behind a frame that has brought about nothing."""
        clock = self._parts.current.clock
        self.until = self._due_at(clock)
        if self.until > clock + 1:
            self.threshold = self._parts.barge_in.threshold

    def end(self) -> None:
        """Something has happened."""
        self.until = 0

    def _due_at(self, clock: int) -> int:
        parts = self._parts
        turn = parts.current.turn
        if parts.call.closing or parts.allowance.owes or parts.users.watches_time:
            return clock
        if turn is not None:
            due_at = clock + _goes_on_for(turn)
        elif self._own_turns.waits_to_speak or parts.barge_in.acts_are_due:
            return clock
        else:
            due_at = min(self._silence.due_at, parts.barge_in.refractory_until(clock))
        return min(due_at, next_limit(clock, parts.params.call_frames))


def _goes_on_for(turn: Turn) -> int:
    """Frames for which it is as it is, unless something happens."""
    heard = turn.state is State.SPEAKING and turn.phase is not Phase.DIPPED
    return turn.playout.goes_on_for if heard else 0
