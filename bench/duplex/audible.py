"""What was audible of the agent: its voice is a tone for each reply, told again in what was played. Pure.

A tone survives what is done to it on the way: a cut anywhere, a gap, a lower level. So a reply that goes on
is known from another one, and one that is only lower from one that is silent.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

import numpy as np

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16, pcm16_to_mulaw
from server.tune.duplex.timeline import Audible

LEVEL_RMS = 4000.0
AUDIBLE_RMS = 50.0  # above comfort noise; our frames of silence have none at all
DIPPED_BELOW = 0.5  # of LEVEL_RMS: 6 dB
HOP = 40  # samples, 5 ms: how exact a time is
WINDOW = 160  # a tone has whole periods in it: 50 Hz apart, none leaks into another
TONES = 60  # 300 Hz to 3,250 Hz
FIRST_BIN = 6
STRIDE = 7  # replies that follow each other are 350 Hz apart


def tone_of(reply: int, frames: int) -> bytes:
    """μ-law 8 kHz of so many frames of the voice of a reply, by its number."""
    return _frame(reply % TONES) * frames


@lru_cache(maxsize=TONES)
def _frame(number: int) -> bytes:
    hz = 50 * (FIRST_BIN + number * STRIDE % TONES)
    wave = np.sin(2 * np.pi * hz * np.arange(WINDOW) / SAMPLE_RATE_HZ) * LEVEL_RMS * 2**0.5
    return pcm16_to_mulaw(wave.astype("<i2").tobytes())


def audible(mulaw_8k: bytes) -> tuple[Audible, ...]:
    """The agent's spans in what was played from the call's first frame on."""
    pcm = np.frombuffer(mulaw_to_pcm16(mulaw_8k), "<i2").astype(np.float32)
    pcm = np.pad(pcm, (WINDOW // 2, WINDOW + HOP))
    hops = len(mulaw_8k) // HOP
    middle = pcm[WINDOW // 2 : WINDOW // 2 + hops * HOP].reshape(hops, HOP)
    rms = np.sqrt((middle**2).mean(axis=1))
    around = np.lib.stride_tricks.sliding_window_view(pcm, WINDOW)[HOP // 2 :: HOP][:hops]
    loudest = np.abs(np.fft.rfft(around, axis=1))[:, FIRST_BIN : FIRST_BIN + TONES].argmax(axis=1)
    return tuple(_spans(rms, loudest))


Mark = tuple[int, bool] | None  # the reply, and whether it is dipped; None: silence


def _spans(rms: np.ndarray, loudest: np.ndarray) -> Iterator[Audible]:
    """Hops of one reply and one level in a row."""
    numbers = {number * STRIDE % TONES: number for number in range(TONES)}
    marks: list[Mark] = [
        (numbers[int(tone)], bool(level < DIPPED_BELOW * LEVEL_RMS)) if level > AUDIBLE_RMS else None
        for level, tone in zip(rms, loudest, strict=True)
    ]
    at = 0
    for mark, same in groupby(_steady(marks)):
        start, at = at, at + len(list(same))
        if mark is not None:
            yield Audible(start * HOP / SAMPLE_RATE_HZ, at * HOP / SAMPLE_RATE_HZ, *mark)


def _steady(marks: list[Mark]) -> list[Mark]:
    """Without what is shorter than a window: half a hop of audio is no lower level, two tones no third."""
    runs = [(mark, len(list(same))) for mark, same in groupby(marks)]
    out: list[Mark] = []
    for number, (mark, hops) in enumerate(runs):
        if mark is not None and hops * HOP < WINDOW:
            after = runs[number + 1][0] if number + 1 < len(runs) else None
            mark = (out[-1] if out else None) or after or mark
        out += [mark] * hops
    return out
