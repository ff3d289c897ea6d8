"""Frames: the unit everything is counted in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.frames import (
    FRAME_BYTES,
    MULAW_SILENCE,
    SILENT_FRAME,
    FrameSplitter,
    audio_of_levels,
    level_code,
    level_codes,
    level_rms,
    ms_to_frames,
    mulaw_to_pcm16,
    pcm16_to_mulaw,
    whole_frames,
)


@pytest.mark.parametrize(
    "ms, frames", [(0, 0), (1, 1), (20, 1), (21, 2), (400, 20), (219.5, 11), (220.0, 11)]
)
def test_milliseconds_are_covered_by_whole_frames(ms, frames):
    """A part of a frame counts as one."""
    assert ms_to_frames(ms) == frames


def test_silence_is_mulaw_zero():
    """C1: 0xFF is silence, and a frame has 160 bytes of it."""
    assert SILENT_FRAME == b"\xff" * 160
    assert mulaw_to_pcm16(MULAW_SILENCE) == b"\x00\x00"
    assert level_rms(SILENT_FRAME) == 0


@given(st.binary(max_size=400))
def test_mulaw_survives_pcm16(mulaw):
    """One byte a sample becomes two, and the same byte again (0x7F is the other zero)."""
    pcm16 = mulaw_to_pcm16(mulaw)
    assert len(pcm16) == 2 * len(mulaw)
    assert pcm16_to_mulaw(pcm16) == mulaw.replace(b"\x7f", MULAW_SILENCE)


def test_level_is_on_the_scale_of_pcm16():
    """The RMS of a square wave is its amplitude, as ``VAD_RMS`` counts it."""
    loud = pcm16_to_mulaw((1000).to_bytes(2, "little", signed=True) * 80)
    quiet = pcm16_to_mulaw((-1000).to_bytes(2, "little", signed=True) * 80)
    assert 960 <= level_rms(loud + quiet) <= 1040


@given(st.lists(st.binary(max_size=500), max_size=12))
def test_frames_do_not_depend_on_the_payloads(payloads):
    """C1: payloads of any size give the same whole frames; what is left over waits for more."""
    splitter = FrameSplitter()
    frames = [frame for payload in payloads for frame in splitter.feed(payload)]
    audio = b"".join(payloads)
    assert all(len(frame) == FRAME_BYTES for frame in frames)
    assert b"".join(frames) == audio[: len(audio) // FRAME_BYTES * FRAME_BYTES]


def test_a_whole_frame_behind_a_part_of_one_waits_its_turn():
    """A payload of exactly one frame does not overtake what is left over."""
    splitter = FrameSplitter()
    assert splitter.feed(b"a" * 100) == []
    assert splitter.feed(b"b" * 160) == [b"a" * 100 + b"b" * 60]
    assert splitter.feed(b"c" * 60) == [b"b" * 100 + b"c" * 60]


def test_what_is_left_over_is_a_frame_in_the_end():
    splitter = FrameSplitter()
    splitter.feed(b"a" * 200)
    assert splitter.take_rest() == b"a" * 40 + b"\xff" * 120
    assert splitter.take_rest() == b""


@given(st.binary(max_size=500))
def test_whole_frames_are_the_same_and_silence(mulaw):
    whole = whole_frames(mulaw)
    assert len(whole) % FRAME_BYTES == 0 and len(whole) - len(mulaw) < FRAME_BYTES
    assert whole.rstrip(b"\xff") == mulaw.rstrip(b"\xff")


@given(st.binary(max_size=500))
def test_audio_made_of_levels_has_these_levels(mulaw):
    """Of any audio: what an event log keeps of a voice is as loud as the voice, frame by frame."""
    codes = level_codes(mulaw)
    again = audio_of_levels(codes, len(mulaw))
    assert len(again) == len(mulaw) and level_codes(again) == codes


@given(st.integers(0, 32768))
def test_a_level_in_one_byte_is_within_four_percent(rms):
    held = abs(int.from_bytes(mulaw_to_pcm16(bytes([level_code(rms)])), "little", signed=True))
    assert abs(held - rms) <= max(4, 0.04 * rms)
