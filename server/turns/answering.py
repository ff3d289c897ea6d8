"""The caller's turn is over: its words are understood and answered, and the answer is led to its end.

all words --(understood)--> the LLM is asked | a prompt | the rest of what was interrupted | nothing
"""

from server.audio.frames import FRAME_MS
from server.hebrew.understand.speech_acts import asks_to_repeat
from server.hebrew.words import fingerprint, normalise
from server.turns import response
from server.turns.actions import Action, Decided, Log, StartTurn
from server.turns.closing import DueEffects
from server.turns.dipped import DippedReply
from server.turns.effects import Act, Transfer, ends_call
from server.turns.events import (
    Event,
    LlmFailed,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    TtsAudio,
    TtsSentenceDone,
    TurnOverdue,
)
from server.turns.expected_input import Asked
from server.turns.follow_up import Thought
from server.turns.intent import Intent, tells_more
from server.turns.judge import IntentJudge
from server.turns.learning import learn
from server.turns.no_input import OwnTurns
from server.turns.parts import Parts
from server.turns.phases import State, TurnEvent
from server.turns.speculative import SpeculativeTurns
from server.turns.turn import MAX_SENTENCES, Turn
from server.turns.utterances import UserTurn

IGNORED = {
    Intent.NOTHING: Decided("E1", "nothing"),
    Intent.ECHO: Decided("E3", "echo"),
    Intent.BACKCHANNEL: Decided("D4", "only listens"),
}
OTHER_WORDS = Decided("B3", "dropped", "the words are others")


class Answering:
    """Decides what the present turn says. Not thread-safe."""

    def __init__(
        self,
        parts: Parts,
        judge: IntentJudge,
        own_turns: OwnTurns,
        speculative: SpeculativeTurns,
        effects: DueEffects,
    ) -> None:
        self._parts = parts
        self._params = parts.params
        self._current = parts.current
        self._users = parts.users
        self._call = parts.call
        self._barge_in = parts.barge_in
        self._judge = judge
        self._own_turns = own_turns
        self._speculative = speculative
        self._effects = effects
        self._dipped = DippedReply(parts, judge)

    # ---- the caller's words ----

    def words_heard(self, utterance_id: int) -> list[Action]:
        """The transcript of an utterance that is over, or pauses."""
        caller = self._barge_in.nodded(utterance_id)
        if caller is not None and self._judge.says_more(caller):
            return [Decided("D4", "no nod"), *self._barge_in.was_no_nod(caller), *self.answer_pending()]
        return [*self._speculative.words_so_far(utterance_id), *self.understand()]

    def weigh_dipped(self) -> list[Action]:
        """What is said over a reply that was lowered for it: whoever has interrupted it is answered."""
        actions = self._dipped.weigh()
        return [*actions, *self.answer_pending()] if actions else []

    def answer_pending(self) -> list[Action]:
        """Start the turn that is owed, unless the caller is still at it."""
        current, users = self._current, self._users
        if current.state is not State.LISTENING or users.busy or not users.pending.segments:
            return []
        if current.turn is not None and current.turn.final:
            return []
        if self._own_turns.greeting_first:
            return [*current.drop(TurnEvent.USER_TURN_ENDED), *self._own_turns.greet()]
        return [*current.owe(users.take_pending()), *self.understand()]

    def understand(self) -> list[Action]:
        """Once every part is transcribed, or goes for a nod: what was said, and what to do about it."""
        turn = self._current.turn
        caller = turn.caller if turn is not None else None
        if turn is None or caller is None:
            return []
        nod = not caller.transcribed and self._goes_for_nod(caller)
        if nod:
            caller.believe()
            self._barge_in.went_for_nod(caller)
        if not caller.transcribed or not turn.on(TurnEvent.TRANSCRIBED):
            return []
        text, repeated = caller.join(self._params.min_confidence, self._params.dedup_frames)
        actions: list[Action] = [Log("ASR_TEXT:", text)] if text else []
        actions += [Decided("D4", "nod")] * nod
        if repeated:
            actions += [Log("DEDUP user → ignore"), Decided("E2", "same words")]
            if caller.ends_in_repeat(self._params.min_confidence, self._params.dedup_frames):
                self._users.last_said_again()
        intent = self._judge.intent_of(caller, text)
        learn(self._parts, caller, intent, text, during_playout=caller.interrupts)
        turn.times.user_turn_ended(max(turn.times.began_at, caller.over_at))
        if intent is Intent.WORDS:
            return actions + self._think(turn, caller, text)
        turn.times.release()
        if turn.request is not None:  # early, for words that have changed their meaning
            actions += [OTHER_WORDS, *self._current.start_over(turn)]
            turn = self._current.present
        if intent is Intent.ECHO or intent is Intent.BACKCHANNEL:
            actions.append(Log(f"{intent.name} → ignore"))
        if intent in (Intent.NOTHING, Intent.ECHO, Intent.BACKCHANNEL):
            return [*actions, IGNORED[intent], *self._nothing_was_said(turn, caller)]
        self._barge_in.take()
        turn.understood_as(text, Thought.BROKEN if tells_more(intent, text) else Thought.NONE)
        return actions + self._say_own(turn, intent, text)

    def _goes_for_nod(self, caller: UserTurn) -> bool:
        """D4: all that the STT has so far of a turn that is over is nods: its last word is not waited for.

        To a goodbye, thanks are one; but not for long (F2).
        """
        interrupted, users = self._barge_in.interrupted, self._users
        doubtful = interrupted is None or interrupted.parting or self._barge_in.doubts
        if doubtful or not users.settled(caller, self._current.clock):
            return False
        return self._judge.nods(caller.as_guessed())

    def _think(self, turn: Turn, caller: UserTurn, text: str) -> list[Action]:
        self._call.input.clear()
        turn.understood_as(text)
        listens = self._judge.may_listen(caller, text)
        interrupted = self._barge_in.take()
        if turn.request is not None and fingerprint(turn.text) == fingerprint(text):
            turn.may_resume(interrupted if listens else None)
            return [Decided("B3", "kept")]  # its answer is on its way since before the end of the turn
        if turn.times.held:
            turn.on(TurnEvent.NOT_FINISHED)
            return []  # later: the caller has not finished (A7)
        actions = [OTHER_WORDS, *self._current.start_over(turn)] if turn.request is not None else []
        turn = self._current.present
        if interrupted is not None and interrupted.answers_words(text) and interrupted.rest.complete:
            return [*actions, Decided("E2", "answer ready"), *turn.say_again(interrupted)]
        actions += turn.ask(self._call.question(turn.turn_id, text, may_listen=listens))
        turn.may_resume(interrupted if listens else None)
        return actions

    def _nothing_was_said(self, turn: Turn, caller: UserTurn) -> list[Action]:
        """Back to what was going on: the rest of a reply that was interrupted, or listening."""
        interrupted = self._barge_in.take()
        if not caller.interrupts or interrupted is None or self._call.closing:
            turn.decide(interrupted.acts_due if interrupted is not None else ())
            return self._current.state_changed() if turn.let_hint_end() else self._leave_unsaid(turn)
        where = "from its word" if interrupted.rest.begins_at else "from its sentence"
        actions = [Decided("D4", where), *turn.resume(interrupted)]
        return self._leave_unsaid(turn) if turn.nothing_left else actions

    # ---- what LLM and TTS have made of it ----

    def turn_event(self, turn: Turn, event: Event) -> list[Action]:
        """What the workers of the present turn have done."""
        match event:
            case ReplyDelay(_, frames):
                turn.times.delay_chosen(frames)
                return [Decided("B4", "breath", f"{frames * FRAME_MS} ms")]
            case TtsAudio() | TtsSentenceDone():
                turn.take_audio(event, self._params.hint)
            case ReplySentence(_, text) if turn.on(TurnEvent.REPLY_SENTENCE):
                return self._sentence(turn, text)
            case ReplyDone() if turn.on(TurnEvent.REPLY_DONE):
                return self._done(turn, event)
            case LlmFailed(_, reason) if turn.on(TurnEvent.LLM_FAILED):
                return self._failed(turn, reason)
            case TurnOverdue():
                return self._overdue(turn)
        return []

    def _sentence(self, turn: Turn, text: str) -> list[Action]:
        if text.strip() in response.SAYS_NOTHING:
            return self._only_listened(turn) or self._not_finished(turn)
        if self._call.closing or not normalise(text) or turn.playout.count >= MAX_SENTENCES - 1:
            return []
        if turn.resumes:
            return [] if turn.has_said(text) else turn.add_sentence(text)
        # The question that ends a reply was not answered: without it nobody would know what is wanted.
        still_open = turn.playout.count and text.rstrip().endswith("?")
        just_said = self._call.dedup.just_said(turn.times.began_at, text)
        if just_said and not still_open and not asks_to_repeat(turn.text):
            turn.skip_sentence()
            return [Decided("E4", "skipped")]
        return turn.add_sentence(text)

    def _done(self, turn: Turn, event: ReplyDone) -> list[Action]:
        if self._call.closing:
            return self._done_too_late(turn, event)
        if (
            turn.early and not turn.playout.count and not turn.skipped
        ):  # it is asked once more at the end of turn
            return self._speculative.forget()
        turn.judged(whole=event.judged)
        turn.expect(event.expected)
        actions = self._decided(turn, event.acts) + self._no_more_sentences(turn)
        if turn.nothing_left:
            return actions + self._leave_unsaid(turn)
        if turn.state is State.SPEAKING:
            self._call.input.expect(turn.follow_up.expected)
            self._call.input.ask(turn.follow_up.asks)
            if turn.thought is Thought.WHOLE:
                self._call.history.judged()
            actions += self._call.leads.apply(turn.take_due(heard=False))
        return actions

    def _decided(self, turn: Turn, acts: tuple[Act, ...]) -> list[Action]:
        """A caller who is asked something is neither hung up on nor handed over (F2)."""
        call = self._call
        if any(map(ends_call, acts)) and turn.asks_the_caller:
            turn.decide(tuple(act for act in acts if not ends_call(act)))
            turn.ask_for(Asked.PERSON if Transfer() in acts and call.person else None)
            return [Log(f"ENDS_NOTHING a question, turn={turn.turn_id}"), Decided("F2", "keeps on")]
        turn.decide(response.possible(acts, call))
        why = response.why_ends(acts, call)
        if Transfer() not in acts or call.person:
            return why
        turn.ask_for(Asked.MESSAGE)  # nobody is there (F3)
        return why + turn.add_sentence(call.worded(call.prompts.no_person))

    def _failed(self, turn: Turn, reason: str) -> list[Action]:
        if self._call.closing:
            return []
        failed, why = Log("LLM_ERR:", cause=reason), Decided("G2", "llm failed")
        if turn.early and not turn.playout.count and not turn.skipped:
            return [failed, why, *self._speculative.forget(why="the LLM has failed")]
        turn.judged(whole=False)
        actions = [failed, why, *self._no_more_sentences(turn)]
        return [*actions, *self._leave_unsaid(turn)] if turn.nothing_left else actions

    def _no_more_sentences(self, turn: Turn) -> list[Action]:
        """The LLM is done; if that left nothing to say, a prompt is said."""
        acts = turn.follow_up.acts
        if turn.playout.count or turn.resumes:
            turn.playout.end_reply()
            return []
        if turn.parting:
            return turn.say(response.wordless_parting(acts, self._call))
        if turn.skipped:
            self._call.dedup.may_say_it_again()
            return [Decided("E4", "nothing left"), *turn.say(response.already_said(acts, self._call))]
        return self._say_failure(turn)

    def _done_too_late(self, turn: Turn, event: ReplyDone) -> list[Action]:
        """F4: no more is said; but what the caller told about themselves is kept."""
        if turn.state is not State.SPEAKING:
            return []
        turn.decide(tuple(act for act in event.acts if not ends_call(act)))
        if event.judged:
            turn.judged(whole=True)
            self._call.history.judged()
        return self._call.leads.apply(turn.take_due(heard=False))

    def _not_finished(self, turn: Turn) -> list[Action]:
        """A7: the LLM finds that the caller will go on. That is never spoken, and it is asked again later."""
        if turn.request is None or not turn.request.may_wait or turn.playout.count:
            return []
        waits, why = Log(f"NOT_FINISHED turn={turn.turn_id}"), Decided("A7", "the LLM waits")
        if turn.early:
            self._users.hold()
            return [waits, why, *self._speculative.forget(TurnEvent.NOT_FINISHED)]
        assert turn.caller is not None
        turn.caller.found_unfinished()
        actions = self._current.start_over(turn)
        self._current.present.hold(turn.times.began_at + self._params.endpointing.hold_frames)
        return [waits, why, *actions]

    def _only_listened(self, turn: Turn) -> list[Action]:
        """D4: the LLM finds so of words that no list knows: the reply that they interrupted goes on.

        Not once the caller has heard a thinking hint (B5): then they are answered, as are any others.
        """
        request = turn.request
        if request is None or not request.may_listen or turn.playout.count:
            return []
        heard, why = Log(f"ONLY_LISTENS turn={turn.turn_id}"), Decided("D4", "listens, says the LLM")
        if turn.early:
            self._users.pending.found_listening(fingerprint(request.text))
            self._users.close_behind_nods()
            return [heard, why, *self._speculative.forget(TurnEvent.ONLY_LISTENS)]
        assert turn.caller is not None
        turn.on(TurnEvent.ONLY_LISTENS)
        actions = [heard, why, *self._current.start_over(turn)]
        if not turn.words_known:  # the STT may still hear other words: the intent is judged with their last
            turn.caller.found_listening(fingerprint(request.text))
            return actions
        again = self._current.present
        if turn.interrupts is None or not turn.times.hint_due:
            return [*actions, *again.ask(self._call.question(again.turn_id, request.text))]
        self._barge_in.put_back(turn.interrupts)
        return [*actions, *self._nothing_was_said(again, turn.caller)]

    def _overdue(self, turn: Turn) -> list[Action]:
        """G3: no answer in time; a prompt is said, and whatever comes later is too late."""
        if not turn.takes(TurnEvent.OVERDUE) or turn.playout.ready_frames:
            return []
        if more := turn.times.more_time():
            return [StartTurn(turn.turn_id, self._current.clock - turn.times.began_at - more)]
        late: list[Action] = [Log(f"TURN_TIMEOUT turn={turn.turn_id}"), Decided("G3", "overdue")]
        late += self._current.give_up(turn, TurnEvent.OVERDUE)
        return late + self._say_failure(self._current.present)

    def hold_over(self, turn: Turn) -> list[Action]:
        """A7: the caller was waited for, and the LLM is asked again, without that way out."""
        if not turn.times.hold_is_over(self._current.clock) or not turn.on(TurnEvent.HOLD_OVER):
            return []
        turn.times.asked_again(self._current.clock)
        return [Decided("A7", "asked again"), *turn.ask(self._call.question(turn.turn_id, turn.words))]

    # ---- prompts ----

    def _say_own(self, turn: Turn, intent: Intent, text: str) -> list[Action]:
        """The LLM is not asked (E1, F2, F3, F4)."""
        call = self._call
        why = response.why_own(intent, call)
        if response.answered_while_closing(intent, call):
            if intent is Intent.UNCLEAR:
                call.input.unclear()
            if response.is_deaf(intent, call):
                call.input.not_heard()
            if intent in response.LEFT:
                turn.judged_by_nobody()
        return [why, *turn.say(response.own_answer(intent, text, call))]

    def _say_failure(self, turn: Turn) -> list[Action]:
        """There is no answer (G2, G3)."""
        call = self._call
        if call.closing:
            return [Decided("F4", "farewell"), *turn.say(response.farewell(call))]
        intent = response.without_llm(turn.caller, turn.words, call)
        if intent is not None:
            return self._say_own(turn, intent, turn.words)
        call.input.llm_failed()
        return [Decided("G2", "answered instead"), *turn.say(response.failure(call, turn.follow_up.acts))]

    # ---- the turn is over ----

    def finish(self, turn: Turn) -> list[Action]:
        """C4: the caller has heard the end."""
        return self._leave(turn, TurnEvent.PLAYOUT_DONE)

    def _leave_unsaid(self, turn: Turn) -> list[Action]:
        """There was nothing to say, or nothing is left: the reply it resumes was heard."""
        self._call.history.take_back_interruption(turn.restores)
        return self._leave(turn, TurnEvent.NOTHING_SAID)

    def _leave(self, turn: Turn, why: TurnEvent) -> list[Action]:
        """What was decided is done next, or a moment later."""
        final = turn.final
        if not turn.on(why):
            return []
        self._barge_in.left(turn)
        left = self._current.leave()
        if final:
            self._barge_in.take()
            return [*left, *self._call.leads.apply(turn.take_due(heard=True))]
        return [*left, *self.answer_pending(), *self._effects.apply()]
