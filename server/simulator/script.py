"""What the caller does, frame by frame: a pure state machine, so it also runs in simulated time.

One ``step`` is 20 ms. The script is told whether the agent was audible in the frame just heard and
whether Twilio's buffer is idle, and answers with what the caller sends in the next one::

    listening ──(the agent has finished, or patience is over, or it is time to interrupt)──▶ acting
    acting ──(the line is said, the digits are keyed, the wait is over)──▶ listening for the answer
    listening after the last step ──(answered, then ``linger_s``)──▶ hang up
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from server.audio.frames import FRAMES_PER_S, ms_to_frames
from server.simulator.sounds import SILENCE, AudioFrame, Clip, burst, mix

ONSET_SILENCE_FRAMES = 10  # audible after 200 ms of silence: the agent has begun to speak
UNFINISHED_FRAMES = 125  # 2.5 s of silence end the agent's turn even with a mark outstanding
HINT_FRAMES = 150  # 3 s for the answer that follows a hint
DIGIT_FRAMES = 13  # a key every 260 ms


@dataclass(frozen=True)
class Synthesize:
    """Say ``clip``. ``interrupt_after_s``: so long after the agent's audio starts, talking over it."""

    text: str
    clip: Clip
    interrupt_after_s: float | None = None


@dataclass(frozen=True)
class Keys:
    """Press keys, one after the other: digits, ``*`` and ``#``."""

    digits: str


@dataclass(frozen=True)
class Wait:
    """Once the agent has finished, say nothing for so long, whatever it does then."""

    seconds: float


Step = Synthesize | Keys | Wait


@dataclass(frozen=True)
class Burst:
    """A noise on the caller's side, ``offset_s`` after an anchor.

    ``after_turn`` 0 is the start of the greeting, N the start of the agent's answer to turn N, None the
    start of the stream.
    """

    kind: str
    after_turn: int | None
    offset_s: float


@dataclass(frozen=True)
class Manners:
    """How the caller behaves, in seconds.

    ``reply_after_s``: silence of the agent that means it has finished. ``patience_s``: how long to wait
    for an agent that says nothing. ``hint_s``: an agent that has said less than this ("one moment") has not
    answered yet, and is given HINT_FRAMES more. ``linger_s``: from the end of the last answer to hanging up.
    ``hang_up_after_s``: hang up that long into the stream, whatever is going on. ``speak_first``: do not
    wait for a greeting.
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

    ``first_frame`` and ``end_frame`` bound the voice (or the keys); ``end_frame`` is None while it goes
    on. ``meant_to_interrupt`` and not ``interrupted``: the agent had finished before its time.
    """

    index: int  # from 1
    text: str
    kind: str  # "say" or "keys"
    first_frame: int
    end_frame: int | None = None
    meant_to_interrupt: bool = False
    interrupted: bool = False
    impatient: bool = False  # said because the agent did not say anything

    @property
    def start_s(self) -> float:
        """Seconds since the stream started."""
        return self.first_frame / FRAMES_PER_S

    @property
    def end_s(self) -> float:
        """As ``start_s``; the start when the turn was broken off."""
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
class _AgentEar:
    """What the caller has noticed of the agent since it began to listen."""

    silent_frames: int = ONSET_SILENCE_FRAMES
    speaking_since: int | None = None  # frame in which what may be the answer began
    last_onset: int = 0
    quiet_since: int = 0  # frame since which nothing was heard, or listening began
    onset_in_turn: bool = False  # an onset came after the caller began the current turn
    audible_frames: int = 0  # since the onset of what may be the answer

    def hear(self, frame: int, audible: bool) -> bool:
        """Account for one frame; True on the agent's onset."""
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
    """Feed every frame to ``step``. ``turns`` says what was done; ``finished`` that nothing is left."""

    steps: Sequence[Step]
    manners: Manners = field(default_factory=Manners)
    bursts: Sequence[Burst] = ()
    greeted: bool = False  # the greeting was heard before the stream (a TwiML <Play>)

    def __post_init__(self) -> None:
        self.turns: list[Turn] = []
        self.frame = 0  # the frame that the next ``step`` answers with
        self.done_steps = 0
        self._phase = _Phase.LISTENING
        self._ear = _AgentEar()
        self._act_frame = 0  # first frame of the current action
        self.bursts_made: list[tuple[Burst, int]] = []  # and the frame in which each began
        self._onsets: dict[int, int] = {}  # turn → frame in which the agent began to answer it
        if self.greeted or self.manners.speak_first:
            self._ear.speaking_since = -1  # as if the agent had just finished

    @property
    def finished(self) -> bool:
        """All steps were taken and no line is being said."""
        return self.done_steps == len(self.steps) and self._phase is not _Phase.ACTING

    def step(self, agent_audible: bool, agent_idle: bool) -> CallerFrame:
        """Take in the agent's last frame, answer with the caller's next one."""
        if self._ear.hear(self.frame, agent_audible):
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
        self._ear.onset_in_turn = False
        if not isinstance(step, Wait):
            self._open_turn(step, interrupting, impatient=not (interrupting or finished))

    def _open_turn(self, step: Synthesize | Keys, interrupting: bool, impatient: bool) -> None:
        lead_in = step.clip.voiced_from if isinstance(step, Synthesize) else 0
        turn = Turn(
            index=len(self.turns) + 1,
            text=step.text if isinstance(step, Synthesize) else step.digits,
            kind="say" if isinstance(step, Synthesize) else "keys",
            first_frame=self.frame + lead_in,
            meant_to_interrupt=isinstance(step, Synthesize) and step.interrupt_after_s is not None,
            interrupted=interrupting,
            impatient=impatient,
        )
        self.turns.append(turn)

    def _continue(self, step: Step, position: int) -> CallerFrame:
        """The action's frame ``position``; the last one ends it."""
        if isinstance(step, Wait):
            if position + 1 >= ms_to_frames(step.seconds * 1000):
                self._end_action(None, keep_ear=True)
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

    def _end_action(self, end_frame: int | None, keep_ear: bool = False) -> None:
        if end_frame is not None:
            self.turns[-1].end_frame = end_frame
        self.done_steps += 1
        self._phase = _Phase.LISTENING
        if keep_ear:
            return
        # An agent that began before the caller's end, and still speaks, is answering; one that was
        # already speaking when the caller began is not.
        answering = self._ear.onset_in_turn and self._ear.silent_frames == 0
        self._ear.speaking_since = self._ear.last_onset if answering else None
        self._ear.audible_frames = self.frame - self._ear.last_onset if answering else 0
        self._ear.quiet_since = self.frame + 1

    def _agent_finished(self, idle: bool, extra_s: float = 0.0) -> bool:
        if self._ear.speaking_since is None:
            return False
        wanted = ms_to_frames((self.manners.reply_after_s + extra_s) * 1000)
        if 0 < self._ear.audible_frames < self.manners.hint_s * FRAMES_PER_S:
            wanted += HINT_FRAMES
        silent = self._ear.silent_frames
        return silent >= wanted and (idle or silent >= wanted + UNFINISHED_FRAMES)

    def _impatient(self) -> bool:
        if self._ear.silent_frames == 0:
            return False
        return self.frame - self._ear.quiet_since >= self.manners.patience_s * FRAMES_PER_S

    def _time_to_interrupt(self, step: Step) -> bool:
        if (
            not isinstance(step, Synthesize)
            or step.interrupt_after_s is None
            or self._ear.speaking_since is None
        ):
            return False
        return self.frame - self._ear.speaking_since >= step.interrupt_after_s * FRAMES_PER_S

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
