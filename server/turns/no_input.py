"""Turns that no words of the caller's bring about: the greeting (B6), idle prompts (F1), the end (F4)."""

from dataclasses import replace
from enum import Enum

from server.audio.frames import FRAMES_PER_S
from server.turns.actions import Action, Decided
from server.turns.effects import Act, EndCall
from server.turns.follow_up import Prompt
from server.turns.memory import CallMemory
from server.turns.parts import Parts
from server.turns.phases import Phase
from server.turns.prompts import in_turn
from server.turns.response import farewell
from server.turns.taking_up import TakingUp

GREETING_AFTER_FRAMES = 40  # 0.8 s (B6)
NEVER = 1 << 62  # frame clock
PATIENCE_FRAMES = (
    5 * FRAMES_PER_S
)  # for a caller who speaks when the server must go; then the farewell is said
GRACE_FRAMES = 60 * FRAMES_PER_S  # for a reply, or a caller, to come to an end, and for the goodbye


class Silence:
    """Counts how long the agent has waited for the caller."""

    def __init__(self, after_frames: int) -> None:
        """``after_frames`` 0: no silence is too long."""
        self._after = after_frames
        self._hold = 0  # frames: they have asked to wait (F7)
        self._since: int | None = None  # frame clock: the wait began; None while there is none
        self._sound = False  # there is some now,
        self._delayed = False  # and it has begun the wait anew
        self.prompts = 0  # said since the caller was heard last

    def restore(self, prompts: int, hold_frames: int) -> None:
        """What it had come to at another socket of this call (F8)."""
        self.prompts, self._hold = prompts, hold_frames

    @property
    def hold_frames(self) -> int:
        """For so long they have asked to be left alone; 0: they have not."""
        return self._hold

    def prompted(self) -> int:
        """One more prompt is said; how many there were before it."""
        self.prompts += 1
        return self.prompts - 1

    def tick(self, clock: int, *, waiting: bool, sound: bool) -> bool:
        """True when something is to be said about it. Frames in which nothing changes may be left out.

        ``waiting``: nobody speaks and nothing is owed. ``sound``: what is heard may be a voice: the first
        one of a wait begins it anew, and nothing is said over any.
        """
        self._sound = sound
        if not waiting:
            self._since, self._delayed = None, False
            return False
        if self._since is None:
            self._since = clock - 1
        if sound and not self._delayed:
            self._since, self._delayed = clock, True
        too_long = clock >= self.due_at
        self._hold = 0 if too_long else self._hold
        return too_long

    @property
    def due_at(self) -> int:
        """Frame clock at which the wait will be too long, as things are."""
        if self._since is None or self._sound or not self._after:
            return NEVER
        return self._since + max(self._after, self._hold)

    def caller_heard(self) -> None:
        """They are there."""
        self.prompts = self._hold = 0

    @property
    def patience_frames(self) -> int:
        """How long nothing is said to a caller who says nothing; 0: for ever, or not at all."""
        return max(self._after, self._hold) if self._after else self._hold

    def hold(self, frames: int) -> None:
        """They have asked to wait, or were asked to: nothing is too long before that (F7)."""
        self._hold = frames


class Limit(Enum):
    """How far past its limit a call is."""

    WITHIN = "within"
    REACHED = "reached"  # whatever is said next is the goodbye
    OVER = "over"  # it had no chance to be said


def limit_of(clock: int, call_frames: int) -> Limit:
    """``clock``: frames heard. ``call_frames``: the limit; 0 is none."""
    if not call_frames or clock < call_frames:
        return Limit.WITHIN
    return Limit.REACHED if clock < call_frames + GRACE_FRAMES else Limit.OVER


def next_limit(clock: int, call_frames: int) -> int:
    """Frame clock at which ``limit_of`` changes next."""
    if not call_frames:
        return NEVER
    return next((at for at in (call_frames, call_frames + GRACE_FRAMES) if clock < at), NEVER)


def out_of_patience(clock: int, closing_at: int | None) -> bool:
    """The server will be gone, and has waited for a pause for as long as it can."""
    return closing_at is not None and clock - closing_at >= PATIENCE_FRAMES


class OwnTurns:
    """Says prompts that answer nobody. Not thread-safe."""

    def __init__(self, parts: Parts, silence: Silence) -> None:
        self._parts = parts
        self._silence = silence
        self._taking_up = TakingUp(parts)

    @property
    def memory(self) -> CallMemory:
        """What another socket would have to know to take the call up now (F8)."""
        memory = self._taking_up.memory
        return replace(memory, prompts=self._silence.prompts, hold_frames=self._silence.hold_frames)

    def go_on_from(self, memory: CallMemory) -> list[Action]:
        """F8: another socket of this call had come so far."""
        self._silence.restore(memory.prompts, memory.hold_frames)
        return self._taking_up.begin(memory)

    def take_up(self) -> list[Action]:
        """F8: the first words at this socket, if they are due; to who has heard none, the greeting."""
        if not self._taking_up.due:
            return []
        if self.greeting_first or (self.owes_greeting and not self._taking_up.was_speaking):
            self._taking_up.forget()
            return self.greet()
        return self._taking_up.say()

    @property
    def waits_to_speak(self) -> bool:
        """There is something to say without a question, as soon as nobody speaks."""
        return self.owes_greeting or self._taking_up.pending

    @property
    def greeting_first(self) -> bool:
        """The greeting is a notice that is heard even if the caller speaks first, and was not yet (B6)."""
        return self._parts.params.greeting_protected and self.owes_greeting

    @property
    def owes_greeting(self) -> bool:
        """The caller has not heard a word of the agent, and there is a greeting (B6)."""
        return self._parts.call.echo.never_spoke and bool(self._parts.params.greeting.strip())

    def greet(self) -> list[Action]:
        """B6."""
        params = self._parts.params
        turn = self._parts.current.begin(Phase.PREPARED)
        actions = turn.say(Prompt(params.greeting), notice=params.greeting_protected)
        return [*actions, Decided("B6", "greets")]

    def due(self, *, too_long: bool, over: bool) -> list[Action]:
        """What is said into a silence. ``too_long``: it was; ``over``: so was the call."""
        parts, prompts = self._parts, self._parts.call.prompts
        if parts.call.closing:
            return [*self._say(farewell(parts.call)), Decided("F4", "farewell")]
        if over:
            return [*self._say_line(prompts.time_is_up, EndCall()), Decided("F4", "time is up")]
        if self.owes_greeting and not self._taking_up.pending:
            due = parts.current.clock >= GREETING_AFTER_FRAMES and parts.users.quiet
            return self.greet() if due else []
        if not too_long:
            return []
        said = self._silence.prompted()
        if said < parts.params.idle_prompts:
            return [*self._say_line(in_turn(prompts.still_there, said)), Decided("F1", "asks")]
        return [*self._say_line(prompts.nobody_there, EndCall()), Decided("F1", "gives up")]

    def _say_line(self, line: str, *acts: Act) -> list[Action]:
        return self._say(Prompt(self._parts.call.worded(line), acts=acts))

    def _say(self, prompt: Prompt) -> list[Action]:
        return self._parts.current.begin(Phase.PREPARED).say(prompt)
