"""What the world notices of a call's actions, as a test says it: ``effects(call, SPOKE) == begins() + …``.

The voice, the LLM, the STT, the wire and the office each have a lane. In a lane order counts, between lanes
it does not; turn IDs and the numbers of utterances and sentences are left out. Which actions bring it about,
and in which order, is said by the table of transitions alone (``test_machine.py``).
"""

from dataclasses import dataclass, field, fields, replace

from server.audio.frames import FRAME_BYTES
from server.turns.actions import (
    ApplyEffect,
    CancelRecognition,
    CancelTurn,
    Decided,
    FeedRecognition,
    FinishRecognition,
    FlushRecognition,
    GenerateReply,
    Log,
    ResumeRecognition,
    SendAudio,
    SendClear,
    SendMark,
    StartRecognition,
    StartTurn,
    Synthesize,
)
from tests.turns.scene import play, think


def lane():
    return field(default_factory=list)


@dataclass(frozen=True)
class Effects:
    said: list[str] = lane()  # sentences to voice
    hints: list[str] = lane()  # likewise, if their audio is made already
    asked: list[GenerateReply] = lane()  # of the LLM
    done: list[object] = lane()  # what an LLM, or a rule, decided beside words
    turns: list[object] = lane()  # "drop", or the frames since the caller's turn ended
    stt: list[str] = lane()
    wire: list[object] = lane()  # "clear", "mark", or a number of frames

    def __add__(self, other):
        names = [one.name for one in fields(self)]
        return Effects(*(getattr(self, name) + getattr(other, name) for name in names))


NOTHING = Effects()


def says(*texts):
    return Effects(said=list(texts))


def hints(text):
    return Effects(hints=[text])


def asks(text, *history, **more):
    """As ``scene.think`` has it, but for the turn's ID."""
    return Effects(asked=[replace(think(0, text, *history), **more)])


def does(*acts):
    return Effects(done=list(acts))


def begins(waited_frames=0):
    """A turn of the caller's is over, ``waited_frames`` ago, and ours begins."""
    return Effects(turns=[waited_frames])


def drops():
    """What is on its way of the turn is not waited for any more."""
    return Effects(turns=["drop"])


def stt(*steps):
    """``start``, ``flush``, ``resume``, ``finish``, ``cancel``."""
    return Effects(stt=list(steps))


def sends(*what):
    """``clear``, ``mark``, or a number of frames."""
    return Effects(wire=list(what))


def effects(dialogue, *events):
    """Hand in the events; all that came of them, together."""
    return effects_of(play(dialogue, events))


def effects_of(actions):
    return sum(map(_of, actions), NOTHING)


def _of(action):
    match action:
        case Log() | FeedRecognition() | Decided():
            return NOTHING
        case Synthesize(text=text, instant=instant):
            return hints(text) if instant else says(text)
        case GenerateReply():
            return Effects(asked=[replace(action, turn_id=0)])
        case ApplyEffect(act):
            return does(act)
        case StartTurn(waited_frames=waited):
            return begins(waited)
        case CancelTurn():
            return drops()
        case StartRecognition():
            return stt("start")
        case FlushRecognition():
            return stt("flush")
        case ResumeRecognition():
            return stt("resume")
        case FinishRecognition():
            return stt("finish")
        case CancelRecognition():
            return stt("cancel")
        case SendAudio(audio):
            return sends(len(audio) // FRAME_BYTES)
        case SendMark():
            return sends("mark")
        case SendClear():
            return sends("clear")
    raise AssertionError(f"an action that has no lane: {action}")
