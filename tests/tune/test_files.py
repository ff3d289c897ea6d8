"""Event logs as the server's writer leaves them on a disk: their settings, and what is left out."""

import json
from functools import partial

import pytest

from server.audio.silero import SpeechModel
from server.tune.hearing import frames_under, hear
from server.tune.knobs import Knobs
from server.tune.recordings import logged
from server.tune.tape import Take
from tests.event_log.recorded import path_of_call, recorded
from tests.simtime.call import SimCall
from tests.simtime.line import Sound

SOUNDS = [
    Sound(3, 1.5, words="אני מחפש דירה בתל אביב"),
    Sound(5.2, 0.8, words="קרוב לים"),
    Sound(10, 1.2, words="רגע אני רוצה לשאול משהו אחר"),
]
SET = {
    "min_utt_sec": 0.7,
    "vad_hangover_ms": 200,
    "max_utt_sec": 9.0,
    "adaptive_silence_ms": 300,
    "incomplete_hold_ms": 400,
    "vad_rms": 180,
    "barge_in_rms": 500,
    "barge_in_voice_frames": 5,
    "barge_in_early_stop": True,
}


def on_disk(folder, mode="events", knobs=SET, sounds=SOUNDS, **given):
    given = {"by_sound": True, "partials_lag_s": 0.25, "asr_s": 0.2, "llm_s": 0.35} | given
    call = recorded(SimCall(sounds, knobs=knobs, **given), folder, mode)
    call.run(14)
    return path_of_call(call, folder)


def with_header(path, **said):
    """The file, its header saying something else."""
    line, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps({**json.loads(line), **said}).encode() + b"\n" + rest)
    return path


def anchored(found):
    assert isinstance(found, Take), found
    hearing = hear(found, found.knobs)
    assert hearing.changes == tuple(found.heard) and list(hearing.stops) == list(found.stops)
    assert found.answers and found.stops
    return found


def test_a_file_gives_its_settings_and_the_record_again(tmp_path):
    (found,) = logged([on_disk(tmp_path)])
    assert anchored(found).knobs == Knobs.of(SET)


@pytest.mark.parametrize(
    "knobs",
    [{}, {"MIN_UTT_SEC": "0.9"}, {"MIN_UTT_SEC": "much"}, {"OF_ANOTHER_VERSION": "1"}],
    ids=["defaults have changed", "another default", "no value", "no name"],
)
def test_what_the_machine_was_given_counts_not_what_its_settings_are_called(tmp_path, knobs):
    """What was a default then is not in the file's knobs, and may be none now: its params have them all."""
    (found,) = logged([with_header(on_disk(tmp_path), knobs=knobs)])
    assert anchored(found).knobs == Knobs.of(SET)


def test_energy_is_read_off_too(tmp_path):
    path = with_header(on_disk(tmp_path, knobs={"vad_engine": "energy"}), knobs={})
    (found,) = logged([path])
    assert anchored(found).knobs == Knobs.of({"vad_engine": "energy"})


def test_settings_that_this_version_has_not_are_named_with_the_file(tmp_path):
    path = on_disk(tmp_path)
    params = json.loads(path.read_bytes().partition(b"\n")[0])["params"]
    params["TurnParams"]["endpointing"]["EndpointingParams"]["short_silence_frames"] = 1
    (found,) = logged([with_header(path, params=params)])
    assert found.startswith(f"{path.name}: no settings of this version hear as it did")


def test_a_dip_is_left_out(tmp_path):
    (found,) = logged([on_disk(tmp_path, knobs={"barge_in_style": "dip"})])
    assert "BARGE_IN_STYLE=dip" in found


def test_the_speech_model_runs_anew_on_audio_and_says_what_it_said(tmp_path):
    """So that another VAD_RMS is judged by the model, not by what it said under this one."""
    path = on_disk(tmp_path, "audio", {}, speech=partial(SpeechModel, 210))
    (found,) = logged([path])
    assert isinstance(found, Take) and len(found.audio) == len(found.frames)
    model = SpeechModel(210)
    said = [model.feed(audio, one.rms) for audio, one in zip(found.audio, found.frames, strict=True)]
    assert said == [one.speech for one in found.frames]
    assert any(said)
    deaf = frames_under(found, found.knobs.but("vad_rms", 32000))
    assert [one.rms for one in deaf] == [one.rms for one in found.frames]
    assert not any(one.speech for one in deaf)


def test_a_key_is_no_voice_that_stopped_it(tmp_path):
    """F5: typed over the greeting; under no settings would the agent have gone on until a voice."""
    sounds = [Sound(10, 1.5, words="אני מחפש דירה בתל אביב")]
    (found,) = logged([on_disk(tmp_path, knobs={}, sounds=sounds, keys=[(1.0, "1")])])
    assert isinstance(found, Take) and found.stops == []
