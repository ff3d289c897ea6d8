"""Whose turn it is: the states, the present turn and its fence. Nothing else changes any of them.

    LISTENING --utterance ends--> THINKING --first reply frame--> SPEAKING --heard to its end--> LISTENING
        |                            |                               |
        | greeting, lines            | the caller goes on (A6),      | barge-in (D2)
        +--------> SPEAKING          | nothing was said (E1-E3)      |
                                     +--------> LISTENING <----------+

An early start (B3) is a turn while the state is still LISTENING: its end of turn has not come, and none of it
is heard. Whatever cuts a turn short raises the ID first; what carries an old one is too late.
"""

from collections.abc import Sequence
from enum import Enum

from server.hebrew.words import fingerprint
from server.turns.actions import Action, CancelTurn, Log, SendClear, StartTurn
from server.turns.history import CallHistory
from server.turns.playout import Playout
from server.turns.turn import InterruptedReply, Turn, UserTurn, started_over
from server.turns.user_turn import UserTurns

GRACE_FRAMES = 60  # 1.2 s behind our closing line, in which a voice keeps the call (F2)


class State(Enum):
    LISTENING = "LISTENING"
    THINKING = "THINKING"
    SPEAKING = "SPEAKING"


class Floor:
    """``turn_id`` is a fencing token: workers and marks carry the ID they were born with."""

    def __init__(self) -> None:
        self.state = State.LISTENING
        self.turn_id = 0
        self.clock = 0  # frames heard: the time of a conversation
        self.turn: Turn | None = None  # THINKING, SPEAKING; or early, or a line about to be said
        self.leftover: InterruptedReply | None = None  # of the reply that was dropped last

    @property
    def early(self) -> Turn | None:
        """The turn that may not be one: the caller pauses."""
        return self.turn if self.turn is not None and self.turn.early else None

    @property
    def present(self) -> Turn:
        """The turn, where there must be one."""
        assert self.turn is not None
        return self.turn

    def enter(self, state: State) -> list[Action]:
        """Say so in the log, when it is another state."""
        if state is self.state:
            return []
        before, self.state = self.state, state
        return [Log(f"STATE {before.value} → {state.value} turn={self.turn_id}")]

    # ---- a turn begins ----

    def take(self, *, early: bool = False, breath_frames: int | None = None) -> Turn:
        """A turn of ours under a new ID; the one before is over."""
        assert self.turn is None
        self.turn_id += 1
        self.turn = Turn(
            self.turn_id, None, self.clock, Playout(self.turn_id), breath_frames=breath_frames, early=early
        )
        return self.turn

    def owe(self, caller: UserTurn) -> list[Action]:
        """The caller's turn is over, and an answer is owed; an early start is now its turn."""
        early = self.early
        actions = self.drop() if early is None else []
        turn = early or self.take()
        turn.early, turn.caller, turn.began_at = False, caller, self.clock
        return [*actions, *self.enter(State.THINKING), StartTurn(turn.turn_id)]

    def start_over(self, turn: Turn) -> list[Action]:
        """Another try at the same turn: nothing of the first counts any more."""
        self.turn_id += 1
        self.turn = started_over(turn, self.turn_id)
        return [CancelTurn(turn.turn_id), StartTurn(self.turn_id, self.clock - turn.began_at)]

    def give_up(self, turn: Turn) -> list[Action]:
        """The same, for a line of our own: it waits for nothing (G3)."""
        self.turn_id += 1
        self.turn = started_over(turn, self.turn_id)
        self.turn.understood, self.turn.breath_frames = True, 0
        return [CancelTurn(turn.turn_id)]

    # ---- a turn is cut short ----

    def drop(self) -> list[Action]:
        """Raise the fence; the turn's LLM and voice are closed."""
        turn, self.turn = self.turn, None
        if turn is None:
            return []
        self.turn_id += 1
        return [CancelTurn(turn.turn_id), *self.enter(State.LISTENING)]

    def yield_to(self, caller: UserTurns, memory: CallHistory) -> list[Action]:
        """The caller speaks or types: whatever we say or were about to say is dropped."""
        if self.turn is None or self.turn.final:
            return []
        if self.state is State.SPEAKING:
            return [] if self.turn.protected else self._barge_in(self.turn, caller, memory)
        if self.state is State.THINKING:
            return self._supersede(self.turn, caller)
        return self.drop()

    def _barge_in(self, turn: Turn, caller: UserTurns, memory: CallHistory) -> list[Action]:
        """D2, D3: the turn is over, and what was heard of it is known."""
        playout = turn.playout
        actions: list[Action] = [Log("BARGE_IN: interrupt")]
        if not playout.held:
            playout.hold()
            actions.append(SendClear())
        interrupted = not playout.nearly_over
        words = self._heard(turn, memory, interrupted=interrupted)
        caller.pending.cut_us = interrupted
        kept = playout.kept()
        noted = interrupted and bool(words)
        takes_back = " ".join(kept.before) if noted else None
        self.leftover = InterruptedReply(kept, turn, takes_back=takes_back, heard=not interrupted)
        return [*actions, Log("AGENT_TEXT:", words), *self.drop()]

    def _supersede(self, turn: Turn, caller: UserTurns) -> list[Action]:
        """A6: what was said before is joined with what follows."""
        actions: list[Action] = []
        if turn.playout.audible:  # a hint
            turn.playout.hold()
            actions.append(SendClear())
        if turn.resumes:
            self.leftover = InterruptedReply(turn.playout.kept(), turn, takes_back=turn.takes_back)
        elif turn.text:
            self.leftover = InterruptedReply(turn.playout.kept(), turn, fingerprint(turn.text))
        assert turn.caller is not None  # there is nothing to think about without one
        caller.give_back(turn.caller)
        return [*actions, *self.drop()]

    # ---- a turn ends by itself ----

    def finish(self, turn: Turn, memory: CallHistory) -> list[Action]:
        """C4: the caller has heard the end. The turn is left next."""
        words = self._heard(turn, memory)
        return [Log("tts_done"), Log("AGENT_TEXT:", words)]

    def leave(self, turn: Turn) -> list[Action]:
        """The turn has come to its own end."""
        self.turn = None
        if turn.acts:  # should what is said meanwhile be nothing, they are still due
            grace = GRACE_FRAMES if turn.parting and turn.sentences and not turn.final else 0
            self.leftover = InterruptedReply(turn.playout.kept(), turn, heard=True, due_at=self.clock + grace)
        return [*self.enter(State.LISTENING), CancelTurn(turn.turn_id)]

    def hung_up(self, turn: Turn, memory: CallHistory) -> list[Action]:
        """The line is dead in the middle of what we said: so much of it was heard."""
        words = self._heard(turn, memory, interrupted=not turn.playout.nearly_over)
        return [Log("AGENT_TEXT:", words)] if words else []

    def _heard(self, turn: Turn, memory: CallHistory, *, interrupted: bool = False) -> str:
        in_full, words = turn.playout.heard()
        memory.asked_a_question = turn.playout.at_a_question
        before: Sequence[str] = turn.before
        memory.heard_of_us(self.clock, [*before, *in_full], words, interrupted=interrupted, line=turn.is_line)
        return words
