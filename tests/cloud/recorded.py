"""An STT that know a few lines: what was said is the line whose loudness rose and fell as the audio's did.

So a test's dialogue proves that the right audio came through, whole and to the right stream, without a
recogniser and whatever the audio before and after the words.
"""

import numpy as np
from numpy.typing import NDArray

from server.audio.frames import mulaw_to_pcm16
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k

CALLER_VARIANT = "m3"  # the simulated caller's voice
STEP_SAMPLES = 160
SURE = 0.75  # correlation; another line reaches some 0.55


class Recorded:
    """``Recorded(lines)(mulaw_8k)`` is the line that was said, or empty. Any thread."""

    def __init__(self, lines: list[str]) -> None:
        self._shapes = {line: _loudness(speak_pcm16_8k(line, variant=CALLER_VARIANT)) for line in lines}

    def __call__(self, mulaw_8k: bytes) -> str:
        return self.of_pcm16(mulaw_to_pcm16(mulaw_8k))

    def of_pcm16(self, pcm16_8k: bytes) -> str:
        heard = _loudness(pcm16_8k)
        fits = {line: _likeness(shape, heard) for line, shape in self._shapes.items()}
        best = max(fits, key=fits.__getitem__)
        return best if fits[best] >= SURE else ""


def _loudness(pcm16_8k: bytes) -> NDArray[np.float64]:
    """RMS of every 20 ms, in decibels above a quiet line, without the silence around it."""
    samples = np.frombuffer(pcm16_8k[: len(pcm16_8k) // 2 * 2], "<i2").astype(float)
    samples = samples[: len(samples) // STEP_SAMPLES * STEP_SAMPLES].reshape(-1, STEP_SAMPLES)
    level = 20 * np.log10(np.maximum(np.sqrt((samples**2).mean(axis=1)), 30) / 30)
    loud = np.flatnonzero(level > 3)
    return level[loud[0] : loud[-1] + 1] if len(loud) else level[:0]


def _likeness(shape: NDArray[np.float64], heard: NDArray[np.float64]) -> float:
    """The best correlation over all shifts; a length that differs by more than a third is no match."""
    if not len(heard) or not 0.66 < len(heard) / len(shape) < 1.5:
        return 0.0
    size = len(shape) + len(heard)
    a, b = (np.pad(each - each.mean(), (0, size - len(each))) for each in (shape, heard))
    product = np.fft.irfft(np.fft.rfft(a) * np.conj(np.fft.rfft(b)), size)
    return float(product.max() / np.sqrt((a**2).sum() * (b**2).sum()))
