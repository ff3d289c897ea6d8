"""Media messages to frames: holes of the stream are filled, so that frames keep counting time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.frames import SILENT_FRAME
from server.telephony.inbound import InboundAudio
from server.telephony.twilio_messages import Media

VOICE = b"\x20" * 160


def fed(*stamps, audio=VOICE):
    """An inbound stream that was given one message for each stamp, and its frames, ``.`` the filled ones."""
    inbound = InboundAudio()
    frames = [frame for stamp in stamps for frame in inbound.feed(Media(audio, stamp))]
    return inbound, "".join("." if frame == SILENT_FRAME else "#" for frame in frames)


@pytest.mark.parametrize(
    "stamps, timeline",
    {
        "without holes": ([0, 20, 40], "###"),
        "begins anywhere": ([5000, 5020], "##"),
        "jitter of 40 ms": ([0, 60, 80], "###"),
        "a hole of 41 ms": ([0, 61], "#..#"),
        "a hole of 59 ms": ([0, 79], "#..#"),
        "a hole of 60 ms": ([0, 80, 100], "#...##"),
        "a hole of 2 s": ([0, 2020], "#" + "." * 100 + "#"),
        "a hole of an hour": ([0, 3_600_000, 3_600_020], "#" + "." * 100 + "##"),
        "no stamps": ([None, None], "##"),
        "a stamp missing, no hole": ([0, None, 40], "###"),
        "a late message": ([0, 40, 20, 60], "####"),
        "a hole, and its message late": ([0, 100, 20, 120], "#....###"),
        "a clock that starts again": ([5000, 0, 20], "###"),
    }.values(),
)
def test_gaps_above_40_ms_are_filled(stamps, timeline):
    """Time: a gap above 40 ms is silence, at most 2 s of it; a step backwards changes no time."""
    assert fed(*stamps)[1] == timeline


@pytest.mark.parametrize(
    "stamps, filled, steps_back",
    [
        ([0, 20, 60], 0, 0),
        ([0, 100], 4, 0),
        ([0, 100, 200], 8, 0),
        ([40, 20, 0, 60], 0, 2),
        ([0, 9000], 100, 0),
    ],
)
def test_what_was_missing_is_counted(stamps, filled, steps_back):
    """Time: all are counted."""
    inbound, _ = fed(*stamps)
    assert (inbound.filled_frames, inbound.steps_back) == (filled, steps_back)


@pytest.mark.parametrize(
    "size, stamps", [(80, [0, 10, 20, 30]), (800, [0, 100, 200]), (100, [0, 12, 25, 37])]
)
def test_payloads_of_any_size_leave_no_gap(size, stamps):
    """C1: Twilio sends 160 bytes a message, but does not promise it."""
    inbound, timeline = fed(*stamps, audio=b"\x20" * size)
    assert timeline == "#" * (size * len(stamps) // 160)
    assert (inbound.filled_frames, inbound.steps_back) == (0, 0)


def test_a_gap_is_measured_from_the_end_of_the_payload():
    """Time: 100 ms of audio at 0 are followed by 100 ms."""
    assert fed(0, 141, audio=b"\x20" * 800)[1] == "#####" + ".." + "#####"


@given(st.lists(st.tuples(st.binary(max_size=400), st.none() | st.integers(0, 10_000)), max_size=20))
def test_no_audio_is_lost_whatever_the_stamps(messages):
    """Time: what was heard comes out in order and whole; silence is only ever added, 2 s at a time."""
    inbound = InboundAudio()
    heard = b"".join(audio.replace(b"\xff", b"\x00") for audio, _ in messages)
    frames = []
    for audio, stamp in messages:
        new = inbound.feed(Media(audio.replace(b"\xff", b"\x00"), stamp))
        assert new.count(SILENT_FRAME) <= 100
        frames += new
    voiced = [frame for frame in frames if frame != SILENT_FRAME]
    assert b"".join(voiced) == heard[: len(heard) // 160 * 160]
    assert len(frames) - len(voiced) == inbound.filled_frames


QUIET = 50  # frames of silence that the shell has fed: a second


@pytest.mark.parametrize(
    "stamp, filled",
    [(1020, 0), (20, 0), (980, 0), (1060, 0), (1080, 3), (2020, 50), (9020, 100), (None, 0)],
    ids=["advanced", "stood", "a little short", "a little long", "a hole more", "lost", "long lost", "none"],
)
def test_a8_silence_that_was_fed_is_not_filled_in_again(stamp, filled):
    """A8: whether the stamps of a line with silence suppression advance with the time or stand still."""
    inbound = InboundAudio()
    inbound.feed(Media(VOICE, 0))
    assert inbound.quiet(QUIET) == [SILENT_FRAME] * QUIET
    assert inbound.feed(Media(VOICE, stamp)) == [SILENT_FRAME] * filled + [VOICE]
    assert (inbound.quiet_frames, inbound.filled_frames) == (QUIET, filled)


def test_a8_what_was_fed_counts_for_one_hole():
    """A8: the stamps stood still then; the next hole is another one."""
    inbound = InboundAudio()
    inbound.feed(Media(VOICE, 0))
    inbound.quiet(QUIET)
    inbound.feed(Media(VOICE, 20))
    assert len(inbound.feed(Media(VOICE, 140))) == 1 + 5


def test_a8_what_comes_late_is_heard_late():
    """A8: a second that the network has kept, frame by frame; a step back does not end the silence's hole."""
    inbound = InboundAudio()
    inbound.feed(Media(VOICE, 0))
    inbound.quiet(QUIET)
    late = [inbound.feed(Media(VOICE, stamp)) for stamp in range(20, 1020, 20)]
    assert late == [[VOICE]] * 50 and inbound.filled_frames == 0
