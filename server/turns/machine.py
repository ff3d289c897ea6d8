"""The turn machine: one event in, actions out.

    frames --segmenter--> onset, voice, pause, end --(users, barge_in)--> turns --(answering)--> what is said

A turn's phases and their transitions are in ``phases``; an event that carries an old turn ID is dropped at
the top of ``handle``.
"""

from collections.abc import Callable

from server.audio.endpointing import EndpointingParams, OnsetThreshold
from server.audio.frames import FRAME_MS, FrameHeard
from server.audio.segmenter import (
    CallerAudio,
    Confirmed,
    Discarded,
    Ended,
    Heard,
    Onset,
    Paused,
    Resumed,
    Segmenter,
)
from server.audio.vad import Vad
from server.hebrew.understand.waiting import asks_to_wait, says_to_wait
from server.turns.actions import (
    Action,
    ApplyEffect,
    Decided,
    FeedRecognition,
    FlushRecognition,
    GenerateReply,
    Log,
    SendClear,
    Synthesize,
)
from server.turns.after_hangup import LastWords
from server.turns.answering import Answering
from server.turns.barge_in import BargeIn
from server.turns.call_state import CallState
from server.turns.calm import Calm
from server.turns.closing import ClosingDown as Closing
from server.turns.closing import DueEffects
from server.turns.current_turn import CurrentTurn
from server.turns.effects import EndCall
from server.turns.events import (
    CallerGone,
    ClosingDown,
    DigitPressed,
    Event,
    FinalTranscript,
    InterimTranscript,
    MarkReturned,
    PersonAvailable,
    PlayoutRoom,
    StreamStarted,
    SttFailed,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.follow_up import Thought
from server.turns.judge import IntentJudge
from server.turns.llm_allowance import EVERY_FRAMES, Allowance
from server.turns.memory import CallMemory
from server.turns.no_input import Limit, OwnTurns, Silence, limit_of, out_of_patience
from server.turns.params import TurnParams
from server.turns.parts import Parts
from server.turns.phases import Phase, State, TurnEvent
from server.turns.playout import HINT_INDEX
from server.turns.speculative import SpeculativeTurns
from server.turns.turn import Turn
from server.turns.user_turn import UserTurns

# What it means that a sound opens an utterance.
OF_ONSET: dict[OnsetThreshold, tuple[Action, ...]] = {
    OnsetThreshold.ORDINARY: (),
    OnsetThreshold.REFRACTORY: (Decided("C5", "opened"),),
    OnsetThreshold.DURING_PLAYOUT: (Decided("D1", "candidate"),),
}


Hears = Callable[[EndpointingParams, Vad], Segmenter]
OF_PLAYOUT = frozenset({PlayoutRoom, TtsAudio, TtsSentenceDone})  # they change nothing else
NOTHING: list[Action] = []  # of a frame that leaves everything as it is; by its identity


class TurnMachine:
    """Not thread-safe: the caller holds the call's lock around ``handle``."""

    def __init__(self, params: TurnParams, hears: Hears = Segmenter) -> None:
        """``hears`` makes the call's hearing."""
        self.current = CurrentTurn()
        vad = Vad(params.vad_rms, params.barge_in_rms, early_stop=params.early_stop)
        self.users = UserTurns(params.endpointing, hears(params.endpointing, vad))
        self.call = CallState(params.history_turns, params.dedup_frames, params.lines)
        barge_in = BargeIn(params, self.current, self.users, self.call)
        self.parts = Parts(params, self.current, self.users, self.call, barge_in, Allowance())
        self._silence = Silence(params.idle_frames)
        self._own_turns = OwnTurns(self.parts, self._silence)
        judge, self._effects = IntentJudge(self.parts), DueEffects(self.parts)
        self._speculative = SpeculativeTurns(self.parts, judge, self._own_turns)
        self._answering = Answering(self.parts, judge, self._own_turns, self._speculative, self._effects)
        self._closing = Closing(self.parts, self._speculative, self._effects)
        self._last_words: LastWords | None = None  # the call is over, and this is all that goes on
        self._calm = Calm(self.parts, self._silence, self._own_turns)

    @property
    def state(self) -> State:
        return self.current.state

    @property
    def turn(self) -> Turn | None:
        return self.current.turn

    def handle(self, event: Event) -> list[Action]:
        """Advance on one event; return what the shell must now do, in order."""
        if self._last_words is not None:
            return self._last_words.handle(event)
        if type(event) is FrameHeard:
            return self._frame(event)
        if getattr(event, "turn_id", self.current.turn_id) != self.current.turn_id:
            return []
        actions = self._all_allowed(self._decide(event))
        if type(event) in OF_PLAYOUT:
            self._calm.reply_goes_on()
        else:
            self._calm.end()
        return actions

    def _all_allowed(self, actions: list[Action]) -> list[Action]:
        return [self._allowed(action) for action in actions] + self._allowed_now()

    def _allowed(self, action: Action) -> Action:
        """A question to the LLM costs money: one too many is kept, and the caller hears the hint."""
        allowance, clock = self.parts.allowance, self.current.clock
        if not isinstance(action, GenerateReply) or allowance.pass_on(action, clock):
            return action
        if self.turn is not None:
            self.turn.times.may_be_late_by(EVERY_FRAMES)
        return Log(f"MIND_WAITS turn={action.turn_id}")

    def _allowed_now(self) -> list[Action]:
        """The question that was kept."""
        question = self.parts.allowance.due(self.current.turn_id, self.current.clock)
        return [] if question is None else [question]

    def _decide(self, event: Event) -> list[Action]:
        match event:
            case PlayoutRoom(frames):
                return self._room(frames)
            case MarkReturned(name):
                return self._mark_returned(name)
            case DigitPressed(digit):
                return self._digit(digit)
            case InterimTranscript() | FinalTranscript() | SttFailed():
                return self._transcript(event)
            case StreamStarted():
                return self._started(event)
            case CallerGone():
                self._last_words = LastWords(self.parts)
                return self._last_words.begin()
            case ClosingDown():
                return self._closing.begin()
            case PersonAvailable(available):
                self.call.person_available(available)
                return []
        return self._answering.turn_event(self.turn, event) if self.turn is not None else []

    def _started(self, event: StreamStarted) -> list[Action]:
        self.call.started(event)
        return [] if event.memory is None else self._own_turns.go_on_from(event.memory)

    @property
    def memory(self) -> CallMemory:
        """What another socket would have to know to take this call up (F8)."""
        return self._own_turns.memory

    @property
    def over(self) -> bool:
        """The caller has gone, and nothing is awaited any more: no event matters."""
        return self._last_words is not None and self._last_words.over

    @property
    def patience_frames(self) -> int:
        """How long a caller may say nothing now, before they are asked whether they are there (F1, F7)."""
        return self._silence.patience_frames

    @property
    def wants_wire(self) -> bool:
        """PlayoutRoom would now be answered with something to send."""
        turn = self.turn
        if turn is None or not turn.playout.sentences:
            return False
        return turn.playout.wants_wire(reply_may_start=self._reply_may_go(turn))

    # ---- time ----

    def _frame(self, frame: FrameHeard) -> list[Action]:
        current, calm = self.current, self._calm
        current.tick()
        if current.clock < calm.until:
            news = self.users.feed(frame, calm.threshold)
            if not news:
                return [] if calm.reply_may_start else NOTHING
            if type(news[0]) is CallerAudio and len(news) == 1:
                return [FeedRecognition(news[0].utterance_id, news[0].mulaw_8k)]
        else:
            lower = current.turn is not None and current.turn.phase is Phase.DIPPED
            news = self.users.feed(frame, self.parts.barge_in.threshold, lower=lower)
        calm.end()
        actions = self._all_allowed(self._brought_about(news))
        if not actions:
            calm.begin()
        return actions

    def _brought_about(self, news: list[Heard]) -> list[Action]:
        """By what was heard in a frame, and by its time."""
        clock, users = self.current.clock, self.users
        actions: list[Action] = []
        for heard in news:
            actions += self._heard(heard)
        actions += self._answering.weigh_dipped()
        if users.guess_settles(clock):
            actions += self._speculative.words_so_far(users.utterance_id)
        if users.tick_keys(clock):
            actions += self._answering.answer_pending()
        return actions + self._due()

    def _due(self) -> list[Action]:
        """What the passing of a frame brings about."""
        turn, clock = self.turn, self.current.clock
        waiting = turn is None and not self.users.busy and not self.users.pending.segments
        too_long = self._silence.tick(clock, waiting=waiting, sound=self.users.perhaps_speaking)
        limit = limit_of(clock, self.parts.params.call_frames)
        if limit is Limit.OVER:
            return [Decided("F4", "cut"), ApplyEffect(EndCall())]
        if out_of_patience(clock, self.call.closing_at) and self._closing.may_insist:
            return self._closing.insist()
        if (due := self._effects.apply()) or self._effects.takes_leave:
            return due
        if taken_up := self._own_turns.take_up():
            return taken_up
        if waiting:
            return self._own_turns.due(too_long=too_long, over=limit is not Limit.WITHIN)
        if turn is not None and self.state is State.SPEAKING and turn.playout.finished:
            return self._finish(turn)
        return self._due_in_thought(turn) if turn is not None and self.state is State.THINKING else []

    def _due_in_thought(self, turn: Turn) -> list[Action]:
        if asked := self._answering.hold_over(turn):
            return asked
        if turn.caller is not None and self.users.settles(turn.caller, self.current.clock):
            return self._answering.understand()
        quiet = self.users.quiet or self.users.run_on
        wanted = turn.times.wants_hint(self.current.clock, self.parts.params.hint_after_frames)
        if not quiet or not wanted or turn.playout.ready_frames or self.call.closing:
            return []
        turn.times.hint_given()
        hint = Synthesize(turn.turn_id, HINT_INDEX, self.parts.params.hint, instant=True)
        return [Decided("B5", "hint"), hint]

    # ---- the caller's voice, words and keys ----

    def _heard(self, heard: Heard) -> list[Action]:
        users = self.users
        match heard:
            case Onset(utterance_id):
                number = self.call.history.committed_turns + 1
                told: list[Action] = [*OF_ONSET[self.parts.barge_in.threshold]]
                stopped = self.parts.barge_in.candidate()
                return told + stopped + users.onset(utterance_id, number, self.call.input.expected)
            case Confirmed():
                return self._confirmed(heard)
            case Paused(utterance_id):
                return self._paused(utterance_id)
            case Resumed(utterance_id):
                return [users.goes_on(utterance_id), *self._speculative.forget(why="the caller goes on")]
            case CallerAudio(utterance_id, audio):
                return [FeedRecognition(utterance_id, audio)]
            case Discarded(utterance_id):
                stopped_early = self.turn is not None and self.turn.phase is Phase.STOPPED
                told = [Decided("D4", "went on") if stopped_early else Decided("A5", "noise")]
                told += users.was_noise(utterance_id)
                self.parts.barge_in.it_was_noise()
                return told
            case Ended():
                why = users.why_ended(heard)
                return [why, self._utterance_ended(heard), *self._answering.answer_pending()]

    def _paused(self, utterance_id: int) -> list[Action]:
        """B3: perhaps the end."""
        ask = [FlushRecognition(utterance_id)] if self._speculative.may_ask_so_far() else []
        return [*ask, *self._speculative.words_so_far(utterance_id)]

    def _confirmed(self, heard: Confirmed) -> list[Action]:
        actions: list[Action] = []
        barge_in, call = self.parts.barge_in, self.call
        if heard.first_time:
            # A voice that ran through the end of its turn belongs to the turn after it (A4).
            another = self.state is State.THINKING and not heard.may_interrupt
            number = call.history.committed_turns + 1 + another
            actions += self.users.confirmed(heard.utterance_id, number, call.input.expected, barge_in.overlap)
        return actions + (barge_in.voice() if heard.may_interrupt else [])

    def _utterance_ended(self, ended: Ended) -> Action:
        in_playout = self.state is State.SPEAKING
        return self.users.utterance_ended(ended, self.current.clock, in_playout=in_playout)

    def _transcript(self, event: InterimTranscript | FinalTranscript | SttFailed) -> list[Action]:
        utterance_id, clock = event.utterance_id, self.current.clock
        match event:
            case InterimTranscript(_, text, ends):
                self.users.guessed(utterance_id, text, clock, ends=ends)
                return [*self._speculative.words_so_far(utterance_id), *self._answering.understand()]
            case FinalTranscript(_, text, confidence):
                wanted = self.users.transcribed(utterance_id, text, confidence, clock)
                return self._answering.words_heard(utterance_id) if wanted else []
            case SttFailed(_, reason):
                so_far = bool(self.users.guess_of(utterance_id))
                wanted = self.users.stt_failed(utterance_id, clock)
                failed = Log("ASR_ERR:", cause=reason)
                why = Decided("G1", "words so far") if so_far else Decided("G2", "stt failed")
                return [failed, why, *self._answering.words_heard(utterance_id)] if wanted else []

    def _digit(self, digit: str) -> list[Action]:
        """F5: a key needs no verdict."""
        users = self.users
        if users.key_is_late(digit):
            return []
        actions = [Decided("F5", "key"), *self.parts.barge_in.interrupt()]
        for heard in users.interrupt_voice():
            actions += [self._utterance_ended(heard)] if isinstance(heard, Ended) else self._heard(heard)
        complete = users.press(digit, self.call.input.expected.digits, self.current.clock)
        return actions + (self._answering.answer_pending() if complete else [])

    # ---- the wire ----

    def _finish(self, turn: Turn) -> list[Action]:
        """C4: the caller has heard the end."""
        if not turn.takes(TurnEvent.PLAYOUT_DONE):
            return []
        actions = self.parts.barge_in.finished(turn)
        if asks_to_wait(turn.answers) or says_to_wait(turn.last_sentence):
            self._silence.hold(self.parts.params.hold_frames)
            actions.append(Decided("F7", "waits"))
        return [*actions, *self._answering.finish(turn)]

    def _reply_may_go(self, turn: Turn) -> bool:
        if turn.state is State.SPEAKING:
            return True
        if not turn.takes(turn.first_frame(closing=self.call.closing)):
            return False
        if turn.final:
            return True
        if self.users.perhaps_speaking:
            return False
        waits = turn.playout.waits_for_second or turn.playout.hint_goes_on
        return (turn.resumes or turn.times.delayed(self.current.clock)) and not waits

    def _room(self, frames: int) -> list[Action]:
        turn = self.turn
        if turn is None:
            return []
        playout = turn.playout
        sent = playout.take(frames, reply_may_start=self._reply_may_go(turn))
        if turn.state is State.SPEAKING or not playout.started:
            return list(sent)
        turn.on(turn.first_frame(closing=self.call.closing))  # it may: else nothing was taken
        # A hint is part of what the caller is hearing: `clear` would cut it (B5).
        clear: list[Action] = [] if playout.has_hint else [SendClear()]
        return [*clear, *sent, *self._speaking(turn)]

    def _speaking(self, turn: Turn) -> list[Action]:
        """The first frame of the answer was sent: it is committed."""
        actions = self.current.state_changed()
        call, follow_up = self.call, turn.follow_up
        call.input.expect(follow_up.expected)
        if turn.caller is not None:
            if not turn.resumes:
                call.history.turn_committed()
            call.input.ask(follow_up.asks)
            if not turn.fixed:
                call.input.llm_answered()
            self._silence.caller_heard()
            gap = self.current.clock - turn.caller.said_at
            actions.append(Log(f"RESPONSE_GAP ms={gap * FRAME_MS} turn={turn.turn_id}", since_frames=gap))
        call.history.take_back_interruption(turn.restores)
        call.history.caller_said(turn.answers)
        if turn.thought is Thought.WHOLE:
            call.history.judged()
        call.history.not_judged(turn.unjudged)
        return actions + call.leads.apply(turn.take_due(heard=False))

    def _mark_returned(self, name: str) -> list[Action]:
        turn = self.turn
        if turn is None or not turn.playout.mark_returned(name):
            return []
        return self._finish(turn) if self.state is State.SPEAKING and turn.playout.finished else []
