"""Sound on the caller's side: clips, WAV files and generated noises. All PCM16 mono 8 kHz."""

import base64
import math
import random
import sys
import wave
from array import array
from audioop import add, lin2lin, mul, ratecv, rms, tomono
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from server.audio.frames import (
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    SILENT_FRAME,
    mulaw_to_pcm16,
    pcm16_to_mulaw,
)

VOICED_RMS = 200  # PCM16 scale; quieter audio does not count as the caller's speech
_PCM_FRAME_BYTES = 2 * FRAME_SAMPLES
NOISE_KINDS = ("white", "car", "hum", "babble")
BURST_KINDS = ("cough", "click", "door")


class AudioFrame(NamedTuple):
    """20 ms: 160 bytes of μ-law, and the same in base64 as sent."""

    mulaw: bytes
    payload: str


def encode_frame(mulaw: bytes) -> AudioFrame:
    return AudioFrame(mulaw, base64.b64encode(mulaw).decode("ascii"))


SILENCE = encode_frame(SILENT_FRAME)


@dataclass(frozen=True)
class Clip:
    """A caller's line, encoded once and shared by all calls that use it.

    ``voiced_from``: the first frame above VOICED_RMS; ``voiced_to``: the frame after the last. Silence around
    the words is not speech. Both are 0 in a clip without voice.
    """

    frames: tuple[AudioFrame, ...]
    voiced_from: int
    voiced_to: int

    @classmethod
    def from_pcm16(cls, pcm16_8k: bytes) -> "Clip":
        """Cuts PCM16 into frames; the last one is padded with silence."""
        padding = -len(pcm16_8k) % _PCM_FRAME_BYTES
        pcm = pcm16_8k + b"\0" * padding
        pieces = [pcm[i : i + _PCM_FRAME_BYTES] for i in range(0, len(pcm), _PCM_FRAME_BYTES)]
        voiced = [i for i, piece in enumerate(pieces) if rms(piece, 2) > VOICED_RMS]
        frames = tuple(encode_frame(pcm16_to_mulaw(piece)) for piece in pieces)
        return cls(frames, voiced[0] if voiced else 0, voiced[-1] + 1 if voiced else 0)


def mix(frame: AudioFrame, others: list[bytes]) -> AudioFrame:
    """``frame`` with PCM16 frames of 20 ms added."""
    if not others:
        return frame
    pcm = mulaw_to_pcm16(frame.mulaw)
    for other in others:
        pcm = add(pcm, other, 2)
    return encode_frame(pcm16_to_mulaw(pcm))


def pcm_frames(pcm16_8k: bytes) -> tuple[bytes, ...]:
    """The whole PCM16 frames, 320 bytes each; an incomplete last one is dropped."""
    whole = len(pcm16_8k) - len(pcm16_8k) % _PCM_FRAME_BYTES
    return tuple(pcm16_8k[i : i + _PCM_FRAME_BYTES] for i in range(0, whole, _PCM_FRAME_BYTES))


def read_wav(source: str | Path | BinaryIO) -> bytes:
    """Any PCM WAV as PCM16 mono 8 kHz. Raises ValueError for other files."""
    try:
        with wave.open(str(source) if isinstance(source, Path) else source, "rb") as wav:
            width, channels, rate = wav.getsampwidth(), wav.getnchannels(), wav.getframerate()
            pcm = wav.readframes(wav.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a PCM WAV: {error}") from error
    if channels not in (1, 2):
        raise ValueError(f"{channels} channels; one or two are understood")
    if width == 1:
        pcm = array("b", (byte - 128 for byte in pcm)).tobytes()  # 8-bit WAV is unsigned
    pcm = lin2lin(pcm, width, 2)
    if channels == 2:
        pcm = tomono(pcm, 2, 0.5, 0.5)
    return ratecv(pcm, 2, 1, rate, SAMPLE_RATE_HZ, None)[0]


def write_stereo_wav(path: str | Path, left_mulaw: bytes, right_mulaw: bytes) -> None:
    """Writes μ-law 8 kHz tracks as a stereo WAV; the shorter one is padded with silence."""
    samples = max(len(left_mulaw), len(right_mulaw))
    left = mulaw_to_pcm16(left_mulaw.ljust(samples, b"\xff"))
    right = mulaw_to_pcm16(right_mulaw.ljust(samples, b"\xff"))
    interleaved = array("h", bytes(4 * samples))
    interleaved[0::2] = array("h", left)
    interleaved[1::2] = array("h", right)
    if sys.byteorder == "big":
        interleaved.byteswap()
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(2)
        wav.setsampwidth(2)
        wav.setframerate(SAMPLE_RATE_HZ)
        wav.writeframes(interleaved.tobytes())


def _pcm16(values: list[float]) -> bytes:
    return array("h", (max(-32768, min(32767, int(value))) for value in values)).tobytes()


def _noise(samples: int, seed: int, smoothing: float) -> list[float]:
    """Noise of unit RMS. ``smoothing``: 0 is white, towards 1 it gets duller."""
    source, value, out = random.Random(seed), 0.0, []
    gain = math.sqrt((1 + smoothing) / (1 - smoothing))
    for _ in range(samples):
        value = smoothing * value + (1 - smoothing) * source.gauss(0, 1)
        out.append(gain * value)
    return out


@lru_cache(maxsize=None)
def line_noise(kind: str, level_dbfs: float, seconds: float = 4.0) -> tuple[bytes, ...]:
    """PCM16 frames to repeat under the whole call. ``level_dbfs``: RMS, 0 is full scale."""
    samples = int(seconds * SAMPLE_RATE_HZ)
    if kind == "white":
        unit = _noise(samples, 1, 0.0)
    elif kind == "car":  # mostly below 100 Hz, with a little hiss of the road
        road = _noise(samples, 6, 0.2)
        unit = [0.98 * low + 0.2 * high for low, high in zip(_noise(samples, 5, 0.95), road, strict=True)]
    elif kind == "hum":  # mains and its first harmonics
        harmonics = ((50, 1.0), (100, 0.7), (150, 0.5))
        unit = [
            1.07 * sum(a * math.sin(2 * math.pi * f * n / SAMPLE_RATE_HZ) for f, a in harmonics)
            for n in range(samples)
        ]
    elif kind == "babble":
        speech = synthetic_speech(seconds, seed=7), synthetic_speech(seconds, seed=8)
        pcm = add(speech[0], speech[1][len(speech[1]) // 3 :] + speech[1][: len(speech[1]) // 3], 2)
        return pcm_frames(mul(pcm, 2, 32768 * 10 ** (level_dbfs / 20) / rms(pcm, 2)))
    else:
        raise ValueError(f"unknown noise {kind!r}; known: {', '.join(NOISE_KINDS)}")
    return pcm_frames(_pcm16([value * 32768 * 10 ** (level_dbfs / 20) for value in unit]))


@lru_cache(maxsize=None)
def burst(kind: str) -> tuple[bytes, ...]:
    """A short noise that is not speech, as PCM16 frames."""
    if kind == "click":  # 10 ms, loud
        pcm = _pcm16([9000 * x * math.exp(-n / 20) for n, x in enumerate(_noise(160, 2, 0.0))])
    elif kind == "cough":  # two explosive puffs of 150 ms
        puff = [5000 * x * min(1, n / 80) * math.exp(-n / 450) for n, x in enumerate(_noise(1200, 3, 0.6))]
        pcm = _pcm16(puff + [0.0] * 640 + [0.7 * x for x in puff])
    elif kind == "door":  # a dull thud of 250 ms
        thud = enumerate(_noise(2000, 4, 0.93))
        pcm = _pcm16(
            [9000 * (x + math.sin(2 * math.pi * 70 * n / 8000)) * math.exp(-n / 500) for n, x in thud]
        )
    else:
        raise ValueError(f"unknown noise burst {kind!r}; known: {', '.join(BURST_KINDS)}")
    return pcm_frames(pcm + bytes(-len(pcm) % _PCM_FRAME_BYTES))


def synthetic_speech(seconds: float, seed: int = 0, level: float = 4000.0) -> bytes:
    """PCM16 with the energy of speech (a buzz in syllables), enough for a VAD by energy."""
    source, out = random.Random(seed), []
    phase = 0.0
    for n in range(int(seconds * SAMPLE_RATE_HZ)):
        t = n / SAMPLE_RATE_HZ
        phase += 2 * math.pi * (120 + 20 * math.sin(2 * math.pi * 0.7 * t + seed)) / SAMPLE_RATE_HZ
        syllable = 0.25 + 0.75 * math.sin(math.pi * 4 * t + seed) ** 2
        buzz = sum(math.sin(k * phase) / k for k in (1, 2, 3, 5, 8))
        out.append(level * syllable * (0.6 * buzz + 0.2 * source.gauss(0, 1)))
    return _pcm16(out)
