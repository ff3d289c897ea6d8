"""EVENT_LOG=audio: the caller left, what they heard right, and they are told first (B6)."""

import io
import stat
import wave
from audioop import tomono

import pytest

from server.audio.frames import mulaw_to_pcm16
from server.config import KnobError, load_config
from server.event_log.recording import NotRecorded, stereo_wav
from server.replay.__main__ import main
from tests.event_log.recorded import log_of_call, path_of_call, recorded
from tests.simtime.call import GREETING, SimCall
from tests.simtime.line import Sound

NOTICE = "השיחה מוקלטת לצורך שיפור השירות."
RECORDED = {"event_log": "audio", "recording_notice_he": NOTICE}


def sides(data):
    with wave.open(io.BytesIO(data)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (2, 2, 8000)
        both = wav.readframes(wav.getnframes())
    return tomono(both, 2, 1, 0), tomono(both, 2, 0, 1)


@pytest.mark.parametrize("delay_s", [0.0, 0.08])
def test_both_sides_as_they_were_heard(tmp_path, delay_s):
    """D1: what `clear` took back is not in it; and the way there and back is."""
    sounds = [Sound(5.0, 1.2), Sound(8.5, 1.5)]
    call = recorded(SimCall(sounds, delay_s=delay_s), tmp_path, "audio").run(14)
    assert call.line.buffer.clears
    caller, agent = sides(stereo_wav(log_of_call(call, tmp_path)))
    assert caller[: 2 * 8000 * 5].strip(b"\0") == b""
    assert caller[2 * 8000 * 5 :].strip(b"\0") != b""
    really = mulaw_to_pcm16(bytes(call.line.buffer.heard))
    begins, really_begins = (len(side) - len(side.lstrip(b"\0")) for side in (agent, really))
    assert abs(begins - really_begins) / 16000 <= 2 * delay_s + 0.021  # behind the caller's first frame
    spoken, really_spoken = (len(side) - side[::2].count(0) * 2 for side in (agent, really))
    assert abs(spoken - really_spoken) / 16000 <= 0.1


def test_without_audio_there_is_no_recording(tmp_path):
    call = recorded(SimCall([]), tmp_path).run(2)
    with pytest.raises(NotRecorded, match="EVENT_LOG=audio"):
        stereo_wav(log_of_call(call, tmp_path))


@pytest.mark.parametrize("sounds", [[], [Sound(0.1, 1.5)], [Sound(1.5, 2.0)]])
def test_b6_the_notice_comes_first_and_nothing_stops_it(sounds):
    """B6: nor does a caller who speaks first, or over it; they are answered behind it."""
    call = SimCall(sounds, knobs=RECORDED).run(14)
    assert call.texts[0] == f"{NOTICE} {GREETING}"
    first = call.heard[0]
    assert first.until_s - first.at_s >= 0.06 * len(first.text) - 0.05
    assert len(call.texts) == 1 + 2 * bool(sounds)
    assert not call.lines("BARGE_IN")


@pytest.mark.parametrize("mode", ["off", "events"])
def test_b6_without_a_recording_there_is_no_notice(mode):
    """B6."""
    assert SimCall([], knobs=RECORDED | {"event_log": mode}).run(6).texts == [GREETING]


def test_b6_an_office_without_a_greeting_has_the_notice_alone():
    """B6."""
    assert SimCall([], knobs=RECORDED | {"ai_greeting_he": ""}).run(6).texts == [NOTICE]


@pytest.mark.parametrize(
    ("knobs", "named"),
    [
        ({"recording_notice_he": " "}, "RECORDING_NOTICE_HE"),
        ({"twiml_play_greeting": True}, "TWIML_PLAY_GREETING"),
    ],
)
def test_callers_who_are_recorded_are_told_so_first(knobs, named):
    """B6: a notice that is empty, or would come behind the TwiML's greeting, is refused; but only then."""
    with pytest.raises(KnobError, match=f"{named}=.*EVENT_LOG=audio"):
        load_config(_env_file=None, event_log="audio", **knobs)
    load_config(_env_file=None, event_log="events", **knobs)


def test_what_is_kept_is_kept_in_a_folder():
    with pytest.raises(KnobError, match="EVENT_LOG_DIR='': must name a folder with EVENT_LOG=events"):
        load_config(_env_file=None, event_log="events", event_log_dir="")
    assert load_config(_env_file=None, event_log="off", event_log_dir="").event_log_dir == ""


def test_a_command_writes_it(tmp_path, capsys):
    """``python -m server.replay FILE --wav OUT``: for its owner; without audio it says why."""
    wav = tmp_path / "call.wav"
    heard = path_of_call(recorded(SimCall([Sound(3.0, 1.0)]), tmp_path / "a", "audio").run(6), tmp_path / "a")
    assert main([str(heard), "--wav", str(wav)]) == 0
    assert len(sides(wav.read_bytes())[0]) == pytest.approx(6 * 16_000, rel=0.1)
    assert stat.S_IMODE(wav.stat().st_mode) == 0o600
    unheard = path_of_call(recorded(SimCall([]), tmp_path / "b").run(2), tmp_path / "b")
    assert main([str(unheard), "--wav", str(tmp_path / "none.wav")]) == 2
    assert "EVENT_LOG=audio" in capsys.readouterr().err
