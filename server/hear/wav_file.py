"""A WAV file as people record it, read as a caller's audio: PCM, float, μ-law or A-law; the left channel.

Unlike ``providers.wav``, which reads what a vendor was asked for, and as it comes.
"""

import struct
from audioop import alaw2lin, bias, lin2lin, tomono, ulaw2lin
from collections.abc import Iterator
from dataclasses import dataclass

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.audio_formats import RATES_HZ, format_of
from server.providers.batch_recognition import MAX_UTTERANCE_BYTES
from server.providers.wav import CHUNK_BYTES, RIFF_BYTES, UNKNOWN_SIZES, Resampler

# wFormatTag of mmreg.h. An extensible one has the tag proper as the first two bytes of its GUID.
PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
SUBFORMAT_AT = 24
FMT_BYTES = 16
WIDTHS_BITS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), ALAW: (8,), MULAW: (8,)}
LONGEST_S = MAX_UTTERANCE_BYTES // SAMPLE_RATE_HZ  # of one utterance: what comes behind it, some STT drop


class NotReadable(Exception):
    """No audio of a caller can be had from this file. Says why."""


@dataclass(frozen=True)
class _Format:
    tag: int
    channels: int
    rate_hz: int
    bits: int

    @property
    def block_bytes(self) -> int:
        """Of one sample of every channel."""
        return self.channels * self.bits // 8


def caller_pcm16(data: bytes) -> bytes:
    """The left channel of a whole WAV file as PCM16 8 kHz mono. Raises NotReadable."""
    if data[:4] != b"RIFF" or data[8:RIFF_BYTES] != b"WAVE":
        found = format_of(data[:4096], whole=True)
        raise NotReadable(f"is {found}, not WAV" if found else "is not a WAV file")
    chunks: dict[bytes, bytes] = {}
    for name, body in _chunks(data):
        chunks.setdefault(name, body)
    if b"fmt " not in chunks or b"data" not in chunks:
        raise NotReadable("is a WAV file without audio")
    form, audio = _format(chunks[b"fmt "]), chunks[b"data"]
    audio = audio[: len(audio) // form.block_bytes * form.block_bytes]
    if not audio:
        raise NotReadable("is a WAV file without audio")
    if len(audio) > LONGEST_S * form.rate_hz * form.block_bytes:
        raise NotReadable(f"is longer than {LONGEST_S} s: cut it into what a caller says at once")
    pcm16 = _left_pcm16(form, audio)
    return pcm16 if form.rate_hz == SAMPLE_RATE_HZ else Resampler(form.rate_hz).feed(pcm16, last=True)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies. One that is cut short is as long as the file."""
    at = RIFF_BYTES
    while at + CHUNK_BYTES <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        at += CHUNK_BYTES
        if name == b"data" and size in UNKNOWN_SIZES:
            size = len(data) - at
        yield name, data[at : at + size]
        at += size + size % 2  # chunks are padded to even lengths


def _format(body: bytes) -> _Format:
    if len(body) < FMT_BYTES:
        raise NotReadable("is a WAV file with a broken header")
    tag, channels, rate_hz, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if tag == EXTENSIBLE and len(body) >= SUBFORMAT_AT + 2:
        (tag,) = struct.unpack_from("<H", body, SUBFORMAT_AT)
    if bits not in WIDTHS_BITS.get(tag, ()):
        raise NotReadable(f"has format {tag} with {bits} bits: save it as PCM")
    if channels not in (1, 2):
        raise NotReadable(
            f"has {channels} channels: save it as mono, or as stereo with the caller on the left"
        )
    if rate_hz not in RATES_HZ:
        raise NotReadable(f"has {rate_hz} Hz: {RATES_HZ[0]} to {RATES_HZ[-1]} can be read")
    return _Format(tag, channels, rate_hz, bits)


def _left_pcm16(form: _Format, audio: bytes) -> bytes:
    width = form.bits // 8
    if form.tag == FLOAT:
        return _float_pcm16(audio, width, form.channels)
    left = audio if form.channels == 1 else tomono(audio, width, 1, 0)
    if form.tag == MULAW:
        return ulaw2lin(left, 2)
    if form.tag == ALAW:
        return alaw2lin(left, 2)
    if width == 1:  # the only width without a sign
        left = bias(left, 1, -128)
    return lin2lin(left, width, 2)


def _float_pcm16(audio: bytes, width: int, channels: int) -> bytes:
    import numpy as np

    left = np.nan_to_num(np.frombuffer(audio, f"<f{width}")[::channels])
    pcm16: bytes = np.rint(np.clip(left, -1, 1) * 32767).astype("<i2").tobytes()
    return pcm16
