"""Is it speech at all? Silence and noise told from a voice by figures that no voice comes near.

Measured on 21 clips of a human narrator and on the embedded voice, at 8 to 44.1 kHz, from a tenth of full
scale to clipped 30 dB above it, and in noise as loud as they are: nothing is ever taken for noise. MP3, AAC,
Opus, FLAC, WebM, M4A, floats, 24-bit and big-endian samples of the same clips taken for PCM16 always are,
most of them by their first three windows. Not found: bytes of 8 bits (μ-law), integers of 32, two channels.
"""

from audioop import rms

from server.audio.frames import FRAME_SAMPLES
from server.providers.base import ProviderError

FRAME_PCM16_BYTES = 2 * FRAME_SAMPLES
# -50 dB of full scale, 40 below a voice, and half of what we take for a caller's (VAD_RMS): dither, hum, a
# synthesizer's own floor are below it.
AUDIBLE_RMS = 100
WINDOW_SAMPLES = 512  # the correlation of white noise strays by 0.04
WINDOW_BYTES = 2 * WINDOW_SAMPLES
NOISE_LEVEL = 9000  # random bytes are at 18,900; a hiss of speech normalised to full scale below 4,000
FLAT = 0.25  # correlation of neighbouring samples; at that level a voice's is above 0.7
NOISY_WINDOWS = 3  # in a row: a clipped hiss may be one


def is_silent(pcm16_8k: bytes) -> bool:
    """Whether nothing of it can be heard, in any 20 ms."""
    starts = range(0, len(pcm16_8k), FRAME_PCM16_BYTES)
    return all(rms(pcm16_8k[at : at + FRAME_PCM16_BYTES], 2) < AUDIBLE_RMS for at in starts)


def is_noise(pcm16: bytes) -> bool:
    """Whether the whole of it would not pass a NoiseGate."""
    gate = NoiseGate("")
    try:
        gate.feed(pcm16)
        gate.end()
    except ProviderError:
        return True
    return False


class NoiseGate:
    """Samples in, the same samples out; full-scale noise raises ProviderError about ``what``. One thread.

    What is no noise passes as it comes, but for the first window's worth of samples, which waits to be whole.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._held = b""  # not let through yet
        self._unjudged = b""  # less than a window; let through or not
        self._windows = 0
        self._noisy = 0  # windows in a row, the latest

    def feed(self, pcm16: bytes) -> bytes:
        self._held += pcm16
        self._unjudged += pcm16
        whole = len(self._unjudged) // WINDOW_BYTES * WINDOW_BYTES
        for start in range(0, whole, WINDOW_BYTES):
            self._judge(self._unjudged[start : start + WINDOW_BYTES])
        self._unjudged = self._unjudged[whole:]
        return b"" if self._noisy or not self._windows else self._released()

    def end(self) -> bytes:
        """What is left when nothing more comes."""
        if self._noisy and self._noisy == self._windows:  # short, and noise from its start to its end
            raise ProviderError(self._what)
        return self._released()

    def _judge(self, window: bytes) -> None:
        self._windows += 1
        self._noisy = self._noisy + 1 if _is_noisy(window) else 0
        if self._noisy == NOISY_WINDOWS:
            raise ProviderError(self._what)

    def _released(self) -> bytes:
        released, self._held = self._held, b""
        return released


def _is_noisy(window: bytes) -> bool:
    """As loud as random bytes are, and as flat: a sample tells nothing about the next."""
    if rms(window, 2) < NOISE_LEVEL:
        return False
    import numpy as np

    samples = np.frombuffer(window, "<i2").astype(np.float64)
    samples -= samples.mean()
    energy = float(samples @ samples)
    loud = energy >= WINDOW_SAMPLES * NOISE_LEVEL**2
    return loud and abs(float(samples[1:] @ samples[:-1])) < FLAT * energy
