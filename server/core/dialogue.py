"""The turn machine: one event in, actions out. Everything that decides who speaks is in this file.

    LISTENING --utterance ends--> THINKING --first reply frame--> SPEAKING --heard to its end--> LISTENING
        |                            |                               |
        | greeting, lines            | the caller goes on (A6),      | barge-in (D2)
        +--------> SPEAKING          | nothing was said (E1-E3)      |
                                     +--------> LISTENING <----------+

Rules of this file: nothing else changes ``state`` or ``turn_id``; an event that carries an old turn ID is
dropped at the top of ``handle``; whatever cuts a turn short raises the ID first.
"""

from enum import Enum

from server.core import lines
from server.core.answer import acts_due, advance, finish_hint, say_failure, say_line, take_up
from server.core.caller import CallerSide
from server.core.endpointing import Bar
from server.core.events import (
    Action,
    DigitPressed,
    DropTurn,
    EarsFailed,
    Event,
    FeedEars,
    FrameHeard,
    Log,
    MarkReturned,
    PlayoutRoom,
    ReplyThought,
    Say,
    SendClear,
    StartTurn,
    StreamStarted,
    Think,
    TurnOverdue,
    WordsGuessed,
    WordsHeard,
)
from server.core.frames import FRAME_MS, FRAMES_PER_S
from server.core.hearing import CallerAudio, Confirmed, Discarded, Ended, Heard, Onset
from server.core.memory import Memory
from server.core.params import DialogueParams
from server.core.playout import HINT_INDEX, Playout
from server.core.turn import CallerTurn, Leftover, Turn, given_up
from server.core.understanding import Meaning, meaning_of
from server.core.vad import Judges
from server.hebrew.words import fingerprint

GREETING_AFTER_FRAMES = 40  # 0.8 s (B6)
MAX_UNCONFIRMED_STOPS = 2  # in one reply; then confirmation is waited for first (D1)
FAR_FRAMES = 3600 * FRAMES_PER_S
ECHO_TAIL_FRAMES = 45  # 500 ms after our last word, and 400 until a voice is confirmed


class State(Enum):
    LISTENING = "LISTENING"
    THINKING = "THINKING"
    SPEAKING = "SPEAKING"


class Dialogue:
    """Not thread-safe: the caller holds the call's lock around ``handle``.

    ``turn_id`` is a fencing token: workers and marks carry the ID they were born with.
    """

    def __init__(self, params: DialogueParams) -> None:
        self.params = params
        self.state = State.LISTENING
        self.turn_id = 0
        self.clock = 0  # frames heard
        self.turn: Turn | None = None  # THINKING, SPEAKING, or a line about to be said
        self.caller = CallerSide(params.endpointing, Judges(params.vad_rms, params.barge_in_rms))
        self.memory = Memory(params.history_turns, params.dedup_frames)
        self._leftover: Leftover | None = None
        self._greeting_due = bool(params.greeting.strip())
        self._spoke_until = -FAR_FRAMES  # long ago: frame clock of our last word

    def handle(self, event: Event) -> list[Action]:
        """Advance on one event; return what the shell must now do, in order."""
        if getattr(event, "turn_id", self.turn_id) != self.turn_id:
            return []
        match event:
            case FrameHeard():
                return self._frame(event)
            case PlayoutRoom(frames):
                return self._room(frames)
            case MarkReturned(name):
                return self._mark_returned(name)
            case DigitPressed(digit):
                return self._digit(digit)
            case WordsGuessed(utterance_id, text):
                self.caller.guessed(utterance_id, text)
                return []
            case WordsHeard(utterance_id, text, confidence):
                wanted = self.caller.transcribed(utterance_id, text, confidence)
                return self._understand() if wanted else []
            case EarsFailed(utterance_id, reason):
                wanted = self.caller.ears_failed(utterance_id)
                return [Log(f"ASR_ERR: {reason}"), *self._understand()] if wanted else []
            case StreamStarted(expected):
                self.memory.expected = expected
                return []
        return self._turn_event(self.turn, event) if self.turn is not None else []

    @property
    def wants_wire(self) -> bool:
        """PlayoutRoom would now be answered with something to send."""
        turn = self.turn
        if turn is None or not turn.playout.sentences:
            return False
        return turn.playout.wants_wire(reply_may_start=self._reply_may_go(turn))

    # ---- time ----

    def _frame(self, frame: FrameHeard) -> list[Action]:
        self.clock += 1
        if self.turn is not None:
            self.turn.playout.tick()
        actions: list[Action] = []
        for heard in self.caller.feed(frame, self._bar()):
            actions += self._heard(heard)
        if self.caller.tick_keys(self.clock):
            actions += self._answer_pending()
        return actions + self._due()

    def _bar(self) -> Bar:
        if self.state is State.SPEAKING or (self.turn is not None and self.turn.playout.audible):
            return Bar.OVER_US
        refractory = self.clock - self._spoke_until < self.params.refractory_frames
        return Bar.REFRACTORY if refractory else Bar.ORDINARY

    def _due(self) -> list[Action]:
        """What the passing of a frame brings about."""
        turn = self.turn
        if turn is None:
            greet = self._greeting_due and self.clock >= GREETING_AFTER_FRAMES and self.caller.quiet
            return self._greet() if greet else []
        if self.state is State.SPEAKING and turn.playout.finished:
            return self._finish(turn)
        quiet = self.caller.quiet or self.caller.run_on
        after = self.params.hint_after_frames
        if self.state is State.THINKING and quiet and turn.wants_hint(self.clock, after):
            turn.hint_due = False
            return [Say(turn.turn_id, HINT_INDEX, self.params.hint, instant=True)]
        return []

    def _greet(self) -> list[Action]:
        """B6: a turn without a caller."""
        self._greeting_due = False
        self.turn_id += 1
        self.turn = Turn(self.turn_id, None, self.clock, Playout(self.turn_id), breath_frames=0)
        return say_line(self.turn, self.params.greeting)

    # ---- the caller's voice and keys ----

    def _heard(self, heard: Heard) -> list[Action]:
        match heard:
            case Onset(utterance_id):
                number = self.memory.committed_turns + 1
                return self._stop_to_judge() + self.caller.onset(utterance_id, number, self.memory.expected)
            case Confirmed():
                return self._confirmed(heard)
            case CallerAudio(utterance_id, audio):
                return [FeedEars(utterance_id, audio)]
            case Discarded(utterance_id):
                return self.caller.was_noise(utterance_id) + self._it_was_noise()
            case Ended():
                return [self._utterance_ended(heard), *self._answer_pending()]

    def _stop_to_judge(self) -> list[Action]:
        """D1: stop at once; whether it was a voice is known within 400 ms."""
        turn = self.turn
        if turn is None or self.state is not State.SPEAKING or not self.params.barge_in:
            return []
        if turn.stops >= MAX_UNCONFIRMED_STOPS:
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
        self._greeting_due = False
        actions: list[Action] = []
        if heard.first_time:
            # A voice that ran through the end of its turn belongs to the turn after it (A4).
            another = self.state is State.THINKING and not heard.may_take_the_floor
            number = self.memory.committed_turns + 1 + another
            near = self._bar() is Bar.OVER_US or self.clock - self._spoke_until < ECHO_TAIL_FRAMES
            actions += self.caller.confirmed(heard.utterance_id, number, self.memory.expected, near_us=near)
        if heard.may_take_the_floor and (self.params.barge_in or self.state is not State.SPEAKING):
            actions += self._take_the_floor()
        return actions

    def _utterance_ended(self, ended: Ended) -> Action:
        return self.caller.utterance_ended(ended, self.clock, over_us=self.state is State.SPEAKING)

    def _digit(self, digit: str) -> list[Action]:
        """F5: a key needs no verdict."""
        if self.caller.key_is_late(digit):
            return []
        self._greeting_due = False
        actions = self._take_the_floor()
        for heard in self.caller.interrupt_voice():
            actions += [self._utterance_ended(heard)] if isinstance(heard, Ended) else self._heard(heard)
        complete = self.caller.press(digit, self.memory.expected.digits, self.clock)
        return actions + (self._answer_pending() if complete else [])

    # ---- who has the floor ----

    def _take_the_floor(self) -> list[Action]:
        """The caller speaks or types: whatever we say or were about to say is dropped."""
        if self.turn is None:
            return []
        if self.state is State.SPEAKING:
            return self._barge_in(self.turn)
        if self.state is State.THINKING:
            return self._supersede(self.turn)
        return self._drop(self.turn)

    def _barge_in(self, turn: Turn) -> list[Action]:
        """D2, D3: the turn is over, and what was heard of it is known."""
        playout = turn.playout
        actions: list[Action] = [Log("BARGE_IN: interrupt")]
        if not playout.held:
            playout.hold()
            actions.append(SendClear())
        in_full, words = playout.heard()
        interrupted = not playout.nearly_over
        in_full = [*turn.before, *in_full]
        self.memory.heard_of_us(self.clock, in_full, words, interrupted=interrupted, line=turn.is_line)
        self.caller.pending.cut_us = interrupted
        noted = interrupted and bool(words) and not turn.is_line
        self._leftover = Leftover(playout.kept(), turn, noted=noted, heard=not interrupted)
        actions.append(Log("AGENT_TEXT:", words))
        return actions + self._drop(turn)

    def _supersede(self, turn: Turn) -> list[Action]:
        """A6: what was said before is joined with what follows."""
        actions: list[Action] = []
        if turn.playout.audible:  # a hint
            turn.playout.hold()
            actions.append(SendClear())
        if turn.text:
            self._leftover = Leftover(turn.playout.kept(), turn, fingerprint(turn.text))
        assert turn.caller is not None  # there is nothing to think about without one
        self.caller.give_back(turn.caller)
        return actions + self._drop(turn)

    def _drop(self, turn: Turn) -> list[Action]:
        """Raise the fence; the turn's mind and voice are closed."""
        self.turn_id += 1
        self.turn = None
        return [DropTurn(turn.turn_id), *self._enter(State.LISTENING)]

    def _finish(self, turn: Turn) -> list[Action]:
        """C4: the caller has heard the end."""
        in_full, words = turn.playout.heard()
        self.memory.heard_of_us(self.clock, [*turn.before, *in_full], words, line=turn.is_line)
        self._spoke_until = self.clock
        return [Log("tts_done"), Log("AGENT_TEXT:", words), *self._leave(turn)]

    def _leave(self, turn: Turn) -> list[Action]:
        """The turn has come to its own end. Who speaks, or has spoken meanwhile, is not hung up on."""
        self.turn = None
        if turn.acts:  # should what was said meanwhile be nothing, they are still due
            self._leftover = Leftover(turn.playout.kept(), turn, heard=True)
        left = [*self._enter(State.LISTENING), DropTurn(turn.turn_id), *self._answer_pending()]
        return left if self.turn or self.caller.busy else [*left, *acts_due(turn, self.memory, heard=True)]

    def _enter(self, state: State) -> list[Action]:
        if state is self.state:
            return []
        before, self.state = self.state, state
        return [Log(f"STATE {before.value} → {state.value} turn={self.turn_id}")]

    # ---- a turn: words, thoughts, voice ----

    def _answer_pending(self) -> list[Action]:
        """Start the turn that is owed, unless the caller is still at it."""
        if self.state is not State.LISTENING or self.caller.busy or not self.caller.pending.segments:
            return []
        actions = self._drop(self.turn) if self.turn is not None else []
        self.turn_id += 1
        self.turn = Turn(self.turn_id, self.caller.take_pending(), self.clock, Playout(self.turn_id))
        return [*actions, *self._enter(State.THINKING), StartTurn(self.turn_id), *self._understand()]

    def _understand(self) -> list[Action]:
        """Once every part is transcribed: what was said, and what is to be done about it."""
        turn = self.turn
        caller = turn.caller if turn is not None else None
        if turn is None or caller is None or turn.understood or not caller.transcribed:
            return []
        turn.understood = True
        text, repeated = caller.join(self.params.min_confidence, self.params.dedup_frames)
        actions: list[Action] = [Log("ASR_TEXT:", text)] if text else []
        if repeated:
            actions.append(Log("DEDUP user → ignore"))
        match meaning_of(caller, text, self.memory, self.clock):
            case Meaning.WORDS:
                return actions + self._think(turn, text)
            case Meaning.UNCLEAR:
                return actions + self._ask_again(turn)
            case Meaning.ECHO:
                actions.append(Log("ECHO → ignore"))
                if caller.near_us:
                    self.caller.last_was_echo()
        return actions + self._nothing_was_said(turn, caller)

    def _think(self, turn: Turn, text: str) -> list[Action]:
        self.memory.unclear_in_a_row = 0
        turn.text = text
        leftover, self._leftover = self._leftover, None
        if leftover is not None and leftover.answers == fingerprint(text) and leftover.kept.complete:
            return take_up(turn, leftover)  # the same words again: their answer is ready (E2)
        return [Think(turn.turn_id, text, self.memory.history, self.memory.committed_turns + 1)]

    def _ask_again(self, turn: Turn) -> list[Action]:
        """E1: the agent's own question; the mind is not asked."""
        self.memory.unclear_in_a_row += 1
        return say_line(turn, lines.unclear(self.memory.unclear_in_a_row))

    def _nothing_was_said(self, turn: Turn, caller: CallerTurn) -> list[Action]:
        """Back to where we were: the rest of a reply that was cut, or listening."""
        leftover, self._leftover = self._leftover, None
        if not caller.cut_us or leftover is None:
            turn.acts = leftover.acts_due if leftover is not None else ()
            self._greeting_due = self.memory.never_spoke and bool(self.params.greeting.strip())
            return self._enter(State.SPEAKING) if finish_hint(turn) else self._leave(turn)
        if not leftover.kept.complete:
            return self._ask_again(turn)
        if leftover.noted:
            self.memory.take_back_interruption(" ".join(leftover.kept.before))
        turn.resumes = True
        return take_up(turn, leftover) if leftover.kept.sentences else self._leave(turn)

    def _turn_event(self, turn: Turn, event: Event) -> list[Action]:
        """What the workers of the present turn have done."""
        if isinstance(event, TurnOverdue):
            return self._overdue(turn)
        actions = advance(turn, event, self.memory, self.params.hint)
        if isinstance(event, ReplyThought) and self.state is State.SPEAKING:
            self.memory.expected = event.expected
            actions += acts_due(turn, self.memory, heard=False)
        return actions

    def _overdue(self, turn: Turn) -> list[Action]:
        """G3: no answer in time; ours is said, and whatever comes later is too late."""
        if self.state is not State.THINKING or turn.playout.ready_frames:
            return []
        self.turn_id += 1
        self.turn = given_up(turn, self.turn_id)
        late: list[Action] = [Log(f"TURN_TIMEOUT turn={turn.turn_id}"), DropTurn(turn.turn_id)]
        return late + say_failure(self.turn, self.memory)

    # ---- the wire ----

    def _reply_may_go(self, turn: Turn) -> bool:
        if self.state is State.SPEAKING:
            return True
        if self.caller.perhaps_speaking:
            return False
        waits = turn.playout.waits_for_second or turn.playout.hint_goes_on
        return turn.breathed(self.clock) and not waits

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
        actions = self._enter(State.SPEAKING)
        self.memory.expected = turn.expected or self.memory.expected
        if turn.caller is not None:
            self.memory.committed_turns += not turn.resumes
            gap_ms = (self.clock - turn.caller.said_at) * FRAME_MS
            actions.append(Log(f"RESPONSE_GAP ms={gap_ms} turn={turn.turn_id}"))
        self.memory.caller_said(turn.text)
        return actions + acts_due(turn, self.memory, heard=False)

    def _mark_returned(self, name: str) -> list[Action]:
        turn = self.turn
        if turn is None or not turn.playout.mark_returned(name):
            return []
        return self._finish(turn) if self.state is State.SPEAKING and turn.playout.finished else []
