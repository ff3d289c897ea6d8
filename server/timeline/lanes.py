"""What an event log holds of a call beside its words: states, utterances, waits, providers, the end. Pure.

Times are milliseconds of the call's frame clock, as those of its record are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from server.audio.frames import FRAME_MS, SAMPLE_RATE_HZ, FrameHeard
from server.event_log.format import Seen
from server.event_log.reader import EventLog
from server.event_log.recording import played
from server.logs.redaction import PrivateText
from server.timeline.providers import Asked, Providers
from server.turns.actions import (
    Action,
    ApplyEffect,
    CancelRecognition,
    FinishRecognition,
    Log,
    StartRecognition,
)
from server.turns.effects import EndCall, Transfer
from server.turns.events import CallerGone, StreamStarted

LISTENING = "LISTENING"
HANDED_OVER, HUNG_UP, OVER = "handed over to a person", "hung up by the agent", "the call is over"
ENDS = {Transfer: HANDED_OVER, EndCall: HUNG_UP}


@dataclass
class Utterance:
    """A sound of the caller's that was a voice. ``end``: its last voice."""

    begin: int
    end: int | None = None


@dataclass
class Lanes:
    """``states``: (from, name), each until the next. ``answers``: (first frame, gap), ms.

    ``clears``: (at, ms of audio that the caller was spared). ``ends``: (at, what).
    ``taken_up``: frames of the call before it (F8), None where it begins here.
    """

    length: int = 0
    began: int = 0  # ms of the log at which the first frame came
    states: list[tuple[int, str]] = field(default_factory=lambda: [(0, LISTENING)])
    utterances: dict[int, Utterance] = field(default_factory=dict)
    answers: list[tuple[int, int]] = field(default_factory=list)
    ends: list[tuple[int, str]] = field(default_factory=list)
    clears: list[tuple[int, int]] = field(default_factory=list)
    asked: Sequence[Asked] = ()
    taken_up: int | None = None

    def speaks_from(self, begin: int, end: int) -> int:
        """The first moment in that time at which the agent's turn to speak begins; else ``begin``."""
        return next((at for at, name in self.states if name == "SPEAKING" and begin <= at <= end), begin)


def lanes_of(log: EventLog, private: PrivateText) -> Lanes:
    """All of it, read once."""
    lanes, providers = Lanes(), Providers(private)
    frames = 0
    for one in log.seen:
        if isinstance(one.event, FrameHeard):
            frames += 1
            lanes.began = lanes.began if frames > 1 else one.at_ms
        _tell(lanes, providers, one, frames * FRAME_MS)
    buffer = played(log)
    lanes.length = max(frames * FRAME_MS, len(buffer.heard) * 1000 // SAMPLE_RATE_HZ)
    lanes.clears = [
        (round(one.at_s * 1000), one.dropped_bytes * 1000 // SAMPLE_RATE_HZ)
        for one in buffer.clears
        if one.dropped_bytes
    ]
    lanes.asked = providers.asked
    return lanes


def _tell(lanes: Lanes, providers: Providers, one: Seen, now: int) -> None:
    match one.event:
        case StreamStarted(memory=memory) if memory is not None:
            lanes.taken_up = memory.frames
        case CallerGone():
            lanes.ends.append((now, OVER))
    providers.saw(one.event, now)
    for action in one.actions:
        providers.did(action, now)
        _did(lanes, action, now)


def _did(lanes: Lanes, action: Action, now: int) -> None:
    match action:
        case StartRecognition(utterance_id):
            lanes.utterances.setdefault(utterance_id, Utterance(now))
        case FinishRecognition(utterance_id, silence_frames) if utterance_id in lanes.utterances:
            lanes.utterances[utterance_id].end = now - silence_frames * FRAME_MS
        case CancelRecognition(utterance_id):
            lanes.utterances.pop(utterance_id, None)
        case ApplyEffect(act) if type(act) in ENDS:
            lanes.ends.append((now, ENDS[type(act)]))
        case Log(line, since_frames=frames):
            word, *rest = line.split()
            if word == "STATE":
                lanes.states.append((now, rest[2]))
            elif word == "RESPONSE_GAP" and frames is not None:
                lanes.answers.append((now, frames * FRAME_MS))
