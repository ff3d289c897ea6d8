"""A recorded call as its hearing met it: frames, thresholds and commands, and what was made of them then.

    events --> a turn machine as it was --> for each frame: what it took to open an utterance (D1, C5);
                                            behind it: what words said of the end (A7), echo (E3), keys (F5)

That is all that the hearing (``audio.segmenter``) is told. Given to another one, of other settings, it says
what that would have heard: the agent is audible as recorded, and words come at the frames at which they came.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from itertools import takewhile
from typing import Protocol

from server.audio.endpointing import Closing, EndpointingParams, OnsetThreshold
from server.audio.frames import FrameHeard
from server.audio.segmenter import CallerAudio, Confirmed, Heard, Onset, Segmenter
from server.audio.vad import Vad
from server.tune.knobs import Knobs
from server.turns.actions import (
    Action,
    CancelRecognition,
    FinishRecognition,
    GenerateReply,
    Log,
    SendClear,
    StartRecognition,
    StartTurn,
)
from server.turns.events import Event, FinalTranscript, ReplyDelay, SttFailed, TtsAudio
from server.turns.machine import TurnMachine
from server.turns.params import TurnParams

Answered = tuple[Event, Sequence[Action]]  # with what was decided on it


class RecordedCall(Protocol):
    """What is known of a call: its settings, those of the defaults left out; and its events, in order.

    ``audio``: whether frames carry what was heard; without it they carry something of its level.
    """

    @property
    def name(self) -> str: ...

    @property
    def knobs(self) -> Mapping[str, object]: ...

    @property
    def params(self) -> TurnParams: ...

    @property
    def audio(self) -> bool: ...

    @property
    def events(self) -> Sequence[Answered]: ...


class DoesNotComeOutAgain(Exception):
    """Its events do not bring about what was decided then: of another version, or its words are gone."""


class Cue(Enum):
    """What the hearing is told besides the caller's frames."""

    END_NOW = "a key was pressed"
    WAS_ECHO = "the last utterance was echo"
    SAID_AGAIN = "the last utterance was a repeat"
    WORDS_OF_THE_CALLER = "the last utterance had words"
    NO_WORDS = "the last utterance had none"


Command = Cue | Closing  # a Closing: the words so far say how much silence ends it (A7)
Change = tuple[int, Heard]  # the frame's number from 0, and what it changed; no audio


def give(segmenter: Segmenter, command: Command) -> list[Heard]:
    """Tell a hearing what was told then."""
    match command:
        case Closing():
            segmenter.close_after(command)
        case Cue.END_NOW:
            return segmenter.end_now()
        case Cue.WAS_ECHO:
            segmenter.last_was_echo()
        case Cue.SAID_AGAIN:
            segmenter.last_said_again()
        case Cue.WORDS_OF_THE_CALLER | Cue.NO_WORDS:
            segmenter.last_had_words(of_the_caller=command is Cue.WORDS_OF_THE_CALLER)
    return []


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the agent's. Frames of the call; None: not told, as of a line that no LLM was asked for.

    ``at``: its first frame. ``gap``: since the caller's last voice. ``breath``: from the end of turn.
    """

    at: int
    gap: int
    asked_at: int | None = None
    ready_at: int | None = None
    breath: int = 0


@dataclass(frozen=True)
class Take:
    """One call's side of the caller. ``frames`` hold no audio; ``audio`` does, where it was recorded.

    ``commands``: behind the frame. ``words``: final transcript by utterance, None where its STT failed.
    ``taken_for``: "echo" or "nod", by utterance. ``stops``: frames in which a voice stopped the agent.
    ``alone``: the caller's turn by itself, as from a WAV file: its last voice is its end.
    """

    name: str
    knobs: Knobs
    frames: Sequence[FrameHeard]
    thresholds: Sequence[OnsetThreshold]
    commands: Mapping[int, Sequence[Command]] = field(default_factory=dict)
    heard: Sequence[Change] = ()
    words: Mapping[int, str | None] = field(default_factory=dict)
    taken_for: Mapping[int, str] = field(default_factory=dict)
    answers: Sequence[Answer] = ()
    stops: Sequence[int] = ()
    audio: Sequence[bytes] = ()
    alone: bool = False

    def agent_at(self, frame: int) -> bool:
        """The agent was heard."""
        return self.thresholds[frame] is OnsetThreshold.DURING_PLAYOUT

    def agent_from(self, frame: int) -> int | None:
        """The first frame from there on in which the agent was heard."""
        return next((k for k in range(frame, len(self.frames)) if self.agent_at(k)), None)


class _Tape:
    """What was told, in order."""

    def __init__(self) -> None:
        self.frames: list[FrameHeard] = []
        self.thresholds: list[OnsetThreshold] = []
        self.commands: dict[int, list[Command]] = {}
        self.heard: list[Change] = []

    @property
    def now(self) -> int:
        """The number of the newest frame."""
        return len(self.frames) - 1

    @property
    def found_a_voice(self) -> bool:
        """In the newest frame, or what may be one."""
        newest = takewhile(lambda change: change[0] == self.now, reversed(self.heard))
        return any(isinstance(heard, Onset | Confirmed) for _, heard in newest)

    def told(self, command: Command) -> None:
        self.commands.setdefault(self.now, []).append(command)

    def changed(self, heard: list[Heard]) -> list[Heard]:
        self.heard += [(self.now, one) for one in heard if not isinstance(one, CallerAudio)]
        return heard


class _Taped(Segmenter):
    """The hearing of a machine that is given a recorded call again: it works as ever, and a tape runs."""

    def __init__(self, tape: _Tape, params: EndpointingParams, vad: Vad) -> None:
        super().__init__(params, vad)
        self.tape = tape

    def feed(self, frame: FrameHeard, threshold: OnsetThreshold, *, lower: bool = False) -> list[Heard]:
        self.tape.frames.append(frame)
        self.tape.thresholds.append(threshold)
        return self.tape.changed(super().feed(frame, threshold, lower=lower))

    def close_after(self, closing: Closing) -> None:
        self.tape.told(closing)
        super().close_after(closing)

    def end_now(self) -> list[Heard]:
        self.tape.told(Cue.END_NOW)
        return self.tape.changed(super().end_now())

    def last_was_echo(self) -> None:
        self.tape.told(Cue.WAS_ECHO)
        super().last_was_echo()

    def last_had_words(self, *, of_the_caller: bool) -> None:
        self.tape.told(Cue.WORDS_OF_THE_CALLER if of_the_caller else Cue.NO_WORDS)
        super().last_had_words(of_the_caller=of_the_caller)

    def last_said_again(self) -> None:
        self.tape.told(Cue.SAID_AGAIN)
        super().last_said_again()


class _Notes:
    """What providers gave and when, and what was made of the caller's sounds."""

    def __init__(self, tape: _Tape) -> None:
        self._tape = tape
        self._asked: dict[int, int] = {}
        self._ready: dict[int, int] = {}
        self._breath: dict[int, int] = {}
        self._last_utterance = 0
        self.words: dict[int, str | None] = {}
        self.taken_for: dict[int, str] = {}
        self.answers: list[Answer] = []
        self.stops: list[int] = []

    def saw(self, event: Event) -> None:
        match event:
            case FinalTranscript(utterance_id, text):
                self.words[utterance_id] = text
                self._last_utterance = utterance_id
            case SttFailed(utterance_id):  # behind a transcript it fails nothing any more
                self.words.setdefault(utterance_id, None)
            case ReplyDelay(turn_id, frames):
                self._breath[turn_id] = frames
            case TtsAudio(turn_id):
                self._ready.setdefault(turn_id, self._tape.now)

    def did(self, action: Action, turn_id: int, *, by_voice: bool) -> None:
        """``turn_id``: of the present turn. ``by_voice``: the hearing has just found one, or perhaps one."""
        match action:
            case GenerateReply(asked_for):
                self._asked.setdefault(asked_for, self._tape.now)
            case Log(line, _, _, gap) if line.startswith("RESPONSE_GAP ") and gap is not None:
                times = self._asked.get(turn_id), self._ready.get(turn_id), self._breath.get(turn_id, 0)
                self.answers.append(Answer(self._tape.now, gap, *times))
            case SendClear() if by_voice:  # a key stops it under any settings
                self.stops.append(self._tape.now)
            case Log("ECHO → ignore"):
                self.taken_for[self._last_utterance] = "echo"
            case Log("BACKCHANNEL → ignore"):
                self.taken_for[self._last_utterance] = "nod"


def _decisions(actions: Sequence[Action]) -> list[tuple[type, int]]:
    """Those that tell whether a call comes out again; audio and words may not be in the record."""
    utterances = (StartRecognition, FinishRecognition, CancelRecognition)
    told: list[tuple[type, int]] = [
        (type(one), one.utterance_id) for one in actions if isinstance(one, utterances)
    ]
    told += [(StartTurn, one.turn_id) for one in actions if isinstance(one, StartTurn)]
    return told + [(SendClear, 0) for one in actions if isinstance(one, SendClear)]


def take_of(call: RecordedCall) -> Take:
    """Let the call happen again. Raises DoesNotComeOutAgain; 100 µs a frame."""
    if call.params.dips:
        raise DoesNotComeOutAgain("BARGE_IN_STYLE=dip: when it would have been silent is not known")
    try:
        knobs = Knobs.in_force(call.params, call.knobs)
    except ValueError as error:
        raise DoesNotComeOutAgain(str(error)) from error
    tape = _Tape()
    machine = TurnMachine(call.params, partial(_Taped, tape))
    notes = _Notes(tape)
    for number, (event, then) in enumerate(call.events):
        notes.saw(event)
        now = machine.handle(event)
        if _decisions(now) != _decisions(then):
            raise DoesNotComeOutAgain(f"event {number} brings about something else than it did")
        by_voice = isinstance(event, FrameHeard) and tape.found_a_voice
        for action in now:
            notes.did(action, machine.current.turn_id, by_voice=by_voice)
    return Take(
        name=call.name,
        knobs=knobs,
        frames=[FrameHeard(b"", one.rms, one.speech) for one in tape.frames],
        thresholds=tape.thresholds,
        commands=tape.commands,
        heard=tape.heard,
        words=notes.words,
        taken_for=notes.taken_for,
        answers=notes.answers,
        stops=notes.stops,
        audio=[one.mulaw_8k for one in tape.frames] if call.audio else (),
    )
