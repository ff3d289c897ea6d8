"""espeak's sound to the telephone's: 22,050 Hz to 8 kHz, one level, no silence around it."""

import numpy as np
import soxr
from numpy.typing import NDArray

from server.providers.embedded.tts.espeak import ESPEAK_RATE_HZ

TELEPHONE_RATE_HZ = 8000

_FULL_SCALE = 32768.0
_SPEECH_LEVEL = 0.1  # RMS of speech, of full scale: -20 dBFS, usual on the telephone
_PEAK_LIMIT = 0.89  # -1 dBFS
_WINDOW = 80  # 10 ms, the step in which silence is looked for
_SILENCE = 0.003  # of full scale, against the loudest window at 0.1 to 0.3

Samples = NDArray[np.float32]


def to_telephone(pcm16_22k: bytes, pause_ms: int) -> bytes:
    """PCM16 22,050 Hz to PCM16 8 kHz, little-endian, with ``pause_ms`` of silence after it.

    Silence around the speech is cut off; speech has -20 dBFS RMS. No speech: empty bytes.
    """
    speech = _without_silence(soxr.resample(_samples(pcm16_22k), ESPEAK_RATE_HZ, TELEPHONE_RATE_HZ))
    if not len(speech):
        return b""
    pcm16: bytes = np.round(_levelled(speech) * _FULL_SCALE).astype("<i2").tobytes()
    return pcm16 + bytes(2 * (TELEPHONE_RATE_HZ * pause_ms // 1000))


def _samples(pcm16: bytes) -> Samples:
    return np.frombuffer(pcm16, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)


def _window_levels(samples: Samples) -> Samples:
    whole = samples[: len(samples) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    levels: Samples = np.sqrt(np.mean(whole * whole, axis=1))
    return levels


def _without_silence(samples: Samples) -> Samples:
    loud = np.flatnonzero(_window_levels(samples) > _SILENCE)
    if not len(loud):
        return samples[:0]
    # A window more on either side: soft onsets and the end of a vowel are below the bar.
    return samples[max(0, int(loud[0]) - 1) * _WINDOW : (int(loud[-1]) + 2) * _WINDOW]


def _levelled(samples: Samples) -> Samples:
    """``samples``, which are not all silent, at the level of speech; pauses within do not count."""
    levels = _window_levels(samples)
    loud = levels[levels > 0.1 * levels.max()]
    gain = min(
        _SPEECH_LEVEL / float(np.sqrt(np.mean(loud * loud))),
        _PEAK_LIMIT / float(np.max(np.abs(samples))),
    )
    return samples * np.float32(gain)
