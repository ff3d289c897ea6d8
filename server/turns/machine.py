"""The turn machine: one event in, actions out.

    frames --hearing--> onset, voice, pause, end --(floor)--> who speaks --(answering)--> what is said

An event that carries an old turn ID is dropped at the top of ``handle``.
"""

from server.audio.endpointing import OnsetThreshold
from server.audio.frames import FRAME_MS, FRAMES_PER_S, FrameHeard
from server.audio.segmenter import CallerAudio, Confirmed, Discarded, Ended, Heard, Onset, Paused, Resumed
from server.audio.vad import Vad
from server.hebrew.understand.waiting import asks_to_wait, says_to_wait
from server.turns.actions import (
    Action,
    ApplyEffect,
    FeedRecognition,
    FlushRecognition,
    GenerateReply,
    Log,
    SendClear,
    Synthesize,
)
from server.turns.after_hangup import LastWords
from server.turns.effects import Act, EndCall
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
)
from server.turns.floor import Floor, State
from server.turns.history import CallHistory, EchoProximity
from server.turns.llm_allowance import EVERY_FRAMES, Allowance
from server.turns.no_input import Limit, Silence, limit_of, out_of_patience
from server.turns.params import TurnParams
from server.turns.playout import HINT_INDEX
from server.turns.prompts import in_turn
from server.turns.reply import acts_due, ask_llm, say_farewell, say_line
from server.turns.response import ResponsePolicy
from server.turns.turn import Turn
from server.turns.user_turn import UserTurns

GREETING_AFTER_FRAMES = 40  # 0.8 s (B6)
MAX_UNCONFIRMED_STOPS = 2  # in one reply; then confirmation is waited for first (D1)
FAR_FRAMES = 3600 * FRAMES_PER_S
ECHO_TAIL_FRAMES = 45  # 500 ms after our last word, and 400 until a voice is confirmed


class TurnMachine:
    """Not thread-safe: the caller holds the call's lock around ``handle``."""

    def __init__(self, params: TurnParams) -> None:
        self.params = params
        self.floor = Floor()
        self.caller = UserTurns(params.endpointing, Vad(params.vad_rms, params.barge_in_rms))
        self.memory = CallHistory(params.history_turns, params.dedup_frames, params.lines)
        self._allowance = Allowance()
        self._answering = ResponsePolicy(params, self.floor, self.caller, self.memory, self._allowance)
        self._silence = Silence(params.idle_frames)
        self._spoke_until = -FAR_FRAMES  # long ago: frame clock of our last word
        self._last_words: LastWords | None = None  # the call is over, and this is all that goes on

    @property
    def state(self) -> State:
        return self.floor.state

    @property
    def turn(self) -> Turn | None:
        return self.floor.turn

    def handle(self, event: Event) -> list[Action]:
        """Advance on one event; return what the shell must now do, in order."""
        if self._last_words is not None:
            return self._last_words.handle(event)
        if getattr(event, "turn_id", self.floor.turn_id) != self.floor.turn_id:
            return []
        return [self._allowed(action) for action in self._decide(event)] + self._allowed_now()

    def _allowed(self, action: Action) -> Action:
        """A question to the LLM costs money: one too many is kept, and the caller hears the hint."""
        if not isinstance(action, GenerateReply) or self._allowance.pass_on(action, self.floor.clock):
            return action
        if self.turn is not None:
            self.turn.may_be_late_by = EVERY_FRAMES
        return Log(f"MIND_WAITS turn={action.turn_id}")

    def _allowed_now(self) -> list[Action]:
        """The question that was kept."""
        question = self._allowance.due(self.floor.turn_id, self.floor.clock)
        return [] if question is None else [question]

    def _decide(self, event: Event) -> list[Action]:
        match event:
            case FrameHeard():
                return self._frame(event)
            case PlayoutRoom(frames):
                return self._room(frames)
            case MarkReturned(name):
                return self._mark_returned(name)
            case DigitPressed(digit):
                return self._digit(digit)
            case InterimTranscript(utterance_id, text):
                self.caller.guessed(utterance_id, text, self.floor.clock)
                return self._answering.words_so_far(utterance_id)
            case FinalTranscript(utterance_id, text, confidence):
                wanted = self.caller.transcribed(utterance_id, text, confidence, self.floor.clock)
                return self._answering.words_heard(utterance_id) if wanted else []
            case SttFailed(utterance_id, reason):
                wanted = self.caller.stt_failed(utterance_id, self.floor.clock)
                failed = Log("ASR_ERR:", cause=reason)
                return [failed, *self._answering.words_heard(utterance_id)] if wanted else []
            case StreamStarted(expected, call, takes_messages):
                self.memory.expected, self.memory.call = expected, call
                self.memory.takes_messages = takes_messages
                return []
            case CallerGone():
                self._last_words = LastWords(self.params, self.floor, self.caller, self.memory)
                return self._last_words.begin()
            case ClosingDown():
                return self._answering.close_down()
            case PersonAvailable(available):
                self.memory.person = available
                return []
        return self._answering.turn_event(self.turn, event) if self.turn is not None else []

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
        self.floor.clock += 1
        if self.turn is not None:
            self.turn.playout.tick()
        actions: list[Action] = []
        for heard in self.caller.feed(frame, self._bar()):
            actions += self._heard(heard)
        if self.caller.guess_settles(self.floor.clock):
            actions += self._answering.words_so_far(self.caller.utterance_id)
        if self.caller.tick_keys(self.floor.clock):
            actions += self._answering.answer_pending()
        return actions + self._due()

    def _bar(self) -> OnsetThreshold:
        if self.state is State.SPEAKING or (self.turn is not None and self.turn.playout.audible):
            return OnsetThreshold.DURING_PLAYOUT
        refractory = self.floor.clock - self._spoke_until < self.params.refractory_frames
        return OnsetThreshold.REFRACTORY if refractory else OnsetThreshold.ORDINARY

    def _due(self) -> list[Action]:
        """What the passing of a frame brings about."""
        turn = self.turn
        waiting = turn is None and not self.caller.busy and not self.caller.pending.segments
        too_long = self._silence.tick(waiting=waiting, sound=self.caller.perhaps_speaking)
        limit = limit_of(self.floor.clock, self.params.call_frames)
        if limit is Limit.OVER:
            return [ApplyEffect(EndCall())]
        if out_of_patience(self.floor.clock, self.memory.closing_at) and self._answering.may_insist:
            return self._answering.insist()
        if (due := self._answering.do_what_is_due()) or self._answering.takes_leave:
            return due
        if waiting:
            return self._due_in_silence(too_long=too_long, over=limit is not Limit.WITHIN)
        if turn is not None and self.state is State.SPEAKING and turn.playout.finished:
            return self._finish(turn)
        return self._due_in_thought(turn) if turn is not None and self.state is State.THINKING else []

    def _due_in_silence(self, *, too_long: bool, over: bool) -> list[Action]:
        """Turns without a caller: the greeting (B6), whether they are there (F1), the end (F4)."""
        memory, said = self.memory, self._silence.prompts
        if memory.closing:
            return say_farewell(self.floor.take(breath_frames=0), memory)
        if over:
            return self._say_unasked(memory.worded(memory.lines.time_is_up), EndCall())
        if self._answering.owes_greeting:
            due = self.floor.clock >= GREETING_AFTER_FRAMES and self.caller.quiet
            return self._answering.greet() if due else []
        if not too_long:
            return []
        self._silence.prompts += 1
        if said < self.params.idle_prompts:
            return self._say_unasked(memory.worded(in_turn(memory.lines.still_there, said)))
        return self._say_unasked(memory.worded(memory.lines.nobody_there), EndCall())

    def _say_unasked(self, line: str, *acts: Act) -> list[Action]:
        return say_line(self.floor.take(breath_frames=0), line, acts=acts)

    def _due_in_thought(self, turn: Turn) -> list[Action]:
        if turn.understood and turn.ask_again_at is not None and self.floor.clock >= turn.ask_again_at:
            turn.ask_again_at, turn.asked_again_at = None, self.floor.clock
            return ask_llm(turn, turn.words, self.memory)
        quiet = self.caller.quiet or self.caller.run_on
        wanted = quiet and turn.wants_hint(self.floor.clock, self.params.hint_after_frames)
        if not wanted or self.memory.closing:
            return []
        turn.hint_due = False
        return [Synthesize(turn.turn_id, HINT_INDEX, self.params.hint, instant=True)]

    # ---- the caller's voice and keys ----

    def _heard(self, heard: Heard) -> list[Action]:
        match heard:
            case Onset(utterance_id):
                number = self.memory.committed_turns + 1
                return self._stop_to_judge() + self.caller.onset(utterance_id, number, self.memory.expected)
            case Confirmed():
                return self._confirmed(heard)
            case Paused(utterance_id):
                return self._paused(utterance_id)
            case Resumed(utterance_id):
                return [self.caller.goes_on(utterance_id), *self._answering.forget_early_start()]
            case CallerAudio(utterance_id, audio):
                return [FeedRecognition(utterance_id, audio)]
            case Discarded(utterance_id):
                dropped = self.caller.was_noise(utterance_id)
                return [*dropped, *self._it_was_noise()]
            case Ended():
                return [self._utterance_ended(heard), *self._answering.answer_pending()]

    def _paused(self, utterance_id: int) -> list[Action]:
        """B3: perhaps the end."""
        ask = [FlushRecognition(utterance_id)] if self._answering.may_ask_so_far() else []
        return [*ask, *self._answering.words_so_far(utterance_id)]

    def _stop_to_judge(self) -> list[Action]:
        """D1: stop at once; whether it was a voice is known within 400 ms."""
        turn = self.turn
        if turn is None or self.state is not State.SPEAKING or not self._can_be_stopped:
            return []
        if turn.final or turn.stops >= MAX_UNCONFIRMED_STOPS:
            return []
        turn.playout.hold()
        return [SendClear()]

    def _it_was_noise(self) -> list[Action]:
        """D4: go on where we were. A reply that was held back (A6) goes by itself: nothing holds it now."""
        if self.turn is not None and self.turn.playout.held:
            self.turn.playout.resume()
            self.turn.stops += 1
        return []

    def _confirmed(self, heard: Confirmed) -> list[Action]:
        actions: list[Action] = []
        if heard.first_time:
            # A voice that ran through the end of its turn belongs to the turn after it (A4).
            another = self.state is State.THINKING and not heard.may_take_the_floor
            number = self.memory.committed_turns + 1 + another
            actions += self.caller.confirmed(heard.utterance_id, number, self.memory.expected, self._near)
        if heard.may_take_the_floor and (self._can_be_stopped or self.state is not State.SPEAKING):
            actions += self.floor.yield_to(self.caller, self.memory)
        return actions

    @property
    def _can_be_stopped(self) -> bool:
        """By a voice (D5, B6)."""
        return self.params.barge_in and not (self.turn is not None and self.turn.protected)

    @property
    def _near(self) -> EchoProximity | None:
        if self._bar() is OnsetThreshold.DURING_PLAYOUT:
            return EchoProximity.DURING_PLAYOUT
        behind = self.floor.clock - self._spoke_until < ECHO_TAIL_FRAMES
        return EchoProximity.BEHIND_US if behind else None

    def _utterance_ended(self, ended: Ended) -> Action:
        return self.caller.utterance_ended(
            ended, self.floor.clock, during_playout=self.state is State.SPEAKING
        )

    def _digit(self, digit: str) -> list[Action]:
        """F5: a key needs no verdict."""
        if self.caller.key_is_late(digit):
            return []
        actions = self.floor.yield_to(self.caller, self.memory)
        for heard in self.caller.interrupt_voice():
            actions += [self._utterance_ended(heard)] if isinstance(heard, Ended) else self._heard(heard)
        complete = self.caller.press(digit, self.memory.expected.digits, self.floor.clock)
        return actions + (self._answering.answer_pending() if complete else [])

    # ---- the wire ----

    def _finish(self, turn: Turn) -> list[Action]:
        """C4: the caller has heard the end."""
        self._spoke_until = self.floor.clock
        actions = self.floor.finish(turn, self.memory)
        if asks_to_wait(turn.answers) or says_to_wait(turn.last_sentence):
            self._silence.hold(self.params.hold_frames)
        return [*actions, *self._answering.leave(turn)]

    def _reply_may_go(self, turn: Turn) -> bool:
        if self.state is State.SPEAKING or turn.final:
            return True
        if self.caller.perhaps_speaking or not turn.settled:
            return False
        waits = turn.playout.waits_for_second or turn.playout.hint_goes_on
        return turn.breathed(self.floor.clock) and not waits

    def _room(self, frames: int) -> list[Action]:
        turn = self.turn
        if turn is None:
            return []
        playout = turn.playout
        sent = playout.take(frames, reply_may_start=self._reply_may_go(turn))
        if self.state is State.SPEAKING or not playout.started:
            return list(sent)
        # A hint is part of what the caller is hearing: `clear` would cut it (B5).
        clear: list[Action] = [] if playout.has_hint else [SendClear()]
        return [*clear, *sent, *self._begin_speaking(turn)]

    def _begin_speaking(self, turn: Turn) -> list[Action]:
        actions = self.floor.enter(State.SPEAKING)
        self.memory.expected = turn.expected or self.memory.expected
        if turn.caller is not None:
            self.memory.committed_turns += not turn.resumes
            self.memory.asked = turn.asks
            self.memory.failed_in_a_row = self.memory.failed_in_a_row if turn.fixed else 0
            self._silence.caller_heard()
            gap = self.floor.clock - turn.caller.said_at
            actions.append(Log(f"RESPONSE_GAP ms={gap * FRAME_MS} turn={turn.turn_id}", since_frames=gap))
        self.memory.take_back_interruption(turn.takes_back)
        self.memory.caller_said(turn.answers)
        turn.tell_unjudged(self.memory.unjudged)
        turn.final = self.memory.closing and turn.parting
        return actions + acts_due(turn, self.memory, heard=False)

    def _mark_returned(self, name: str) -> list[Action]:
        turn = self.turn
        if turn is None or not turn.playout.mark_returned(name):
            return []
        return self._finish(turn) if self.state is State.SPEAKING and turn.playout.finished else []
