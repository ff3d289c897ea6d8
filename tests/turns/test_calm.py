"""In a calm no rule is asked: what waits for its moment comes at the very frame at which it would else."""

from dataclasses import replace
from unittest.mock import patch

import pytest

from server.audio.frames import FrameHeard
from server.turns.actions import GenerateReply, Log, Synthesize
from server.turns.calm import Calm
from server.turns.events import (
    FinalTranscript,
    InterimTranscript,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplySentence,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.machine import NOTHING, TurnMachine
from server.turns.playout import HINT_INDEX
from server.turns.user_turn import GUESS_LAG_FRAMES
from tests.turns.scene import (
    AUDIO,
    COMPLETE,
    FIRST,
    INTERRUPTED,
    LEVELS,
    PARAMS,
    SENT,
    SPEAKING,
    SPOKE,
    UNDERSTOOD,
)

EARLY = replace(PARAMS, early_starts=2)
TOLD = "אני מחפשת דירה בתל אביב"
NOD = [*INTERRUPTED, "#" * 10, InterimTranscript(2, "אהה"), "#" * 10, "." * 60]
PIECES = [event for _ in range(5) for event in (TtsAudio(1, 0, AUDIO[: 160 * 20]), "." * 5, PlayoutRoom(25))]


def one_by_one(events):
    """Each event, and each frame."""
    for event in events:
        if isinstance(event, str):
            yield from (FrameHeard(b"\xff" * 160, *LEVELS[mark]) for mark in event)
        else:
            yield event


def frame_by_frame(params, events):
    """What each event, and each frame, has brought about."""
    machine = TurnMachine(params)
    return [machine.handle(event) for event in one_by_one(events)]


SCENES = {
    "a pause behind an old guess": (EARLY, ["#" * 30, InterimTranscript(1, TOLD), "#" * 10, "." * 30]),
    "a turn that goes for a nod": (PARAMS, NOD),
    "a hint": (PARAMS, [*UNDERSTOOD, "." * 60]),
    "a hint at the frame at which a transcript is no longer waited for": (
        replace(PARAMS, hint_after_frames=GUESS_LAG_FRAMES),
        [*INTERRUPTED, "." * 60],
    ),
    "a caller who is waited for": (
        EARLY,
        [
            "#" * 40,
            InterimTranscript(1, TOLD),
            "." * 28,
            FinalTranscript(1, TOLD),
            ReplySentence(1, "…"),
            "." * 60,
        ],
    ),
    "a reply that comes in pieces, a voice over it": (
        PARAMS,
        [*UNDERSTOOD, ReplySentence(1, FIRST), *PIECES, "." * 30, TtsSentenceDone(1, 0), "." * 30, "#" * 30],
    ),
    "a mark that is lost": (PARAMS, [*SENT, "." * 120]),
    "a mark that is lost, of frames that were sent in a calm": (
        PARAMS,
        [*SPEAKING, "." * 5, PlayoutRoom(100), "." * 160],
    ),
    "a voice over a reply that began in a calm": (
        PARAMS,
        [*COMPLETE, "." * 3, PlayoutRoom(100), "." * 3, "#" * 20, "." * 40],
    ),
    "a voice behind a hint": (
        PARAMS,
        [
            *UNDERSTOOD,
            "." * 60,
            TtsAudio(1, HINT_INDEX, AUDIO[: 160 * 20]),
            PlayoutRoom(100),
            "." * 30,
            "#" * 20,
            "." * 40,
        ],
    ),
    "a mark that comes": (PARAMS, [*SPEAKING, PlayoutRoom(100), "." * 95, MarkReturned("1.0.0"), "#" * 40]),
    "a reply behind a breath": (PARAMS, [SPOKE, ReplyDelay(1, 20), *COMPLETE[2:], "." * 60]),
    "a voice behind a breath": (PARAMS, [SPOKE, ReplyDelay(1, 40), *COMPLETE[2:], "." * 20, "#" * 20]),
}


@pytest.mark.parametrize("params, events", SCENES.values(), ids=SCENES)
def test_a_calm_changes_nothing(params, events):
    """A3, A7, B3, B5, C4, D1, D4."""
    with patch.object(Calm, "begin", lambda calm: None):
        restless = frame_by_frame(params, events)
    assert frame_by_frame(params, events) == restless


@pytest.mark.parametrize("params, events", SCENES.values(), ids=SCENES)
def test_behind_nothing_the_wire_need_not_be_asked(params, events):
    """B4, C2: a reply may start by the passing of time, and such a frame leaves nothing as it was."""
    machine = TurnMachine(params)
    for event in one_by_one(events):
        wanted = machine.wants_wire
        if machine.handle(event) is NOTHING:
            assert machine.wants_wire == wanted


@pytest.mark.parametrize(
    "scene, comes",
    [
        ("a pause behind an old guess", GenerateReply),
        ("a turn that goes for a nod", Log),
        ("a hint", Synthesize),
        ("a hint at the frame at which a transcript is no longer waited for", Synthesize),
        ("a caller who is waited for", GenerateReply),
        ("a mark that is lost", Log),
    ],
)
def test_these_come_by_the_passing_of_time(scene, comes):
    """Else the scenes above would show nothing."""
    params, events = SCENES[scene]
    last = frame_by_frame(params, events)[-len(events[-1]) :]
    assert [actions for actions in last if any(isinstance(action, comes) for action in actions)]
