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
from server.turns.actions import Action, CancelTurn, Decided, FeedRecognition, LetLlmFinish, Log
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
from server.turns.follow_up import Thought
from server.turns.intent import Intent, meaning_of, tells_more
from server.turns.parts import Parts
from server.turns.phases import State
from server.turns.response import CALL_BACK, LEFT, SAYS_NOTHING
from server.turns.turn import Turn
from server.turns.utterances import UserTurn

WORDS_OF_A_MESSAGE = 2  # one alone tells an office nothing, unless it is a number


class LastWords:
    """From the end of the call until nothing is awaited any more. Not thread-safe.

    ``begin`` once; then the events of what it has left at work.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._current = parts.current
        self._users = parts.users
        self._call = parts.call
        self._turn = parts.current.turn  # until its LLM has come to its end
        self._asked: Turn | None = None  # the LLM, once, about what nobody has judged
        self._judged = False  # every word is known, and what is to be done about it
        self._said_more = False  # than the turn answers
        self._waits = False  # the turn's LLM would have the caller go on: it has judged nothing
        self.over = False

    def begin(self) -> list[Action]:
        """The call is over: what is still to be heard and thought is awaited, and all else is dropped."""
        turn = self._turn
        unsure: list[Action] = [Decided("D4", "no nod", "the call is over")] * self._parts.barge_in.doubts
        self._parts.barge_in.give_back_unheard()
        kept = self._keep(turn.take_due(heard=False)) if turn is not None and turn.caller else []
        return [*unsure, *kept, *self._end_utterance(), *self._leave_turn(), *self._go_on()]

    def handle(self, event: Event) -> list[Action]:
        """What was awaited has come, or has failed, or is too late."""
        clock = self._current.clock
        match event:
            case _ if self.over:
                return []
            case TimeIsUp():
                return self._give_up()
            case FinalTranscript(utterance_id, text, confidence):
                self._users.transcribed(utterance_id, text, confidence, clock)
                return self._go_on()
            case SttFailed(utterance_id, reason):
                wanted = self._users.stt_failed(utterance_id, clock)
                return [Log("ASR_ERR:", cause=reason), *self._go_on()] if wanted else []
            case ReplySentence() | ReplyDone() | LlmFailed():
                return self._thought(event)
        return []

    # ---- the end of the call ----

    def _end_utterance(self) -> list[Action]:
        actions: list[Action] = []
        clock, in_playout = self._current.clock, self._current.state is State.SPEAKING
        for heard in self._users.end_now(clock):
            match heard:
                case CallerAudio(utterance_id, audio):
                    actions.append(FeedRecognition(utterance_id, audio))
                case Discarded(utterance_id):
                    actions += self._users.was_noise(utterance_id)
                case Ended():
                    actions.append(self._users.utterance_ended(heard, clock, in_playout=in_playout))
        return actions

    def _leave_turn(self) -> list[Action]:
        """What the turn has come to answers some of what was said, or will, or does not."""
        turn, history = self._turn, self._call.history
        if turn is None:
            return []
        actions: list[Action] = []
        if self._current.state is State.SPEAKING:
            actions = self._parts.barge_in.hung_up(turn)
        elif turn.caller is not None and not turn.words_known:
            self._users.give_back(turn.caller)
        elif turn.caller is not None and turn.thought is Thought.WHOLE:
            history.caller_said(turn.answers)
            history.judged()
        elif turn.caller is not None:
            history.not_judged(turn.unjudged)
        if turn.thought is Thought.AT_WORK:
            return [*actions, LetLlmFinish(turn.turn_id)]
        if turn.words_known or turn.thought is not Thought.WHOLE:
            self._turn = None
        return actions

    # ---- what was said ----

    def _go_on(self) -> list[Action]:
        actions: list[Action] = []
        if not self._judged and self._users.pending.transcribed:
            self._judged = True
            actions = self._judge(self._users.take_pending())
        return [*actions, *self._decide()] if self._judged else actions

    def _judge(self, caller: UserTurn) -> list[Action]:
        """Every word is known: are they for an LLM, or is one at work on just these since before?"""
        params = self._parts.params
        text, _ = caller.join(params.min_confidence, params.dedup_frames)
        intent = meaning_of(caller, text, self._call, self._current.clock) if text else Intent.NOTHING
        actions: list[Action] = [Log("ASR_TEXT:", text)] if text else []
        turn = self._turn
        early = turn is not None and not turn.words_known
        known = turn is not None and early and fingerprint(turn.text) == fingerprint(text)
        if turn is not None and early and not known:
            actions.append(CancelTurn(turn.turn_id))
            self._turn = None
        if tells_more(intent, text) or (intent is Intent.WORDS and not _is_parting(text)):
            self._call.history.not_judged(text)
            self._said_more = not known
        elif intent in LEFT:
            left = CALL_BACK if intent is Intent.CALL_BACK else text
            actions += self._keep([self._call.leads.with_message(left)])
        return actions

    # ---- what is done about it ----

    def _decide(self) -> list[Action]:
        actions: list[Action] = []
        if self._turn is not None and self._turn.thought is not Thought.AT_WORK:
            actions = self._turn_has_ended(self._turn)
        if (
            self._call.history.has_unjudged
            and self._asked is None
            and (self._turn is None or self._said_more)
        ):
            return [*actions, *self._ask()]
        self.over = self._turn is None and (self._asked is None or self._asked.thought is not Thought.AT_WORK)
        return actions

    def _turn_has_ended(self, turn: Turn) -> list[Action]:
        self._turn = None
        if turn.thought is not Thought.WHOLE:
            return []
        if not self._said_more:
            self._call.history.judged()
        return self._keep(turn.follow_up.acts)

    def _ask(self) -> list[Action]:
        """The LLM is to keep what is worth it; nothing that it says is heard by anybody."""
        asked = self._asked = self._current.replace_after_call()
        question = self._call.question(asked.turn_id, self._call.history.unjudged, gone=True)
        return [Log(f"LAST_WORDS turn={asked.turn_id}"), *asked.ask(question)]

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
                turn.judged(whole=False)
                failed: list[Action] = [Log("LLM_ERR:", cause=reason)]
            case ReplyDone():
                turn.judged(whole=event.judged and not (self._waits and turn is self._turn))
                turn.decide(event.acts)
                failed = []
        if turn is self._asked:
            return [*failed, *self._answered(turn), *self._go_on()]
        return [*failed, *self._go_on()]

    def _answered(self, asked: Turn) -> list[Action]:
        if asked.thought is Thought.BROKEN:
            return self._keep_words()
        self._call.history.judged()
        return self._keep(asked.follow_up.acts)

    def _keep(self, acts: Iterable[Act]) -> list[Action]:
        """Leads alone: nobody is there to be put through, or hung up on."""
        return self._call.leads.apply(act for act in acts if isinstance(act, SaveLead))

    def _keep_words(self) -> list[Action]:
        """No LLM could judge them: the office has to."""
        text = self._call.history.unjudged
        self._call.history.judged()
        if len(words_of(text)) < WORDS_OF_A_MESSAGE and not any(map(str.isdigit, text)):
            return []
        return [Log("LAST_WORDS kept as a message"), *self._keep([self._call.leads.with_message(text)])]

    def _give_up(self) -> list[Action]:
        self.over = True
        self._users.guesses_are_all(self._current.clock)
        actions = [] if self._judged else self._judge(self._users.take_pending())
        return [*actions, *self._keep_words()]


def _is_parting(text: str) -> bool:
    """A word that takes leave, or none at all: nothing to keep."""
    return not words_of(text) or is_courtesy(text) or takes_leave(text)
