"""What is still owed to a caller who has gone: what they have said last is understood, for a lead.

    the reply that was being made --(read to its end)--> its leads
    what nobody has judged --(an LLM, once)--> leads; (it fails)--> the words themselves, as a message

Nobody who has said nothing since an LLM came to its end costs a request.
"""

from collections.abc import Iterable

from server.audio.segmenter import CallerAudio, Discarded, Ended
from server.hebrew.understand.courtesy import is_courtesy
from server.hebrew.understand.speech_acts import takes_leave
from server.hebrew.words import fingerprint, words_of
from server.turns.actions import Action, ApplyEffect, CancelTurn, FeedRecognition, LetLlmFinish, Log
from server.turns.effects import Act, SaveLead
from server.turns.events import (
    Event,
    FinalTranscript,
    LlmFailed,
    ReplyDone,
    ReplySentence,
    SttFailed,
    TimeIsUp,
)
from server.turns.floor import Floor, State
from server.turns.history import CallHistory
from server.turns.intent import Intent, meaning_of, tells_more
from server.turns.params import TurnParams
from server.turns.reply import CALL_BACK, SAYS_NOTHING, acts_due, ask_llm, for_the_office
from server.turns.turn import Thought, Turn, UserTurn
from server.turns.user_turn import UserTurns

LEFT = frozenset({Intent.MESSAGE, Intent.CALL_BACK})
WORDS_OF_A_MESSAGE = 2  # one alone tells an office nothing, unless it is a number


class LastWords:
    """From the end of the call until nothing is awaited any more. Not thread-safe.

    ``begin`` once; then the events of what it has left at work.
    """

    def __init__(self, params: TurnParams, floor: Floor, caller: UserTurns, memory: CallHistory) -> None:
        self._params = params
        self._floor = floor
        self._caller = caller
        self._memory = memory
        self._turn = floor.turn  # until its LLM has come to its end
        self._asked: Turn | None = None  # the LLM, once, about what nobody has judged
        self._judged = False  # every word is known, and what is to be done about it
        self._said_more = False  # than the turn answers
        self._waits = False  # the turn's LLM would have the caller go on: it has judged nothing
        self.over = False

    def begin(self) -> list[Action]:
        """The call is over: what is still to be heard and thought is awaited, and all else is dropped."""
        turn = self._turn
        kept = acts_due(turn, self._memory, heard=False) if turn is not None and turn.caller else []
        return [*kept, *self._end_utterance(), *self._leave_turn(), *self._go_on()]

    def handle(self, event: Event) -> list[Action]:
        """What was awaited has come, or has failed, or is too late."""
        clock = self._floor.clock
        match event:
            case _ if self.over:
                return []
            case TimeIsUp():
                return self._give_up()
            case FinalTranscript(utterance_id, text, confidence):
                self._caller.transcribed(utterance_id, text, confidence, clock)
                return self._go_on()
            case SttFailed(utterance_id, reason):
                wanted = self._caller.stt_failed(utterance_id, clock)
                return [Log("ASR_ERR:", cause=reason), *self._go_on()] if wanted else []
            case ReplySentence() | ReplyDone() | LlmFailed():
                return self._thought(event)
        return []

    # ---- the end of the call ----

    def _end_utterance(self) -> list[Action]:
        actions: list[Action] = []
        clock, during_playout = self._floor.clock, self._floor.state is State.SPEAKING
        for heard in self._caller.end_now(clock):
            match heard:
                case CallerAudio(utterance_id, audio):
                    actions.append(FeedRecognition(utterance_id, audio))
                case Discarded(utterance_id):
                    actions += self._caller.was_noise(utterance_id)
                case Ended():
                    actions.append(self._caller.utterance_ended(heard, clock, during_playout=during_playout))
        return actions

    def _leave_turn(self) -> list[Action]:
        """What the turn has come to answers some of what was said, or will, or does not."""
        turn, memory = self._turn, self._memory
        if turn is None:
            return []
        actions: list[Action] = []
        if self._floor.state is State.SPEAKING:
            actions = self._floor.hung_up(turn, memory)
        elif turn.caller is not None and not turn.understood:
            self._caller.give_back(turn.caller)
        elif turn.caller is not None and turn.thought is Thought.WHOLE:
            memory.caller_said(turn.answers)
            memory.unjudged.clear()
        elif turn.caller is not None:
            turn.tell_unjudged(memory.unjudged)
        if turn.thought is Thought.AT_WORK:
            return [*actions, LetLlmFinish(turn.turn_id)]
        if turn.understood or turn.thought is not Thought.WHOLE:
            self._turn = None
        return actions

    # ---- what was said ----

    def _go_on(self) -> list[Action]:
        actions: list[Action] = []
        if not self._judged and self._caller.pending.transcribed:
            self._judged = True
            actions = self._judge(self._caller.take_pending())
        return [*actions, *self._decide()] if self._judged else actions

    def _judge(self, caller: UserTurn) -> list[Action]:
        """Every word is known: are they for an LLM, or is one at work on just these since before?"""
        text, _ = caller.join(self._params.min_confidence, self._params.dedup_frames)
        meaning = meaning_of(caller, text, self._memory, self._floor.clock) if text else Intent.NOTHING
        actions: list[Action] = [Log("ASR_TEXT:", text)] if text else []
        turn = self._turn
        early = turn is not None and not turn.understood
        known = turn is not None and early and fingerprint(turn.text) == fingerprint(text)
        if turn is not None and early and not known:
            actions.append(CancelTurn(turn.turn_id))
            self._turn = None
        if tells_more(meaning, text) or (meaning is Intent.WORDS and not _is_parting(text)):
            self._memory.unjudged.append(text)
            self._said_more = not known
        elif meaning in LEFT:
            left = CALL_BACK if meaning is Intent.CALL_BACK else text
            actions += self._keep([for_the_office(self._memory, left)])
        return actions

    # ---- what is done about it ----

    def _decide(self) -> list[Action]:
        actions: list[Action] = []
        if self._turn is not None and self._turn.thought is not Thought.AT_WORK:
            actions = self._turn_has_ended(self._turn)
        if self._memory.unjudged and self._asked is None and (self._turn is None or self._said_more):
            return [*actions, *self._ask()]
        self.over = self._turn is None and (self._asked is None or self._asked.thought is not Thought.AT_WORK)
        return actions

    def _turn_has_ended(self, turn: Turn) -> list[Action]:
        self._turn = None
        if turn.thought is not Thought.WHOLE:
            return []
        if not self._said_more:
            self._memory.unjudged.clear()
        return self._keep(turn.acts)

    def _ask(self) -> list[Action]:
        """The LLM is to keep what is worth it; nothing that it says is heard by anybody."""
        self._floor.turn = None  # nobody has the floor any more: an ID of its own is all that this needs
        asked = self._asked = self._floor.take()
        self._floor.turn = None
        words = self._unjudged
        return [Log(f"LAST_WORDS turn={asked.turn_id}"), *ask_llm(asked, words, self._memory, gone=True)]

    @property
    def _unjudged(self) -> str:
        """In order; what was said again, because we had no answer, once."""
        return " ".join(dict.fromkeys(self._memory.unjudged))

    def _thought(self, event: ReplySentence | ReplyDone | LlmFailed) -> list[Action]:
        of = (self._turn, self._asked)
        turn = next((turn for turn in of if turn is not None and turn.turn_id == event.turn_id), None)
        if turn is None or turn.thought is not Thought.AT_WORK:
            return []
        match event:
            case ReplySentence(_, text):
                # Who would have gone on (A7), or only listened (D4), has gone instead.
                self._waits = self._waits or (text.strip() in SAYS_NOTHING and turn is self._turn)
                return []
            case LlmFailed(_, reason):
                turn.thought = Thought.BROKEN
                failed: list[Action] = [Log("LLM_ERR:", cause=reason)]
            case ReplyDone():
                judged = event.judged and not (self._waits and turn is self._turn)
                turn.thought = Thought.WHOLE if judged else Thought.BROKEN
                turn.acts, failed = event.acts, []
        if turn is self._asked:
            return [*failed, *self._answered(turn), *self._go_on()]
        return [*failed, *self._go_on()]

    def _answered(self, asked: Turn) -> list[Action]:
        if asked.thought is Thought.BROKEN:
            return self._keep_words()
        self._memory.unjudged.clear()
        return self._keep(asked.acts)

    def _keep(self, acts: Iterable[Act]) -> list[Action]:
        """Leads alone: nobody is there to be put through, or hung up on."""
        leads = [act for act in acts if isinstance(act, SaveLead)]
        return [ApplyEffect(lead) for lead in leads if self._memory.first_time(lead)]

    def _keep_words(self) -> list[Action]:
        """No LLM could judge them: the office has to."""
        text = self._unjudged
        self._memory.unjudged.clear()
        if len(words_of(text)) < WORDS_OF_A_MESSAGE and not any(map(str.isdigit, text)):
            return []
        return [Log("LAST_WORDS kept as a message"), *self._keep([for_the_office(self._memory, text)])]

    def _give_up(self) -> list[Action]:
        self.over = True
        self._caller.guesses_are_all(self._floor.clock)
        actions = [] if self._judged else self._judge(self._caller.take_pending())
        return [*actions, *self._keep_words()]


def _is_parting(text: str) -> bool:
    """A word that takes leave, or none at all: nothing to keep."""
    return not words_of(text) or is_courtesy(text) or takes_leave(text)
