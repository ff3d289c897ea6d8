"""Words so far: they hold or release the end of the turn (A7), and in a pause a reply starts early (B3)."""

from server.hebrew.understand.digits import number_in
from server.hebrew.understand.finished import Ending
from server.hebrew.words import fingerprint
from server.turns.actions import Action, Decided, Log
from server.turns.intent import Intent
from server.turns.judge import IntentJudge
from server.turns.no_input import OwnTurns
from server.turns.parts import Parts
from server.turns.phases import Phase, State, TurnEvent
from server.turns.utterances import UserTurn


class SpeculativeTurns:
    """A turn is begun before the caller's is over; unless it is, nothing of it is left. Not thread-safe."""

    def __init__(self, parts: Parts, judge: IntentJudge, own_turns: OwnTurns) -> None:
        self._parts = parts
        self._judge = judge
        self._own_turns = own_turns
        self._told = (0, Ending.OPEN)  # utterance, and how its words were found to end

    @property
    def may_start(self) -> bool:
        """Not too often for what the caller is saying, or in this call; and never while a prompt waits."""
        parts, current = self._parts, self._parts.current
        listening = current.state is State.LISTENING and current.turn is current.early
        begun = parts.users.pending.early_starts
        return listening and begun < parts.params.early_starts and parts.allowance.may_guess(current.clock)

    def may_ask_so_far(self) -> bool:
        """As often as that: an STT without interim transcripts hears everything again each time."""
        pending = self._parts.users.pending
        if not self.may_start or pending.asked_so_far >= self._parts.params.early_starts:
            return False
        pending.asked_for_words()
        return True

    def words_so_far(self, utterance_id: int) -> list[Action]:
        """A7: they hold the end of the turn or release it. B3: in a pause, they may be all."""
        parts, params = self._parts, self._parts.params
        ending, told = Ending.OPEN, []
        if params.endpointing.hold_frames:
            ending = parts.users.close_by_words(utterance_id, parts.call.input.expected)
            told = self._tell(utterance_id, ending)
        if self._only_nods(utterance_id, ending):
            parts.users.close_behind_nods()
        so_far = parts.users.said_so_far(utterance_id, parts.current.clock)
        if so_far is None:
            return told
        text, _ = so_far.join(params.min_confidence, params.dedup_frames)
        early = parts.current.early
        if early is not None and fingerprint(early.text) == fingerprint(text):
            return told
        forgotten = [*told, *self.forget(why="the words are others")]
        if ending is Ending.UNFINISHED or not self.may_start or self._own_turns.greeting_first:
            return forgotten
        return [*forgotten, *self._start(so_far, text)]

    def _tell(self, utterance_id: int, ending: Ending) -> list[Action]:
        """A7: the words hold or release the end; said once, as long as they do."""
        before, self._told = self._told, (utterance_id, ending)
        if self._told == before or ending is Ending.OPEN:
            return []
        last = self._parts.users.guess_of(utterance_id).split()[-1:]
        # Of a number no part is told: it is no longer found, and hidden, in its parts.
        number = any(any(map(str.isdigit, word)) or number_in(word) is not None for word in last)
        what = "held" if ending is Ending.UNFINISHED else "released"
        return [Decided("A7", what, "a number" if number else " ".join(last))]

    def _only_nods(self, utterance_id: int, ending: Ending) -> bool:
        """Over the agent's voice a hesitation is a nod; to a question of its, the caller thinks (A7)."""
        users = self._parts.users
        thinks = ending is Ending.UNFINISHED and self._parts.call.input.asked_a_question
        return (
            users.pending.interrupts and not thinks and self._judge.nods(users.guessed_so_far(utterance_id))
        )

    def _start(self, so_far: UserTurn, text: str) -> list[Action]:
        parts, judge = self._parts, self._judge
        interrupted = parts.barge_in.interrupted
        if judge.intent_of(so_far, text) is not Intent.WORDS:
            return []
        if interrupted is not None and interrupted.answers_words(text):  # its answer is there already (E2)
            return []
        parts.users.pending.started_early()
        turn = parts.current.begin(Phase.SPECULATIVE)
        listens = judge.may_listen(so_far, text)
        waits = not listens and judge.may_wait(parts.users.pending)
        question = parts.call.question(turn.turn_id, text, may_wait=waits, may_listen=listens)
        return [Log(f"EARLY_START turn={turn.turn_id}"), Decided("B3", "started"), *turn.ask(question)]

    def forget(self, event: TurnEvent = TurnEvent.USER_RESUMED, why: str = "") -> list[Action]:
        """The caller goes on, or has said something else: nothing of it is left."""
        current, early = self._parts.current, self._parts.current.early
        if early is None:
            return []
        told: list[Action] = [
            Log(f"EARLY_START dropped turn={early.turn_id}"),
            Decided("B3", "dropped", why or event.value),
        ]
        return [*told, *current.drop(event)]
