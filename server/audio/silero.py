"""The VAD model: Silero v5 at 8 kHz, run by onnxruntime. Its probability is an input of the core (A1).

``bench.speech_model`` has made the file, of the model that Silero publishes for both rates. A window is 32 ms
(256 samples, after 32 samples of context). Among the work of a hundred calls one that is run alone takes
nearly four times as long as among fifteen: the weights must come back into the core's cache each time. So
calls whose windows come at about the same time are run together; where they are few, none waits for another.
A frame below the gate is silence for every VAD, so a quiet line costs nothing; after GATE_FRAMES of quiet the
model's memory is reset.

Silero v6 (6.2.3, 8 kHz) was compared, its thresholds set anew: it took no slammed door in quiet for a voice
(v5: 10 of 90), but it knew soft callers 100 ms later in quiet and 300 in babble (p95), held utterances longer
in babble and white noise, and took as long to compute.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from server.audio.frames import mulaw_to_pcm16
from server.runtime.onnx import session
from server.runtime.together import Together

MODEL_FILE = Path(__file__).with_name("silero_8k.onnx")
WINDOW_SAMPLES = 256
CONTEXT_SAMPLES = 32
WHOLE_SAMPLES = CONTEXT_SAMPLES + WINDOW_SAMPLES
MOST_TOGETHER = 16  # half a millisecond, in which nobody else is served
REST_S, LONGEST_REST_S = 0.002, 0.01  # behind a run, for each window; a voice is known half a frame later
GATE_FRAMES = 25  # of quiet before the model rests: it must hear the end of an utterance
GATE_SHARE = 1 / 2  # of VAD_RMS; quieter frames cannot even be voiced

Floats = np.ndarray[Any, np.dtype[np.float32]]
NO_MEMORY: Floats = np.zeros((2, 1, 128), dtype=np.float32)
_SAMPLES: Floats = (np.frombuffer(mulaw_to_pcm16(bytes(range(256))), "<i2") / 32768).astype(np.float32)

# A window as μ-law, of WHOLE_SAMPLES bytes, and the call's memory; the probability of speech, and the memory.
Heard = tuple[bytes, Floats]
Verdict = tuple[float, Floats]

_windows: "Together[Heard, Verdict] | None" = None
_loading = threading.Lock()


def load_model() -> "Together[Heard, Verdict]":
    """The process's only onnxruntime session, which all calls ask. Thread-safe; some 50 ms the first time."""
    global _windows
    with _loading:
        if _windows is None:
            model = session(str(MODEL_FILE))
            _windows = Together(
                lambda heard: judge(model, heard),
                MOST_TOGETHER,
                rest_s=REST_S,
                longest_rest_s=LONGEST_REST_S,
            )
        return _windows


def judge(model: Any, heard: Sequence[Heard]) -> list[Verdict]:
    """One run of an onnxruntime session for the windows of several calls."""
    mulaw = np.frombuffer(b"".join(window for window, _ in heard), np.uint8)
    states = [state for _, state in heard]
    inputs = {
        "input": _SAMPLES[mulaw].reshape(len(heard), WHOLE_SAMPLES),
        "state": states[0] if len(states) == 1 else np.concatenate(states, axis=1),
    }
    speech, memory = model.run(None, inputs)
    return [(float(speech[n, 0]), memory[:, n : n + 1]) for n in range(len(heard))]


class SpeechModel:
    """The VAD model of one call. One thread; see the module for what it costs while there is sound."""

    def __init__(self, vad_rms: int) -> None:
        self._windows = load_model()
        self._gate_rms = vad_rms * GATE_SHARE
        self._quiet_frames = GATE_FRAMES
        self._memory = NO_MEMORY
        self._mulaw = b""  # what the next window has of it already
        self._before = b""
        self._speech = 0.0

    def feed(self, mulaw_8k: bytes, rms: int) -> float:
        """Takes a frame (160 bytes of μ-law, its RMS) and returns the probability of speech now, 0 to 1."""
        self._quiet_frames = 0 if rms > self._gate_rms else self._quiet_frames + 1
        if self._quiet_frames > GATE_FRAMES:
            if self._mulaw:
                self._memory, self._mulaw, self._speech = NO_MEMORY, b"", 0.0
            self._before = mulaw_8k
            return 0.0
        if not self._mulaw:  # the model needs the frame before the onset
            self._mulaw = self._before
        self._mulaw += mulaw_8k
        while len(self._mulaw) >= WHOLE_SAMPLES:
            window, self._mulaw = self._mulaw[:WHOLE_SAMPLES], self._mulaw[WINDOW_SAMPLES:]
            self._speech, self._memory = self._windows.ask((window, self._memory))
        return self._speech
