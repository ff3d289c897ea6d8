"""A recording of ours before a public call analyser: no critical incident."""

import wave
from pathlib import Path

from tests.servers.hearing import critical_incidents
from tests.servers.test_calls_over_sockets import place_call
from tests.serving import GUNICORN, ROOT, started

# The scripted greeting is short: without --hint-s the caller would wait for more of it.
MANNERS = ["--synthetic", "--hint-s", "0.1"]
ASKS = ["--say", "אני רוצה לקנות דירה"]
INTERRUPTS = ["--interrupt-after", "1.0", "--say", "ארבעה חדרים", "--say", "ברמת גן"]


def test_a_call_has_no_critical_incident(tmp_path: Path) -> None:
    """Two answers, one of them interrupted."""
    recording = tmp_path / "call.wav"
    with started(GUNICORN, ROOT, tmp_path / "log") as server:
        words = [*MANNERS, *ASKS, *INTERRUPTS, "--record", str(recording)]
        status, printed, _ = place_call(server, tmp_path / "call.json", *words)
    assert status == 0, printed
    assert critical_incidents(recording) == []


def test_an_agent_that_is_mute_for_ten_seconds_is_one(tmp_path: Path) -> None:
    """The analyser can object: the agent of that call goes quiet in the middle."""
    recording, mute = tmp_path / "call.wav", tmp_path / "mute.wav"
    with started(GUNICORN, ROOT, tmp_path / "log") as server:
        words = [*MANNERS, *ASKS, "--record", str(recording)]
        place_call(server, tmp_path / "call.json", *words)
    with wave.open(str(recording)) as wav:
        parameters, frames = wav.getparams(), wav.readframes(wav.getnframes())
    second = 4 * 8000
    with wave.open(str(mute), "wb") as wav:
        wav.setparams(parameters)
        wav.writeframes(frames[: 2 * second] + bytes(10 * second) + frames[2 * second :])
    assert critical_incidents(mute)
