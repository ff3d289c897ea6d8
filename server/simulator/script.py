"""The caller's behaviour, frame by frame: a pure state machine, usable in simulated time.

One ``step`` is 20 ms. It is told whether the agent was audible in the last frame and whether Twilio's buffer
is idle, and returns what the caller sends in the next frame::

    listening ──(the agent has finished, or patience is over, or it is time to interrupt)──▶ acting
    acting ──(the line is spoken, the digits are keyed, the wait is over)──▶ listening for the answer
    listening after the last step ──(answered, then ``linger_s``)──▶ hang up
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from server.audio.frames import FRAMES_PER_S, ms_to_frames
from server.simulator.sounds import SILENCE, AudioFrame, Clip, burst, mix

ONSET_SILENCE_FRAMES = 10  # sound after 200 ms of silence is an onset of the agent
UNFINISHED_FRAMES = 125  # 2.5 s of silence end the agent's turn even if a mark is outstanding
HINT_FRAMES = 150  # 3 s for the answer that follows a hint
DIGIT_FRAMES = 13  # a key every 260 ms


@dataclass(frozen=True)
class Say:
    """Speak ``clip``. ``interrupt_after_s``: begin so long after the agent's onset, over the agent."""

    text: str
    clip: Clip
    interrupt_after_s: float | None = None


@dataclass(frozen=True)
class Keys:
    """Press keys one after another: digits, ``*`` and ``#``."""

    digits: str


@dataclass(frozen=True)
class Wait:
    """Once the agent has finished, say nothing for ``seconds``, whatever the agent does."""

    seconds: float


Step = Say | Keys | Wait


@dataclass(frozen=True)
class Burst:
    """A noise on the caller's side, ``offset_s`` after an anchor.

    ``after_turn``: 0 is the start of the greeting, N the start of the agent's answer to turn N, None the
    start of the stream.
    """

    kind: str
    after_turn: int | None
    offset_s: float


@dataclass(frozen=True)
class Manners:
    """The caller's habits; times in seconds.

    ``reply_after_s``: silence after which the agent has finished. ``patience_s``: how long the caller waits
    for a silent agent. ``hint_s``: shorter speech of the agent ("one moment") is no answer yet, and
    HINT_FRAMES more are waited. ``linger_s``: from the end of the last answer to hanging up.
    ``hang_up_after_s``: hang up so long into the stream, whatever happens. ``speak_first``: do not wait for a
    greeting.
    """

    reply_after_s: float = 0.7
    patience_s: float = 6.0
    linger_s: float = 1.5
    hint_s: float = 0.0
    hang_up_after_s: float | None = None
    speak_first: bool = False


@dataclass
class Turn:
    """A step of the caller as it happened. Times are frames since the stream started.

    ``first_frame`` and ``end_frame`` bound the voice or the keys; ``end_frame`` is None while they go on.
    ``meant_to_interrupt`` without ``interrupted``: the agent finished too early for that.
    """

    index: int  # from 1
    text: str
    kind: str  # "say" or "keys"
    first_frame: int
    end_frame: int | None = None
    meant_to_interrupt: bool = False
    interrupted: bool = False
    impatient: bool = False  # spoken because the agent stayed silent

    @property
    def start_s(self) -> float:
        """Seconds since the stream started."""
        return self.first_frame / FRAMES_PER_S

    @property
    def end_s(self) -> float:
        """Like ``start_s``; the start itself for a turn that was broken off."""
        return (self.first_frame if self.end_frame is None else self.end_frame) / FRAMES_PER_S


class CallerFrame(NamedTuple):
    """What the caller sends in one frame."""

    audio: AudioFrame = SILENCE
    digit: str = ""
    hang_up: bool = False


class _Phase(Enum):
    LISTENING = "listening"
    ACTING = "acting"
    HUNG_UP = "hung up"


@dataclass
class _AgentActivity:
    """The agent's speech as the caller has noticed it since listening began."""

    silent_frames: int = ONSET_SILENCE_FRAMES
    speaking_since: int | None = None  # frame in which the possible answer began
    last_onset: int = 0
    quiet_since: int = 0  # frame since which the agent is silent, or listening began
    onset_in_turn: bool = False  # the agent began after the caller began the current turn
    audible_frames: int = 0  # since the onset of the possible answer

    def hear(self, frame: int, audible: bool) -> bool:
        """Takes one frame. True on the agent's onset."""
        onset = audible and self.silent_frames >= ONSET_SILENCE_FRAMES
        if onset:
            if self.speaking_since is None:
                self.speaking_since, self.audible_frames = frame, 0
            self.last_onset, self.onset_in_turn = frame, True
        if audible:
            self.audible_frames += 1
            self.quiet_since = frame + 1
        self.silent_frames = 0 if audible else self.silent_frames + 1
        return onset


@dataclass
class CallerScript:
    """Feed every frame to ``step``. ``turns``: the caller's turns so far. ``finished``: no step is left."""

    steps: Sequence[Step]
    manners: Manners = field(default_factory=Manners)
    bursts: Sequence[Burst] = ()
    greeted: bool = False  # the greeting was heard before the stream (a TwiML <Play>)

    def __post_init__(self) -> None:
        self.turns: list[Turn] = []
        self.frame = 0  # the frame that the next ``step`` returns
        self.done_steps = 0
        self._phase = _Phase.LISTENING
        self._agent = _AgentActivity()
        self._act_frame = 0  # first frame of the current action
        self.bursts_made: list[tuple[Burst, int]] = []  # each with the frame in which it began
        self._onsets: dict[int, int] = {}  # turn → frame in which the agent began to answer
        if self.greeted or self.manners.speak_first:
            self._agent.speaking_since = -1  # as if the agent had just finished

    @property
    def finished(self) -> bool:
        """Whether all steps are done and no line is being spoken."""
        return self.done_steps == len(self.steps) and self._phase is not _Phase.ACTING

    def step(self, agent_audible: bool, agent_idle: bool) -> CallerFrame:
        """Takes the agent's last frame and returns the caller's next one."""
        if self._agent.hear(self.frame, agent_audible):
            self._onsets.setdefault(len(self.turns), self.frame)
        out = self._act(agent_audible, agent_idle)
        audio = mix(out.audio, self._noises())
        self.frame += 1
        return out if audio is out.audio else out._replace(audio=audio)

    def _act(self, agent_audible: bool, agent_idle: bool) -> CallerFrame:
        limit = self.manners.hang_up_after_s
        if limit is not None and self.frame >= limit * FRAMES_PER_S:
            self._phase = _Phase.HUNG_UP
        if self._phase is _Phase.LISTENING:
            self._listen(agent_audible, agent_idle)
        if self._phase is _Phase.HUNG_UP:
            return CallerFrame(hang_up=True)
        if self._phase is _Phase.ACTING:
            return self._continue(self.steps[self.done_steps], self.frame - self._act_frame)
        return CallerFrame()

    def _listen(self, agent_audible: bool, agent_idle: bool) -> None:
        if self.done_steps == len(self.steps):
            if self._agent_finished(agent_idle, self.manners.linger_s) or self._impatient():
                self._phase = _Phase.HUNG_UP
            return
        step = self.steps[self.done_steps]
        interrupting = self._time_to_interrupt(step) and agent_audible
        finished = self._agent_finished(agent_idle)
        if not (interrupting or finished or self._impatient()):
            return
        self._phase, self._act_frame = _Phase.ACTING, self.frame
        self._agent.onset_in_turn = False
        if not isinstance(step, Wait):
            self._open_turn(step, interrupting, impatient=not (interrupting or finished))

    def _open_turn(self, step: Say | Keys, interrupting: bool, impatient: bool) -> None:
        lead_in = step.clip.voiced_from if isinstance(step, Say) else 0
        turn = Turn(
            index=len(self.turns) + 1,
            text=step.text if isinstance(step, Say) else step.digits,
            kind="say" if isinstance(step, Say) else "keys",
            first_frame=self.frame + lead_in,
            meant_to_interrupt=isinstance(step, Say) and step.interrupt_after_s is not None,
            interrupted=interrupting,
            impatient=impatient,
        )
        self.turns.append(turn)

    def _continue(self, step: Step, position: int) -> CallerFrame:
        """Frame ``position`` of the action; the last one ends the action."""
        if isinstance(step, Wait):
            if position + 1 >= ms_to_frames(step.seconds * 1000):
                self._end_action(None, keep_agent=True)
            return CallerFrame()
        if isinstance(step, Keys):
            index, off_beat = divmod(position, DIGIT_FRAMES)
            if index == len(step.digits) - 1:
                self._end_action(self.frame)
            return CallerFrame(digit="" if off_beat else step.digits[index])
        frame = step.clip.frames[position] if step.clip.frames else SILENCE
        if position + 1 >= len(step.clip.frames):
            self._end_action(self._act_frame + step.clip.voiced_to)
        return CallerFrame(frame)

    def _end_action(self, end_frame: int | None, keep_agent: bool = False) -> None:
        if end_frame is not None:
            self.turns[-1].end_frame = end_frame
        self.done_steps += 1
        self._phase = _Phase.LISTENING
        if keep_agent:
            return
        # An agent that began during the caller's turn and still speaks is answering. One that already spoke
        # when the caller began is not.
        answering = self._agent.onset_in_turn and self._agent.silent_frames == 0
        self._agent.speaking_since = self._agent.last_onset if answering else None
        self._agent.audible_frames = self.frame - self._agent.last_onset if answering else 0
        self._agent.quiet_since = self.frame + 1

    def _agent_finished(self, idle: bool, extra_s: float = 0.0) -> bool:
        if self._agent.speaking_since is None:
            return False
        wanted = ms_to_frames((self.manners.reply_after_s + extra_s) * 1000)
        if 0 < self._agent.audible_frames < self.manners.hint_s * FRAMES_PER_S:
            wanted += HINT_FRAMES
        silent = self._agent.silent_frames
        return silent >= wanted and (idle or silent >= wanted + UNFINISHED_FRAMES)

    def _impatient(self) -> bool:
        if self._agent.silent_frames == 0:
            return False
        return self.frame - self._agent.quiet_since >= self.manners.patience_s * FRAMES_PER_S

    def _time_to_interrupt(self, step: Step) -> bool:
        if not isinstance(step, Say) or step.interrupt_after_s is None or self._agent.speaking_since is None:
            return False
        return self.frame - self._agent.speaking_since >= step.interrupt_after_s * FRAMES_PER_S

    def _noises(self) -> list[bytes]:
        pieces: list[bytes] = []
        for noise in self.bursts:
            anchor = 0 if noise.after_turn is None else self._onsets.get(noise.after_turn)
            if anchor is None:
                continue
            position = self.frame - anchor - round(noise.offset_s * FRAMES_PER_S)
            frames = burst(noise.kind)
            if position == 0:
                self.bursts_made.append((noise, self.frame))
            if 0 <= position < len(frames):
                pieces.append(frames[position])
        return pieces
