"""The present turn, its fence, and the call's clock.

    LISTENING --utterance ends--> THINKING --first reply frame--> SPEAKING --heard to its end--> LISTENING
        |                            |                               |
        | greeting, prompts          | the caller goes on (A6),      | barge-in (D2)
        +--------> SPEAKING          | nothing was said (E1-E3)      |
                                     +--------> LISTENING <----------+

A speculative turn (B3) exists while the state is still LISTENING. Whatever cuts a turn short raises the ID
first; an event that carries an old one is too late.
"""

from server.turns.actions import Action, CancelTurn, Log, StartTurn
from server.turns.phases import Phase, State, TurnEvent
from server.turns.turn import Turn
from server.turns.turn_times import TurnTimes
from server.turns.utterances import UserTurn


class CurrentTurn:
    """``turn_id`` is a fencing token: workers and marks carry the ID they were born with."""

    def __init__(self) -> None:
        self.turn: Turn | None = None
        self.turn_id = 0
        self.clock = 0  # frames heard: the time of a conversation
        self._logged = State.LISTENING

    def tick(self) -> None:
        """20 ms have passed."""
        self.clock += 1
        if self.turn is not None:
            self.turn.playout.tick()

    def goes_on_from(self, frames: int) -> None:
        """So many were heard at another socket of this call (F8)."""
        self.clock = frames

    @property
    def state(self) -> State:
        return self.turn.state if self.turn is not None else State.LISTENING

    @property
    def early(self) -> Turn | None:
        """The speculative turn: the caller pauses."""
        return self.turn if self.turn is not None and self.turn.early else None

    @property
    def present(self) -> Turn:
        """The turn, where there must be one."""
        assert self.turn is not None
        return self.turn

    def state_changed(self) -> list[Action]:
        """One line for the log, when the state is another one than it says."""
        if self.state is self._logged:
            return []
        before, self._logged = self._logged, self.state
        return [Log(f"STATE {before.value} → {self.state.value} turn={self.turn_id}")]

    # ---- a turn begins ----

    def begin(self, phase: Phase, caller: UserTurn | None = None) -> Turn:
        """A turn under a new ID. A prompt that answers nobody needs no pause before it (B4)."""
        assert self.turn is None
        self.turn_id += 1
        prompt = phase in (Phase.PREPARED, Phase.INSISTING)
        times = TurnTimes(self.clock, delay_frames=0 if prompt else None)
        self.turn = Turn(self.turn_id, phase, times, caller)
        return self.turn

    def owe(self, caller: UserTurn) -> list[Action]:
        """The caller's turn is over, and an answer is owed: a speculative turn is now its turn."""
        actions: list[Action] = []
        if self.turn is None or not self.turn.owed(caller, self.clock):
            actions = self._drop()
            self.begin(Phase.TRANSCRIBING, caller)
        return [*actions, *self.state_changed(), StartTurn(self.turn_id)]

    def start_over(self, turn: Turn) -> list[Action]:
        """Another try at the same turn: nothing of the first counts any more."""
        self.turn_id += 1
        self.turn = turn.again(self.turn_id)
        return [CancelTurn(turn.turn_id), StartTurn(self.turn_id, self.clock - turn.times.began_at)]

    def give_up(self, turn: Turn, why: TurnEvent) -> list[Action]:
        """The same, for a prompt instead of an answer: it waits for nothing (G3)."""
        self.turn_id += 1
        self.turn = turn.again(self.turn_id)
        self.turn.on(why)
        self.turn.times.delay_chosen(0)
        return [CancelTurn(turn.turn_id)]

    # ---- a turn ends ----

    def drop(self, why: TurnEvent) -> list[Action]:
        """Raise the fence, if the table lets the turn be dropped for this; its LLM and TTS are closed."""
        return self._drop() if self.turn is not None and self.turn.on(why) else []

    def _drop(self) -> list[Action]:
        turn, self.turn = self.turn, None
        if turn is None:
            return []
        self.turn_id += 1
        return [CancelTurn(turn.turn_id), *self.state_changed()]

    def leave(self) -> list[Action]:
        """The turn has come to its own end: nothing of it can be late."""
        turn, self.turn = self.present, None
        return [*self.state_changed(), CancelTurn(turn.turn_id)]

    def replace_after_call(self) -> Turn:
        """The call is over: nobody hears or says anything, and all that a request needs is an ID."""
        self.turn = None
        turn = self.begin(Phase.SPECULATIVE)
        self.turn = None
        return turn
