"""Barge-in: the caller's voice during playout is judged, and interrupts it or is let go (D1-D5).

    loud frames --> judged --> noise: nothing was cut
                           --> a voice (``clear``): the reply is dropped, what was heard of it noted, its rest
                               kept until the caller's words are known

A sound is judged by ``audio.endpointing``, a voice without words by ``turns.answering``. With ``early_stop``
loud frames stop playout before they are judged, and it goes on from the very frame when they were noise;
after two false stops ``Turn.stop`` waits for the judgement. Where the agent ``dips``, what would stop it
lowers it first, and ``turns.dipped`` says what becomes of the reply.

Where the agent's voice ends, for the onset threshold behind it (C5) and for echo (E3), is known here too.
"""

from server.audio.endpointing import OnsetThreshold
from server.audio.frames import FRAMES_PER_S
from server.turns.actions import Action, Decided, Log, SendClear
from server.turns.call_state import CallState
from server.turns.current_turn import CurrentTurn
from server.turns.echo import Overlap
from server.turns.params import TurnParams
from server.turns.phases import Phase, State, TurnEvent
from server.turns.turn import InterruptedReply, Turn
from server.turns.user_turn import UserTurns
from server.turns.utterances import UserTurn

FAR_FRAMES = 3600 * FRAMES_PER_S
ECHO_TAIL_FRAMES = 45  # 500 ms behind the last word, and 400 until a voice is confirmed
GRACE_FRAMES = 60  # 1.2 s behind the closing line, in which a voice keeps the call (F2)


class BargeIn:
    """Keeps the rest of the reply that was interrupted, or heard, last. Not thread-safe."""

    def __init__(self, params: TurnParams, current: CurrentTurn, users: UserTurns, call: CallState) -> None:
        self._params = params
        self._current = current
        self._users = users
        self._call = call
        self._spoke_until = -FAR_FRAMES  # long ago: frame clock of the agent's last word
        self.interrupted: InterruptedReply | None = None
        self._nodded: UserTurn | None = None  # went for a nod before the STT had come to its end

    # ---- does the caller speak during playout? ----

    @property
    def threshold(self) -> OnsetThreshold:
        """What it takes now to open an utterance (D1, C5)."""
        turn = self._current.turn
        if turn is not None and (turn.state is State.SPEAKING or turn.playout.audible):
            return OnsetThreshold.DURING_PLAYOUT
        refractory = self._current.clock - self._spoke_until < self._params.refractory_frames
        return OnsetThreshold.REFRACTORY if refractory else OnsetThreshold.ORDINARY

    def refractory_until(self, clock: int) -> int:
        """Frame clock at which the threshold changes by itself; FAR_FRAMES later when it does not."""
        until = self._spoke_until + self._params.refractory_frames
        return until if clock < until else clock + FAR_FRAMES

    @property
    def acts_are_due(self) -> bool:
        """What a reply that was heard has decided waits for its moment (F2)."""
        return self.interrupted is not None and self.interrupted.heard

    @property
    def overlap(self) -> Overlap | None:
        """Whether a voice that is confirmed now may be echo (E3)."""
        if self.threshold is OnsetThreshold.DURING_PLAYOUT:
            return Overlap.DURING_PLAYOUT
        just_after = self._current.clock - self._spoke_until < ECHO_TAIL_FRAMES
        return Overlap.JUST_AFTER if just_after else None

    # ---- a candidate, and what it was ----

    def candidate(self) -> list[Action]:
        """D1: a candidate. Playout stops for it only early; whether it is a voice is known within 400 ms."""
        turn, params = self._current.turn, self._params
        if turn is None or not (params.barge_in and params.early_stop):
            return []
        if params.dips:
            return self._dip(turn, confirmed=False)
        return [SendClear(), Decided("D1", "stopped early")] if turn.stop() else []

    def it_was_noise(self) -> None:
        """D4: go on from where it was stopped early. A reply that was held back (A6) starts by itself."""
        turn = self._current.turn
        if turn is not None and turn.phase is not Phase.DIPPED:  # there an earlier voice may count
            turn.go_on()

    def voice(self) -> list[Action]:
        """D2, D5: a confirmed voice, which may take the turn."""
        turn = self._current.turn
        if turn is None or turn.state is not State.SPEAKING:
            return self.interrupt()
        if not self._params.barge_in:
            return []
        return self._dip(turn, confirmed=True) if self._params.dips else self.interrupt()

    def _dip(self, turn: Turn, *, confirmed: bool) -> list[Action]:
        """D1: go on lower from where the voice, or perhaps one, came in."""
        if not turn.dip(confirmed=confirmed):
            return []
        # What is said over it is an answer, if that is what it asks now.
        self._call.input.agent_stopped(at_a_question=turn.playout.at_a_question)
        return [SendClear(), Log(f"LOWER_LEVEL turn={turn.turn_id}"), Decided("D1", "lower")]

    def interrupt(self) -> list[Action]:
        """The caller speaks or types: whatever is said, or was about to be, is dropped."""
        turn = self._current.turn
        if turn is None or not turn.takes(TurnEvent.INTERRUPTED):
            return []
        match turn.state:
            case State.SPEAKING:
                noted = self._interrupt_reply(turn)
            case State.THINKING:
                noted = self._supersede(turn)
            case State.LISTENING:
                noted = [Decided("B3", "dropped", "a voice, or a key")] if turn.early else []
        return [*noted, *self._current.drop(TurnEvent.INTERRUPTED)]

    def _interrupt_reply(self, turn: Turn) -> list[Action]:
        """D2, D3: the turn is over, and what was heard of it is known."""
        playout = turn.playout
        actions: list[Action] = [Log("BARGE_IN: interrupt")]
        self._users.playout_stopped()
        if not playout.held:
            playout.hold()
            actions.append(SendClear())
        noted = not playout.nearly_over
        actions.append(Decided("D2", "interrupted" if noted else "nearly over"))
        words = self._heard(turn, interrupted=noted)
        self._users.pending.interrupted_reply(noted=noted)
        rest = playout.rest()
        restores = " ".join(rest.before) if noted and words else None
        self.interrupted = InterruptedReply(rest, turn, restores=restores, heard=not noted)
        return [*actions, Log("AGENT_TEXT:", words)]

    def _supersede(self, turn: Turn) -> list[Action]:
        """A6: what was said before is joined with what follows."""
        actions: list[Action] = [Decided("A6", "goes on")]
        if turn.playout.audible:  # a hint
            turn.playout.hold()
            actions.append(SendClear())
        self.interrupted = InterruptedReply.superseded(turn) or self.interrupted
        assert turn.caller is not None  # there is nothing to think about without one
        self._users.give_back(turn.caller)
        return actions

    # ---- the rest of a reply ----

    def take(self) -> InterruptedReply | None:
        """The words that interrupted it are known: it goes on, or is forgotten."""
        taken, self.interrupted = self.interrupted, None
        return taken

    def put_back(self, interrupted: InterruptedReply) -> None:
        """The LLM finds that the caller only listens: it goes on after all."""
        self.interrupted = interrupted

    def left(self, turn: Turn) -> None:
        """The turn is over. Should what is said meanwhile be nothing, its effects are still due."""
        if turn.follow_up.acts:
            grace = GRACE_FRAMES if turn.parting and turn.playout.count else 0
            due_at = self._current.clock + grace
            self.interrupted = InterruptedReply(turn.playout.rest(), turn, heard=True, due_at=due_at)

    # ---- a nod that may be more ----

    def went_for_nod(self, caller: UserTurn) -> None:
        """The reply goes on at what the STT has so far; what it says in the end is still to come."""
        self._nodded = caller

    @property
    def doubts(self) -> bool:
        """Such a transcript is awaited."""
        return self._nodded is not None and self._nodded.believed

    def nodded(self, utterance_id: int) -> UserTurn | None:
        """The turn that went for a nod with this utterance, whose transcript has come."""
        caller = self._nodded
        return caller if caller is not None and caller.has(utterance_id) else None

    def was_no_nod(self, caller: UserTurn) -> list[Action]:
        """Its words say more: it interrupts after all, and is owed its answer."""
        self._nodded = None
        actions = self.interrupt()
        if self._users.pending is not caller:
            self._users.give_back(caller)
        return actions

    def give_back_unheard(self) -> None:
        """The call is over: what went for a nod is understood with its last word."""
        caller, self._nodded = self._nodded, None
        if caller is not None and caller.believed:
            caller.doubt()
            self._users.give_back(caller)

    # ---- what was heard ----

    def finished(self, turn: Turn) -> list[Action]:
        """C4: the caller has heard the end."""
        self._spoke_until = self._current.clock
        words = self._heard(turn)
        return [Log("tts_done"), Log("AGENT_TEXT:", words)]

    def hung_up(self, turn: Turn) -> list[Action]:
        """The line is dead in the middle of a reply: so much of it was heard."""
        words = self._heard(turn, interrupted=not turn.playout.nearly_over)
        return [Log("AGENT_TEXT:", words)] if words else []

    def _heard(self, turn: Turn, *, interrupted: bool = False) -> str:
        """Playout has ended now. A prompt is in the history, but is no reply to be given again (E4)."""
        in_full, words = turn.playout.heard()
        clock, call = self._current.clock, self._call
        call.input.agent_stopped(at_a_question=turn.playout.at_a_question)
        call.echo.spoke(clock, words)
        call.history.agent_said(words, interrupted=interrupted)
        if not turn.is_line:
            call.dedup.reply_heard(clock, [*turn.before, *in_full])
        return words
