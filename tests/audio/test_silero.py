"""The speech model: what it says of generated speech and noise, and when it rests."""

from types import SimpleNamespace

import pytest

from bench.acoustics.tracks import LINES, Track, spoken
from server.audio.frames import FRAME_BYTES, SILENT_FRAME, level_rms
from server.audio.silero import GATE_FRAMES, SpeechModel, load_model


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
    session, runs = load_model(), []
    run = lambda *asked: runs.append(1) or session.run(*asked)  # noqa: E731
    monkeypatch.setattr("server.audio.silero.load_model", lambda: SimpleNamespace(run=run))
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
