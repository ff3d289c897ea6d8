"""Every event and action is what it was; a log goes as far as it was written, and says what it lacks."""

from dataclasses import is_dataclass, replace
from enum import Enum
from typing import get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.frames import FrameHeard, audio_of_levels, level_codes, level_rms
from server.event_log.format import SHAPES_OF_VERSIONS, VERSION, Header, Seen, chunk, in_seconds, unchunked
from server.event_log.reader import NoEventLog, default_params, log_of
from server.event_log.values import KINDS, NotKnown, Restored, plain, shapes, shapes_digest
from server.turns.actions import Action, SendAudio
from server.turns.events import Event, FinalTranscript, PlayoutRoom, StreamStarted, TtsAudio

TEXT = st.text(max_size=20)
FRAME = st.builds(
    lambda audio, speech: FrameHeard(audio, level_rms(audio), speech),
    st.binary(min_size=160, max_size=160),
    st.none() | st.floats(0, 1) | st.floats(0, 1, width=32),
)  # a level is that of its audio
OF_TYPES = {
    str: TEXT,
    int: st.integers(-(2**31), 2**31),
    float: st.floats(0, 1),
    bool: st.booleans(),
    bytes: st.binary(max_size=500),
    type(None): st.none(),
    FrameHeard: FRAME,
}


def any_of(kind):
    """Any value of an annotation."""
    if kind in OF_TYPES:
        return OF_TYPES[kind]
    if is_dataclass(kind):
        return st.builds(kind, **{name: any_of(of) for name, of in get_type_hints(kind).items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if get_origin(kind) is tuple:
        items = [any_of(of) for of in get_args(kind) if of is not ...]
        return st.lists(items[0], max_size=3).map(tuple) if ... in get_args(kind) else st.tuples(*items)
    return st.one_of(*map(any_of, get_args(kind)))


EVENT = st.one_of(OF_TYPES[FrameHeard], any_of(Event))
SEEN = st.lists(
    st.builds(Seen, st.integers(0, 10**6), EVENT, st.lists(any_of(Action), max_size=3).map(tuple)),
    max_size=8,
)


def in_order(seen):
    return sorted(seen, key=lambda one: one.at_ms)


def read(data):
    (length, _), body = (data[:4], data[4:8]), data[8:]
    assert int.from_bytes(length, "little") == len(body)
    return unchunked(body, Restored())


@given(SEEN, TEXT)
def test_with_audio_everything_is_what_it_was(seen, note):
    assert read(chunk(in_order(seen), audio=True, note=note)) == (in_order(seen), note)


@given(SEEN)
def test_without_audio_everything_is_but_how_it_sounds(seen):
    """And that is as loud, frame by frame; kept again it is the same."""
    seen = in_order(seen)
    again, _ = read(chunk(seen, audio=False))
    assert [plain(tuple(one), audio=False) for one in again] == [
        plain(tuple(one), audio=False) for one in seen
    ]
    assert chunk(again, audio=False) == chunk(seen, audio=False)


def test_the_audio_of_a_log_without_any_has_no_words_in_it():
    voice = bytes(range(1, 161)) * 2
    again, _ = read(chunk([Seen(0, TtsAudio(1, 0, voice), (SendAudio(voice),))], audio=False))
    levels = audio_of_levels(level_codes(voice), 320)
    assert again == [Seen(0, TtsAudio(1, 0, levels), (SendAudio(levels),))] and len(set(levels)) == 1


@given(SEEN.filter(bool), st.integers(1, 9))
def test_in_larger_chunks_nothing_is_lost(seen, seconds):
    parts = list(in_seconds(in_order(seen), seconds))
    assert [one for part in parts for one in part] == in_order(seen)
    assert all(part[-1].at_ms - part[0].at_ms < seconds * 1000 for part in parts)


def test_another_shape_is_another_version():
    """A field that comes or goes: raise VERSION, and add its digest to SHAPES_OF_VERSIONS."""
    assert SHAPES_OF_VERSIONS[VERSION] == shapes_digest()
    assert max(SHAPES_OF_VERSIONS) == VERSION
    assert len(shapes()) == len(KINDS)


# ---- files -------------------------------------------------------------------------------------

HEADER = Header("CA1", "2026-11-29T10:00:00+02:00", False, "1", plain(default_params(), audio=False))
ONE = [Seen(0, StreamStarted(), ()), Seen(20, PlayoutRoom(3), ())]
TWO = [Seen(1000, FinalTranscript(1, "כן", 0.5), ())]
FILE = HEADER.line() + chunk(ONE, audio=False) + chunk(TWO, audio=False, note="over")


def test_a_whole_log():
    log = log_of(FILE)
    assert (log.seen, log.note, log.torn, log.lacks) == ([*ONE, *TWO], "over", "", ())
    assert log.params == default_params() and log.header == HEADER


def test_a_log_that_was_torn_is_read_up_to_there_and_says_so():
    """At each of its bytes."""
    first, second = len(HEADER.line()), len(HEADER.line() + chunk(ONE, audio=False))
    for end in range(len(FILE)):
        if end < first:
            with pytest.raises(NoEventLog):
                log_of(FILE[:end])
            continue
        log = log_of(FILE[:end])
        assert log.seen == (ONE if end >= second else []) and log.torn
        assert ("0:00.020" if end >= second else "0:00.000") in log.torn


@pytest.mark.parametrize("at", [9, 20, -1])
def test_a_byte_that_is_another_is_noticed(at):
    spoiled = bytearray(FILE)
    place = len(HEADER.line()) + at if at > 0 else at
    spoiled[place] ^= 0xFF
    log = log_of(bytes(spoiled))
    assert "a chunk is not what was written" in log.torn and len(log.seen) < 3


@pytest.mark.parametrize("data", [b"", b"{}\n", b"RIFF....\n", b"[]\n", b'{"format": "agent-events"}\n'])
def test_what_is_no_log_is_told(data):
    with pytest.raises(NoEventLog):
        log_of(data)


def test_a_newer_version_is_told_to_update():
    with pytest.raises(NoEventLog, match="of version 99.*update"):
        log_of(replace(HEADER, version=99).line())


def test_an_older_log_says_what_it_lacks_and_is_read_by_defaults():
    """Fields of events by their own, settings by the knobs'; what is gone is told too."""
    params = msgspec.json.decode(msgspec.json.encode(HEADER.params))
    del params["TurnParams"]["hold_frames"]
    params["TurnParams"]["mood"] = 3
    del params["TurnParams"]["endpointing"]["EndpointingParams"]["adaptive_frames"]
    body = chunk([Seen(0, FinalTranscript(1, "כן", 0.5), ())], audio=False, note="over")
    old = {"FinalTranscript": {"utterance_id": 1, "text": "כן"}}
    restored = Restored()
    assert restored.value(old) == FinalTranscript(1, "כן", None)
    log = log_of(replace(HEADER, params=params).line() + body)
    assert log.params == default_params()
    told = " ".join([*log.lacks, *restored.lacks])
    for name in (
        "TurnParams.hold_frames",
        "TurnParams.mood",
        "adaptive_frames",
        "FinalTranscript.confidence",
    ):
        assert name in told


@pytest.mark.parametrize("given", [{"Sneezed": {}}, {"FinalTranscript": {"text": "כן"}}])
def test_what_cannot_be_known_is_not_guessed(given):
    with pytest.raises(NotKnown):
        Restored().value(given)
