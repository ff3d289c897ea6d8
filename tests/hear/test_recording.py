"""WAV files as people have them, and the text beside each."""

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.frames import mulaw_to_pcm16, pcm16_to_mulaw
from server.hear.recording import Recording, Unread, recordings_in
from server.hear.wav_file import LONGEST_S, NotReadable, caller_pcm16

EXTENSIBLE = 0xFFFE


def wav(
    audio: bytes,
    *,
    tag: int = 1,
    channels: int = 1,
    rate_hz: int = 8000,
    bits: int = 16,
    size: int | None = None,
) -> bytes:
    block = channels * bits // 8
    form = struct.pack("<HHIIHH", min(tag, EXTENSIBLE), channels, rate_hz, rate_hz * block, block, bits)
    if tag == EXTENSIBLE:
        form += struct.pack("<HHI", 22, bits, 0) + struct.pack("<H", 1) + bytes(14)
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0"  # padded to an even length
    chunks += b"fmt " + struct.pack("<I", len(form)) + form
    chunks += b"data" + struct.pack("<I", len(audio) if size is None else size) + audio
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def tone(rate_hz: int) -> list[float]:
    """A second of 400 Hz, half of the scale."""
    return [0.5 * math.sin(2 * math.pi * 400 * n / rate_hz) for n in range(rate_hz)]


def packed(samples: list[float], tag: int, bits: int) -> bytes:
    if tag == 3:
        return struct.pack(f"<{len(samples)}{'f' if bits == 32 else 'd'}", *samples)
    if bits == 8:
        return bytes(round(128 + 127 * sample) for sample in samples)
    top = (1 << bits - 1) - 1
    return b"".join(round(top * sample).to_bytes(bits // 8, "little", signed=True) for sample in samples)


def likeness(pcm16_8k: bytes) -> float:
    """1 for the second of ``tone``; its ends apart, where a filter rings."""
    got = struct.unpack(f"<{len(pcm16_8k) // 2}h", pcm16_8k)[200:-200]
    meant = [32767 * sample for sample in tone(8000)][200:-200]
    assert len(got) == len(meant)
    error = sum((a - b) ** 2 for a, b in zip(got, meant, strict=True))
    return 1 - math.sqrt(error / sum(b * b for b in meant))


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize(
    ("tag", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (EXTENSIBLE, 16)]
)
def test_any_pcm(rate_hz: int, tag: int, bits: int) -> None:
    audio = wav(packed(tone(rate_hz), tag, bits), tag=tag, rate_hz=rate_hz, bits=bits)
    assert likeness(caller_pcm16(audio)) > 0.98


@pytest.mark.parametrize(("tag", "bits"), [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32)])
def test_the_caller_is_on_the_left(tag: int, bits: int) -> None:
    both = [sample for left in tone(8000) for sample in (left, -0.9)]
    assert likeness(caller_pcm16(wav(packed(both, tag, bits), tag=tag, channels=2, bits=bits))) > 0.98


@given(st.binary(min_size=1, max_size=400))
def test_mu_law_of_the_telephone_is_kept(mulaw_8k: bytes) -> None:
    assert caller_pcm16(wav(mulaw_8k, tag=7, bits=8)) == mulaw_to_pcm16(mulaw_8k)


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_audio_or_an_error(data: bytes, header: bool) -> None:
    try:
        assert len(caller_pcm16(wav(data)[: len(data) + 40] if header else data)) % 2 == 0
    except NotReadable as error:
        assert str(error)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 1_000_000])
def test_a_length_that_is_not_true(size: int) -> None:
    """Of a recorder that did not know it, or was cut off."""
    audio = packed(tone(8000), 1, 16)
    assert caller_pcm16(wav(audio + b"x", size=size)) == audio


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"ID3\x04" + bytes(100), "is MP3, not WAV"),
        (b"", "is not a WAV file"),
        (wav(b""), "is a WAV file without audio"),
        (wav(b"x"), "is a WAV file without audio"),
        (
            wav(bytes(60), channels=6),
            "has 6 channels: save it as mono, or as stereo with the caller on the left",
        ),
        (wav(bytes(60), rate_hz=4000), "has 4000 Hz: 8000 to 192000 can be read"),
        (wav(bytes(60), tag=17, bits=4), "has format 17 with 4 bits: save it as PCM"),
        (wav(bytes(16_000 * LONGEST_S + 2)), "is longer than 120 s: cut it into what a caller says at once"),
    ],
)
def test_what_is_not_read(data: bytes, why: str) -> None:
    with pytest.raises(NotReadable) as error:
        caller_pcm16(data)
    assert str(error.value) == why


def test_a_folder(tmp_path: Path) -> None:
    """By their names; each with the words beside it; what cannot be read is told and the rest is heard."""
    audio = packed(tone(8000), 1, 16)
    for name in ("b.WAV", "a.wav", "d.wav"):
        (tmp_path / name).write_bytes(wav(audio))
    (tmp_path / "c.wav").write_bytes(b"ID3\x04" + bytes(100))
    (tmp_path / "e.wav").mkdir()
    (tmp_path / "a.txt").write_text("\ufeffשלום", "utf-8")
    (tmp_path / "d.txt").write_bytes("שלום".encode("windows-1255"))
    (tmp_path / "notes.txt").write_text("-")
    a, b, c, d, e = recordings_in(tmp_path)
    assert a == Recording("a.wav", pcm16_to_mulaw(audio), "שלום") and a.seconds == 1
    assert b == Recording("b.WAV", pcm16_to_mulaw(audio), None)
    assert c == Unread("c.wav", "is MP3, not WAV")
    assert isinstance(d, Unread) and d.why.startswith("d.txt: line 1 is not UTF-8")
    assert isinstance(e, Unread) and e.why.startswith("cannot be read (")
