"""The end of a call: effects behind the closing line (F2, F3), and a server that goes (F4)."""

from server.turns.actions import Action, Decided, Log
from server.turns.follow_up import Thought
from server.turns.parts import Parts
from server.turns.phases import Phase, State, TurnEvent
from server.turns.response import farewell
from server.turns.speculative import SpeculativeTurns


class DueEffects:
    """What a turn has decided, and what is done once its answer was heard."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    @property
    def takes_leave(self) -> bool:
        """The closing line was heard, and its moment has not passed (F2)."""
        interrupted, current = self._parts.barge_in.interrupted, self._parts.current
        return interrupted is not None and current.turn is None and current.clock < interrupted.due_at

    def apply(self) -> list[Action]:
        """F2: the call ends, or is handed over, when a moment has passed behind the closing line.

        A caller who speaks then, or has spoken meanwhile, is listened to first, and keeps the call; noise
        does not keep it.
        """
        parts, users = self._parts, self._parts.users
        interrupted = parts.barge_in.interrupted
        if interrupted is None or not interrupted.heard or (self.takes_leave and not parts.call.closing):
            return []
        if parts.current.turn is not None or users.busy or users.perhaps_speaking or users.pending.segments:
            return []
        parts.barge_in.take()
        return parts.call.leads.apply(interrupted.turn.take_due(heard=True))

    def keep_leads(self) -> list[Action]:
        """Nothing can supersede the turn any more: its leads are kept."""
        turn = self._parts.current.turn
        if turn is None or not turn.caller:
            return []
        return self._parts.call.leads.apply(turn.take_due(heard=False))


class ClosingDown:
    """F4: the farewell is what is said next: now, or behind what is being said."""

    def __init__(self, parts: Parts, speculative: SpeculativeTurns, effects: DueEffects) -> None:
        self._parts = parts
        self._speculative = speculative
        self._effects = effects

    def begin(self) -> list[Action]:
        """The server will be gone in seconds."""
        if self._parts.call.closing:
            return []
        self._parts.call.close(self._parts.current.clock)
        return [Log("CLOSING_DOWN"), Decided("F4", "closes"), *self._make_way()]

    def _make_way(self) -> list[Action]:
        """What is said is heard to the end of its sentence; what was about to be said is dropped."""
        parts, turn = self._parts, self._parts.current.turn
        if turn is None:
            return []
        if turn.state is State.SPEAKING:
            turn.end_here()
            return []
        if turn.fixed and turn.parting:
            return []
        if turn.state is State.LISTENING:
            why = TurnEvent.CLOSING_DOWN
            return self._speculative.forget(why) or parts.current.drop(why)
        if not turn.takes(TurnEvent.CLOSING_DOWN):  # its words may be a goodbye, or a telephone number
            return []
        return [
            Decided("F4", "farewell"),
            *self._effects.keep_leads(),
            *parts.current.give_up(turn, TurnEvent.CLOSING_DOWN),
            *parts.current.present.say(farewell(parts.call)),
        ]

    @property
    def may_insist(self) -> bool:
        """The farewell is not being said, and nothing else is heard of the agent."""
        turn = self._parts.current.turn
        return turn is None or not (turn.final or turn.playout.audible)

    def insist(self) -> list[Action]:
        """Nobody has paused in time: the farewell is said over whatever is going on."""
        parts, dropped = self._parts, self._parts.current.turn
        kept = [Decided("F4", "insists"), *self._effects.keep_leads()]
        if dropped and dropped.caller and dropped.state is State.THINKING:
            if dropped.thought is not Thought.WHOLE:  # it is judged behind the call
                parts.users.give_back(dropped.caller)
        kept += parts.current.drop(TurnEvent.OUT_OF_PATIENCE)
        return kept + parts.current.begin(Phase.INSISTING).say(farewell(parts.call))
