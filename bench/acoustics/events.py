"""Sounds that are not the caller, made by code, no two alike: ``event(kind, seed, level_dbfs)``."""

import random
from functools import cache
from typing import Any

import numpy as np

from bench.acoustics.tracks import AMPLITUDE
from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.embedded.tts.synthesizer import speak_pcm16_8k

KINDS = ("cough", "door slam", "click", "far voice")
FAR_LINES = (
    "אמא, את רוצה שאני אביא לך משהו מהמכולת",
    "תגיד לו שיחזור אליי אחר כך בבקשה",
    "איפה שמת את המפתחות של האוטו",
    "הילדים כבר חזרו מבית הספר והם רעבים",
)
FAR_VARIANTS = ("f2", "m1", "f4", "m7")
ROOM_S = 0.4  # reverberation to -60 dB

Samples = np.ndarray[Any, np.dtype[np.float64]]


def event(kind: str, seed: int, level_dbfs: float) -> bytes:
    """PCM16 8 kHz. ``level_dbfs``: of the loudest 20 ms; of a far voice the mean."""
    make = {"cough": _cough, "door slam": _slam, "click": _click, "far voice": _far_voice}[kind]
    sound = make(random.Random(f"{kind} {seed}"), np.random.default_rng(seed))
    frames = sound[: sound.size // 160 * 160].reshape(-1, 160)
    rms = np.sqrt((frames**2).mean(axis=1))
    level = np.sqrt((rms**2).mean()) if kind == "far voice" else rms.max()
    scaled = sound * AMPLITUDE * 10 ** (level_dbfs / 20) / level
    return bytes(np.clip(scaled, -32768, 32767).astype("<i2").tobytes())


def _band(noise: Samples, low_hz: float, high_hz: float) -> Samples:
    """Only what lies between two frequencies."""
    spectrum = np.fft.rfft(noise)
    hz = np.fft.rfftfreq(noise.size, 1 / SAMPLE_RATE_HZ)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0
    return np.fft.irfft(spectrum, noise.size)


def _cough(dice: random.Random, noise: np.random.Generator) -> Samples:
    """One to three puffs of breath through the throat, half of them with a voiced tail."""
    puffs: list[Samples] = []
    for _ in range(dice.randint(1, 3)):
        t = np.arange(int(dice.uniform(0.12, 0.28) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        burst = _band(noise.standard_normal(t.size), 300, dice.uniform(1800, 3200))
        puff = burst * np.minimum(1, t / 0.01) * np.exp(-t / dice.uniform(0.04, 0.09))
        if dice.random() < 0.5:
            pitch = dice.uniform(120, 260)
            buzz = sum(np.sin(2 * np.pi * k * pitch * t) / k for k in range(1, 9))
            puff = puff + 0.25 * buzz * np.minimum(1, t / 0.06) * np.exp(-t / 0.08)
        puffs += [puff, np.zeros(int(dice.uniform(0.04, 0.15) * SAMPLE_RATE_HZ))]
    return np.concatenate(puffs)


def _slam(dice: random.Random, noise: np.random.Generator) -> Samples:
    """A dull blow, the frame's ring and a rattle."""
    t = np.arange(int(dice.uniform(0.25, 0.6) * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    blow = _band(noise.standard_normal(t.size), 40, 700) * np.exp(-t / dice.uniform(0.03, 0.12))
    ring = np.sin(2 * np.pi * dice.uniform(60, 180) * t) * np.exp(-t / 0.1)
    rattle = _band(noise.standard_normal(t.size), 1000, 3000) * np.exp(-((t - 0.12) ** 2) / 0.0008)
    return blow + 0.6 * ring + 0.3 * rattle


def _click(dice: random.Random, noise: np.random.Generator) -> Samples:
    """A key, a pen or a switch: one to four ticks."""
    out = np.zeros(int(0.5 * SAMPLE_RATE_HZ))
    at = 0.0
    for _ in range(dice.randint(1, 4)):
        t = np.arange(int(0.03 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        start = int(at * SAMPLE_RATE_HZ)
        out[start : start + t.size] += noise.standard_normal(t.size) * np.exp(-t / dice.uniform(0.002, 0.008))
        at += dice.uniform(0.05, 0.14)
    return out


def _far_voice(dice: random.Random, noise: np.random.Generator) -> Samples:
    """Somebody speaks across the room: Hebrew, without its highs and lows, with the room around it."""
    dry = _dry(dice.choice(FAR_LINES), dice.choice(FAR_VARIANTS))
    t = np.arange(int(ROOM_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    response = 0.2 * noise.standard_normal(t.size) * 10 ** (-3 * t / ROOM_S)
    response[0] = 1.0
    return _band(np.convolve(dry, response), 300, 2600)


@cache
def _dry(line: str, variant: str) -> Samples:
    return np.frombuffer(speak_pcm16_8k(line, variant=variant), "<i2").astype(float)
