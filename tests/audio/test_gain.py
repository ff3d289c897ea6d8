"""D1: the agent's voice lower, by a table, and back without a click."""

import math
import struct
from audioop import rms

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.frames import FRAME_BYTES, MULAW_SILENCE, mulaw_to_pcm16, pcm16_to_mulaw
from server.audio.gain import LOWER_DB, STEP_BYTES, STEPS, TABLES, Fader, gain_table


def tone(amplitude, frames=50):
    samples = range(FRAME_BYTES * frames)
    wave = (round(amplitude * math.sin(2 * math.pi * 317 * n / 8000)) for n in samples)
    return pcm16_to_mulaw(struct.pack(f"<{len(samples)}h", *wave))


def db_between(before, after):
    levels = (rms(mulaw_to_pcm16(audio), 2) for audio in (after, before))
    return 20 * math.log10(next(levels) / next(levels))


@pytest.mark.parametrize("amplitude", [300, 1000, 4000, 12000, 30000])
@pytest.mark.parametrize("step", range(STEPS + 1))
def test_d1_each_table_is_its_level(amplitude, step):
    """D1: within 0.3 dB, from a soft voice to a loud one."""
    audio = tone(amplitude)
    assert db_between(audio, audio.translate(TABLES[step])) == pytest.approx(LOWER_DB * step / STEPS, abs=0.3)


def test_d1_the_level_is_one_that_is_noticed_and_understood():
    """D1: 10 to 12 dB lower."""
    assert -12 <= LOWER_DB <= -10


@pytest.mark.parametrize("db", [0.0, -1.1, -11.0])
def test_d1_silence_stays_silence_and_both_signs_are_alike(db):
    """D1: no offset and no hiss is made."""
    table = gain_table(db)
    assert table[0xFF] == 0xFF and table[0x7F] == 0x7F
    assert all(table[byte] ^ table[byte ^ 0x80] == 0x80 for byte in range(256))
    assert (table == bytes(range(256))) is (db == 0.0)


def test_d1_a_voice_at_full_level_is_untouched():
    """C1: byte for byte."""
    audio = bytes(range(256)) * 5
    assert Fader().fade(audio, lower=False) == audio


def test_d1_a_change_takes_one_frame():
    """D1: 1.1 dB every 2 ms, down and up; behind it the level is steady."""
    fader, audio = Fader(), b"\x10" * FRAME_BYTES * 2
    down, up = fader.fade(audio, lower=True), fader.fade(audio, lower=False)
    steps = [bytes([TABLES[step][0x10]]) * STEP_BYTES for step in range(STEPS + 1)]
    assert down == b"".join(steps[1:]) + steps[-1] * STEPS
    assert up == b"".join(steps[STEPS - 1 :: -1]) + audio[:FRAME_BYTES]


@given(st.lists(st.tuples(st.binary(max_size=400), st.booleans()), max_size=8))
def test_d1_pieces_of_any_length_are_one_voice(pieces):
    """D1: no byte is lost or added, and silence is never anything else."""
    fader = Fader()
    for audio, lower in pieces:
        assert len(fader.fade(audio, lower=lower)) == len(audio)
    assert set(fader.fade(MULAW_SILENCE * FRAME_BYTES, lower=True)) <= {0xFF}
