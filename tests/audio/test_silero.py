"""The speech model: what it says of generated speech and noise, and when it rests."""

from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from bench.acoustics.tracks import LINES, Track, spoken
from bench.speech_model import SOURCE, made, weights
from server.audio.frames import FRAME_BYTES, SILENT_FRAME, level_rms
from server.audio.silero import (
    GATE_FRAMES,
    MODEL_FILE,
    NO_MEMORY,
    WHOLE_SAMPLES,
    WINDOW_SAMPLES,
    SpeechModel,
    judge,
    load_model,
)
from server.runtime.onnx import session


def probabilities(model, mulaw):
    frames = [mulaw[i : i + FRAME_BYTES] for i in range(0, len(mulaw), FRAME_BYTES)]
    return [model.feed(frame, level_rms(frame)) for frame in frames]


def track(*pieces):
    whole = Track(4)
    for at_s, pcm16 in pieces:
        whole.put(at_s, pcm16)
    return whole


def test_speech_is_speech_and_noise_is_not():
    """A1: most of a spoken line is above one half; loud white noise never is."""
    said = probabilities(SpeechModel(210), track((0.5, spoken(LINES[0]))).mulaw)
    noise = probabilities(SpeechModel(210), Track(4).noise("white", -30).mulaw)
    assert sum(p > 0.5 for p in said) > 70
    assert max(noise) < 0.5


def test_a_line_that_is_quiet_does_not_run_the_model(monkeypatch):
    """Below half of VAD_RMS the model rests after half a second, and forgets."""
    windows, runs = load_model(), []
    ask = lambda heard: runs.append(1) or windows.ask(heard)  # noqa: E731
    monkeypatch.setattr("server.audio.silero.load_model", lambda: SimpleNamespace(ask=ask))
    model = SpeechModel(210)
    for _ in range(200):
        assert model.feed(SILENT_FRAME, 0) == 0.0
    assert len(runs) <= GATE_FRAMES * FRAME_BYTES // 256


def test_after_a_rest_it_hears_the_same_as_a_new_one():
    """What was said before a long silence has no effect on what is said after it."""
    used, fresh = SpeechModel(210), SpeechModel(210)
    probabilities(used, track((0.0, spoken(LINES[1]))).mulaw)
    probabilities(used, SILENT_FRAME * 100)
    probabilities(fresh, SILENT_FRAME * 100)
    line = track((0.0, spoken(LINES[0]))).mulaw
    assert probabilities(used, line) == pytest.approx(probabilities(fresh, line))


def test_one_session_a_process():
    """Twenty calls share one model: each has only its memory of its own."""
    assert load_model() is load_model()


def test_calls_whose_windows_meet_hear_what_each_would_hear_alone():
    """One run for several calls, window after window, each with its own memory."""
    model = session(str(MODEL_FILE))
    lines = [track((0.1 * n, spoken(line))).mulaw for n, line in enumerate(LINES[:3])]
    met = alone = [NO_MEMORY] * len(lines)
    for at in range(0, 100 * WINDOW_SAMPLES, WINDOW_SAMPLES):
        windows = [line[at : at + WHOLE_SAMPLES] for line in lines]
        together = judge(model, list(zip(windows, met, strict=True)))
        each = [judge(model, [asked])[0] for asked in zip(windows, alone, strict=True)]
        assert [speech for speech, _ in together] == pytest.approx([speech for speech, _ in each], abs=1e-4)
        met, alone = [memory for _, memory in together], [memory for _, memory in each]


class AtBothRates:
    """The model as Silero publishes it, asked for 8 kHz; it is used as ours is."""

    def __init__(self):
        self._session = session(str(SOURCE))

    def run(self, names, inputs):
        return self._session.run(names, inputs | {"sr": np.array(8000)})


def test_it_says_what_the_published_model_says():
    """Of a line, of noise and of a line in noise, window after window, each with its own memory."""
    ours, published = session(str(MODEL_FILE)), AtBothRates()
    line = track((0.5, spoken(LINES[0])))
    for sound in (line.mulaw, Track(4).noise("white", -30).mulaw, line.noise("babble", -35).mulaw):
        mine = theirs = NO_MEMORY
        for at in range(0, 100 * WINDOW_SAMPLES, WINDOW_SAMPLES):
            window = sound[at : at + WHOLE_SAMPLES]
            [(said, mine)] = judge(ours, [(window, mine)])
            [(expected, theirs)] = judge(published, [(window, theirs)])
            assert said == pytest.approx(expected, abs=1e-4)


def test_its_file_is_what_the_bench_makes_of_the_published_one():
    remade = made(weights(onnx.load_from_string(SOURCE.read_bytes())))
    assert MODEL_FILE.read_bytes() == remade.SerializeToString(deterministic=True)
