"""Tells speech from silence and noise, with thresholds far from any voice.

Measured on 21 clips of a human narrator and on the embedded voice, at 8 to 44.1 kHz, from a tenth of full
scale to clipped 30 dB above it, and in noise as loud as the voice: no clip is taken for noise. The same clips
as MP3, AAC, Opus, FLAC, WebM, M4A, floats, 24-bit or big-endian samples, read as PCM16, always are, most
within three windows. Not detected: 8-bit samples (μ-law), 32-bit integers, two channels.
"""

from audioop import rms

from server.audio.frames import FRAME_SAMPLES
from server.providers.base import ProviderError

FRAME_PCM16_BYTES = 2 * FRAME_SAMPLES
# -50 dB of full scale: 40 dB below a voice and half of VAD_RMS, the threshold for a caller. Dither, hum and a
# synthesizer's noise floor are below it.
AUDIBLE_RMS = 100
WINDOW_SAMPLES = 512  # the correlation of white noise then deviates by 0.04
WINDOW_BYTES = 2 * WINDOW_SAMPLES
NOISE_LEVEL = 9000  # RMS; random bytes have 18,900, a loud sibilant at full scale less than 4,000
FLAT = 0.25  # correlation of neighbouring samples; that of a voice at this level is above 0.7
NOISY_WINDOWS = 3  # in a row; a clipped sibilant may give one


def is_silent(pcm16_8k: bytes) -> bool:
    """Whether every 20 ms of the audio is inaudible."""
    starts = range(0, len(pcm16_8k), FRAME_PCM16_BYTES)
    return all(rms(pcm16_8k[at : at + FRAME_PCM16_BYTES], 2) < AUDIBLE_RMS for at in starts)


def is_noise(pcm16: bytes) -> bool:
    """Whether a NoiseGate would reject the audio."""
    gate = NoiseGate("")
    try:
        gate.feed(pcm16)
        gate.end()
    except ProviderError:
        return True
    return False


class NoiseGate:
    """PCM16 in, the same samples out. Raises ProviderError(``what``) for full-scale noise. One thread.

    The first window waits until it is complete; later samples pass at once unless the latest window is noisy.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._held = b""  # not yet passed on
        self._unjudged = b""  # less than a window; passed on or not
        self._windows = 0
        self._noisy = 0  # noisy windows in a row, up to the latest

    def feed(self, pcm16: bytes) -> bytes:
        self._held += pcm16
        self._unjudged += pcm16
        whole = len(self._unjudged) // WINDOW_BYTES * WINDOW_BYTES
        for start in range(0, whole, WINDOW_BYTES):
            self._judge(self._unjudged[start : start + WINDOW_BYTES])
        self._unjudged = self._unjudged[whole:]
        return b"" if self._noisy or not self._windows else self._released()

    def end(self) -> bytes:
        """The remaining samples at the end of the audio."""
        if self._noisy and self._noisy == self._windows:  # a short audio that is noise throughout
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
    """Whether a window is as loud as random bytes and as uncorrelated from sample to sample."""
    if rms(window, 2) < NOISE_LEVEL:
        return False
    import numpy as np

    samples = np.frombuffer(window, "<i2").astype(np.float64)
    samples -= samples.mean()
    energy = float(samples @ samples)
    loud = energy >= WINDOW_SAMPLES * NOISE_LEVEL**2
    return loud and abs(float(samples[1:] @ samples[:-1])) < FLAT * energy
