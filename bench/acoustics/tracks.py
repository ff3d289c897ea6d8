"""Caller audio made by code: Hebrew from the embedded voice, noises, music. No recording is in it."""

import math
import random
from array import array
from audioop import add, mul, rms
from functools import cache

from server.audio.frames import FRAME_BYTES, SAMPLE_RATE_HZ, pcm16_to_mulaw
from server.providers.embedded.tts.espeak import VoiceSettings
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k
from server.simulator.sounds import burst, line_noise

LINES = (
    "אני מחפש דירה לקנייה בתל אביב",
    "ארבעה חדרים עם מרפסת וחניה",
    "עד שלושה מיליון שקלים בערך",
    "אפשר לראות אותה ביום ראשון בערב",
    "תודה רבה ולהתראות",
)
SPEECH_DBFS = -20.0
RATE = VoiceSettings().rate
AMPLITUDE = 32768


@cache
def spoken(line: str, variant: str = "m3", level_dbfs: float = SPEECH_DBFS, rate: int = RATE) -> bytes:
    """PCM16 8 kHz of a line, its mean level (pauses included) at ``level_dbfs``, silence cut off.

    ``rate``: words a minute, as espeak has it.
    """
    pcm = speak_pcm16_8k(line, variant=variant, rate=rate).strip(b"\0")
    pcm = pcm[: len(pcm) // 2 * 2]
    return mul(pcm, 2, AMPLITUDE * 10 ** (level_dbfs / 20) / rms(pcm, 2))


class Track:
    """The caller's whole call, to be mixed from pieces. Times in seconds, levels in dBFS."""

    def __init__(self, seconds: float) -> None:
        self.pcm = bytearray(2 * int(seconds * SAMPLE_RATE_HZ))

    def put(self, at_s: float, pcm16_8k: bytes) -> float:
        """Mix a piece in; return when it ends."""
        start = 2 * int(at_s * SAMPLE_RATE_HZ)
        piece = pcm16_8k[: len(self.pcm) - start]
        self.pcm[start : start + len(piece)] = add(bytes(self.pcm[start : start + len(piece)]), piece, 2)
        return at_s + len(piece) / 2 / SAMPLE_RATE_HZ

    def noise(self, kind: str, level_dbfs: float) -> "Track":
        """Mix noise under all of it."""
        loop = b"".join(line_noise(kind, level_dbfs))
        self.put(0, loop * (len(self.pcm) // len(loop) + 1))
        return self

    def babble(self, level_dbfs: float) -> "Track":
        """Mix a room full of people under all of it: each Hebrew, together at ``level_dbfs``."""
        self.put(0, _crowd(len(self.pcm) / 2 / SAMPLE_RATE_HZ, level_dbfs))
        return self

    def burst(self, kind: str, at_s: float) -> float:
        """Mix in a cough, a click or a door."""
        return self.put(at_s, b"".join(burst(kind)))

    @property
    def mulaw(self) -> bytes:
        """Whole frames of μ-law."""
        audio = pcm16_to_mulaw(bytes(self.pcm))
        return audio[: len(audio) // FRAME_BYTES * FRAME_BYTES]


@cache
def _crowd(seconds: float, level_dbfs: float) -> bytes:
    """Six voices at once, each going through the lines from another one on."""
    room = Track(seconds)
    for n, variant in enumerate(("m1", "f2", "m3", "f4", "m7", "f1")):
        at_s = -0.7 * n
        for line in (LINES * (2 + int(seconds / 5)))[n:]:
            piece = spoken(line, variant)
            cut = 2 * int(max(0.0, -at_s) * SAMPLE_RATE_HZ)
            end_s = at_s + len(piece) / 2 / SAMPLE_RATE_HZ
            if end_s > 0 and at_s < seconds:
                room.put(max(0.0, at_s), mul(piece[cut:], 2, 0.3))
            at_s = end_s
    pcm = bytes(room.pcm)
    return mul(pcm, 2, AMPLITUDE * 10 ** (level_dbfs / 20) / rms(pcm, 2))


@cache
def hold_music(seconds: float, level_dbfs: float = SPEECH_DBFS) -> bytes:
    """PCM16 8 kHz: a tune with vibrato over a bass, as a switchboard plays it."""
    source = random.Random(11)
    scale = [262, 294, 330, 349, 392, 440, 494, 523]
    out = array("h")
    phase = bass = 0.0
    note, left = 440.0, 0
    for n in range(int(seconds * SAMPLE_RATE_HZ)):
        if left == 0:
            note, left = float(source.choice(scale)), source.choice([1600, 3200, 3200, 4800])
        left -= 1
        vibrato = 1 + 0.01 * math.sin(2 * math.pi * 5.5 * n / SAMPLE_RATE_HZ)
        phase += 2 * math.pi * note * vibrato / SAMPLE_RATE_HZ
        bass += 2 * math.pi * 98 / SAMPLE_RATE_HZ
        tone = math.sin(phase) + 0.4 * math.sin(2 * phase) + 0.2 * math.sin(3 * phase)
        out.append(int(6000 * (tone + 0.5 * math.sin(bass)) * min(1.0, left / 400)))
    pcm = out.tobytes()
    return mul(pcm, 2, AMPLITUDE * 10 ** (level_dbfs / 20) / rms(pcm, 2))
