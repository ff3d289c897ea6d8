"""A stretch of frames in which no rule can act by itself, so that none of them is asked in it.

    frames  . . . . . . . . . . . . . . . . .
    asked   x - - - - - - - x - - - e x - - -     x every rule; - none; e an event: what was known is not

A call is calm while all that it waits for is an event, or a moment that is known: the end of a patience, of
the call, of a mark's grace; of the wait for a transcript, or for the hint.
"""

from server.audio.endpointing import OnsetThreshold
from server.turns.no_input import NEVER, OwnTurns, Silence, next_limit
from server.turns.parts import Parts
from server.turns.phases import Phase, State


class Calm:
    """Of one call. Not thread-safe."""

    def __init__(self, parts: Parts, silence: Silence, own_turns: OwnTurns) -> None:
        self._parts = parts
        self._silence = silence
        self._own_turns = own_turns
        self.threshold = OnsetThreshold.ORDINARY  # of all its frames
        self.until = 0  # frame clock: of the first frame that may bring about more than what is heard in it
        self.reply_may_start = False  # by the passing of time: the wire is to ask for it at each frame

    def begin(self) -> None:
        """Behind a frame that has brought about nothing."""
        clock = self._parts.current.clock
        self.until = self._due_at(clock)
        if self.until > clock + 1:
            self.threshold = self._parts.barge_in.threshold
            turn = self._parts.current.turn
            self.reply_may_start = turn is not None and turn.state is not State.SPEAKING

    def end(self) -> None:
        """Something has happened."""
        self.until = 0

    def reply_goes_on(self) -> None:
        """Audio has come, or was sent. Of a reply that was being heard, it changes when that may be over."""
        parts, clock = self._parts, self._parts.current.clock
        was_heard = self.until > clock + 1 and self.threshold is OnsetThreshold.DURING_PLAYOUT
        self.until = self._due_at(clock) if was_heard and parts.current.state is State.SPEAKING else 0

    def _due_at(self, clock: int) -> int:
        parts = self._parts
        turn, users = parts.current.turn, parts.users
        if parts.call.closing or parts.allowance.owes or users.counts_keys:
            return clock
        moments = (next_limit(clock, parts.params.call_frames), users.guess_settles_at(clock))
        if turn is not None and turn.state is State.SPEAKING:
            if turn.phase is Phase.DIPPED:
                return clock
            return min(clock + turn.playout.goes_on_for, *_to_come(clock, *moments))
        threshold = parts.barge_in.refractory_until(clock)
        if turn is None:
            if self._own_turns.waits_to_speak or parts.barge_in.acts_are_due:
                return clock
            return min(self._silence.due_at, threshold, *_to_come(clock, *moments))
        if turn.playout.audible:  # a hint: its end is one of the threshold
            return clock
        settles = 0 if turn.caller is None else users.settles_at(turn.caller)
        waits = turn.times.moments(parts.params.hint_after_frames)
        if clock in (settles, *waits):  # of two that come at one frame, one is asked for at the next
            return clock
        return min(threshold, *_to_come(clock, settles, *waits, *moments))


def _to_come(clock: int, *moments: int) -> list[int]:
    """What is past has come to nothing."""
    return [at for at in moments if at > clock] or [NEVER]
