"""A1: two judges of one frame, and what they know of the line."""

from statistics import median_high

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.vad import EchoLevel, NoiseFloor, RoomLevel, Vad

VAD_RMS, BARGE_IN_RMS = 200, 300
levels = st.integers(0, 32768)


def judges():
    return Vad(VAD_RMS, BARGE_IN_RMS)


def without_echo(**how):
    """Judges that have heard us speak on a line that gives nothing back."""
    stt = Vad(VAD_RMS, BARGE_IN_RMS, **how)
    for _ in range(50):
        stt.echo.learn(0, loud=False)
    return stt


# ---- the noise floor


LAG, LEAST = 15, 25  # frames: of the model, and of a floor


@given(st.lists(levels, max_size=160))
def test_floor_is_the_median_of_the_last_second(heard):
    """A1: the floor is the median of 50 frames up to the model's lag ago, 0 before there are 25."""
    floor = NoiseFloor()
    for count, rms in enumerate(heard, start=1):
        floor.learn(rms)
        known = heard[: max(0, count - LAG)][-50:]
        assert floor.level == (median_high(known) if len(known) >= LEAST else 0)


def test_floor_learns_what_the_model_calls_silence_and_nothing_else():
    """A1: neither speech nor a line without a model teaches the floor."""
    by_model, by_energy = judges(), judges()
    for _ in range(60):
        by_model.judge(5000, 0.9)
        by_energy.judge(5000, None)
    assert by_model.floor.level == by_energy.floor.level == 0
    for _ in range(LAG + LEAST):
        by_model.judge(70, 0.1)
    assert by_model.floor.level == 70


def test_floor_is_not_taught_by_the_beginnings_of_voices():
    """A1: the model hears each of them 160 ms late, and there is little silence in between."""
    stt = judges()
    for _ in range(60):
        stt.judge(10, 0.1)
    for _ in range(20):
        for rms, probability in [(4000, 0.1)] * 8 + [(4000, 0.9)] * 20 + [(10, 0.1)] * 4:
            stt.judge(rms, probability)
    assert stt.floor.level == 10
    assert stt.judge(4000, 0.1).voiced


# ---- voiced: energy's word


@pytest.mark.parametrize(
    "floor, rms, voiced",
    [
        (0, 200, False),
        (0, 201, True),
        (100, 201, True),
        (150, 201, False),
        (150, 300, False),
        (150, 301, True),
    ],
)
def test_voiced_is_above_the_knob_and_twice_the_floor(floor, rms, voiced):
    """A1: voiced means RMS above max(VAD_RMS, 2 × floor)."""
    stt = judges()
    for _ in range(50):
        stt.judge(floor, 0.0)
    assert stt.judge(rms, 0.0).voiced is voiced


def test_a_frame_is_judged_by_the_floor_before_it():
    """A1: a frame does not raise the bar it is measured against."""
    assert judges().judge(1000, 0.0).voiced


def test_loud_noise_stops_being_voiced_when_the_floor_has_risen():
    """A1: half a second of hum, and the time that the model takes, is the new floor."""
    stt = judges()
    for _ in range(50):
        stt.judge(10, 0.0)
    voiced = [stt.judge(900, 0.0).voiced for _ in range(60)]
    assert voiced == [True] * 40 + [False] * 20


# ---- speech: the model's word


@pytest.mark.parametrize(
    "probabilities, speech",
    [
        ([0.49], [False]),
        ([0.5], [True]),
        ([0.5, 0.35, 0.34, 0.35, 0.49, 0.5], [True, True, False, False, False, True]),
    ],
)
def test_verdict_of_speech_holds_until_well_below(probabilities, speech):
    """A1: on at 0.5, off below 0.35, so that a wavering model does not flicker."""
    stt = judges()
    assert [stt.judge(1000, p).speech for p in probabilities] == speech


@pytest.mark.parametrize(
    "rms, probability, voiced, speech, speaking",
    [
        (1000, 0.9, True, True, True),
        (1000, 0.1, True, False, False),
        (100, 0.9, False, True, False),
        (200, 0.9, False, True, False),
        (201, 0.9, True, True, True),
        (100, 0.1, False, False, False),
    ],
)
def test_speaking_takes_both_judges(rms, probability, voiced, speech, speaking):
    """A3: an utterance is kept open by the model's word above VAD_RMS."""
    verdict = judges().judge(rms, probability)
    assert (verdict.voiced, verdict.speech, verdict.speaking) == (voiced, speech, speaking)


@pytest.mark.parametrize(
    ("room", "near", "rms", "speaking"),
    [
        (500, 900.0, 900, False),  # others in the room: under twice its level, and under the caller's least
        (500, 900.0, 901, True),
        (300, 900.0, 600, False),
        (300, 900.0, 601, True),
        (500, 0.0, 250, True),  # the caller was not heard yet
        (0, 900.0, 250, True),  # a soft syllable of a caller in a quiet room
    ],
)
def test_a3_what_is_no_louder_than_the_room_and_far_under_the_caller_is_not_the_caller(
    room, near, rms, speaking
):
    """A3: the model hears the voices of others as well."""
    stt = judges()
    for _ in range(25):
        stt.room.learn(room, speech=True)
    assert stt.judge(rms, 0.9, near=near).speaking == speaking


def test_a3_half_a_second_of_the_room_is_needed_and_two_are_remembered():
    room = RoomLevel()
    levels_ = []
    for rms in [500] * 25 + [20] * 100:
        room.learn(rms, speech=True)
        levels_.append(room.level)
    assert (levels_[23], levels_[24], levels_[73], levels_[-1]) == (0, 500, 20, 20)


@pytest.mark.parametrize(("speech", "level"), [(24, 0), (25, 500)])
def test_a3_noise_is_nobody_in_the_room(speech, level):
    """A3: what the model calls speech for less than a quarter of the time says nothing of others."""
    room = RoomLevel()
    for frame in range(100):
        room.learn(500, speech=frame < speech)
    assert room.level == level


def test_soft_syllables_above_a_high_floor_still_count_as_speaking():
    """A3: only quiet or the model ends speech; a floor learnt in noise does not."""
    stt = judges()
    for _ in range(50):
        stt.judge(400, 0.0)
    verdict = stt.judge(700, 0.9)
    assert not verdict.voiced and verdict.speaking


@pytest.mark.parametrize("rms, heard", [(200, False), (201, True)])
def test_without_a_model_voiced_is_confirmed(rms, heard):
    """A1: VAD_ENGINE=energy is the playbook's energy alone."""
    verdict = judges().judge(rms, None)
    assert (verdict.voiced, verdict.speech, verdict.speaking) == (heard, heard, heard)


# ---- loud: what stops us


def louds(stt, *levels, near=0.0):
    """Which of these levels are loud, behind one another, while we are heard."""
    return [stt.judge(rms, 0.9, during_playout=True, near=near).loud for rms in levels]


@pytest.mark.parametrize("speech", [0.9, None])
@pytest.mark.parametrize("rms, loud", [(300, False), (301, True)])
def test_loud_is_above_the_barge_in_level(rms, loud, speech):
    """D1: BARGE_IN_RMS is the bar while we speak."""
    assert without_echo().judge(rms, speech, during_playout=True).loud is loud


def test_nothing_is_loud_while_we_are_silent():
    """D1: there is nothing to stop."""
    assert not without_echo().judge(5000, 0.9).loud


@pytest.mark.parametrize("early_stop, bar", [(True, 400), (False, 320)])
def test_loud_is_above_the_floor(early_stop, bar):
    """D1: noise that is the floor does not stop us; where it takes the model's word too, 4 dB are enough."""
    stt = without_echo(early_stop=early_stop)
    for _ in range(50):
        stt.judge(200, 0.0)
    assert louds(stt, bar, bar + 1) == [False, True]


def test_loud_is_above_our_echo():
    """D1: our own voice coming back does not stop us."""
    stt = judges()
    stt.echo.was_echo([500] * 50)
    assert louds(stt, 700, 701) == [False, True]


def test_loud_is_above_the_least_of_the_caller():
    """A5, D1: a voice 12 dB under the caller's does not stop us either."""
    stt = without_echo()
    assert louds(stt, 900, 901, near=900.0) == [False, True]
    assert stt.judge(400, 0.9, near=900.0).voiced


@pytest.mark.parametrize(
    "during_playout, speech", [(False, [True, True, False]), (True, [False, True, False])]
)
def test_during_playout_the_model_must_be_surer(during_playout, speech):
    """D1: a blow that rings is half a voice; it may stop us, it does not interrupt."""
    stt = judges()
    heard = [stt.judge(5000, probability, during_playout=during_playout) for probability in (0.7, 0.8, 0.2)]
    assert [verdict.speech for verdict in heard] == speech
    assert [verdict.speaking for verdict in heard] == [True, True, False]


def test_during_playout_a_doubtful_voice_is_not_the_floor():
    """A1: what the model half believes is no silence."""
    stt = judges()
    stt.judge(5000, 0.6, during_playout=True)
    assert stt.floor.level == 0


def test_during_playout_energy_alone_stays_energy():
    """A1: without a model voiced is confirmed, whoever speaks."""
    assert judges().judge(5000, None, during_playout=True).speech


# ---- the echo


def echo_of(heard):
    """The echo level after quiet frames of these levels."""
    echo = EchoLevel()
    for rms in heard:
        echo.learn(rms, loud=False)
    return echo


def test_a_loud_echo_is_assumed_until_a_second_of_us_was_heard():
    """D1: our first words do not stop the greeting on a speakerphone."""
    assert [echo_of([400] * frames).level for frames in (0, 49, 50, 51)] == [2000, 2000, 560, 560]


def test_echo_is_a_high_percentile():
    """D1: a click among the frames is not our voice, and pauses do not hide it."""
    assert echo_of([9000] * 9 + [500] * 41 + [0] * 150).level == 700
    assert echo_of(range(100)).level == int(95 * 1.4)


def test_echo_is_forgotten_when_it_goes_away():
    """D1: what counts is how loud we come back now: the last four seconds of our speech."""
    assert echo_of([5000] * 200 + [500] * 190).level == 7000
    assert echo_of([5000] * 200 + [500] * 191).level == 700


def test_a_short_loud_run_is_a_peak_of_the_echo():
    """D1: what was too loud for the echo, and too short for a voice, is learnt once it is over."""
    echo = echo_of([10] * 50)
    for _ in range(20):
        echo.learn(500, loud=True)
    assert echo.level == 14
    echo.learn(10, loud=False)
    assert echo.level == 700


def test_a_loud_run_that_became_an_onset_is_not_echo():
    """D1: the caller's voice over ours does not raise the bar for the next barge-in."""
    echo = echo_of([10] * 50)
    for _ in range(20):
        echo.learn(500, loud=True)
    echo.voice_began()
    echo.learn(10, loud=False)
    assert echo.level == 14


def test_a_proven_echo_raises_the_bar_above_it_at_once():
    """E3: words that were our own do not stop us again, even before the line is known."""
    echo = EchoLevel()
    echo.was_echo([100] * 10 + [3000] * 20)
    assert echo.level == 4200
    echo = echo_of([10] * 200)
    echo.was_echo([3000] * 20)
    assert echo.level == 4200


def test_a_proven_echo_is_forgotten_like_any_other():
    """D1, E3: a caller who picks the handset up is heard again."""
    echo = EchoLevel()
    echo.was_echo([3000] * 200)
    for _ in range(191):
        echo.learn(8, loud=False)
    assert echo.level == 11


def test_an_echo_without_a_voice_teaches_nothing():
    """E3: keys and what was never voiced have no level."""
    echo = EchoLevel()
    echo.was_echo([])
    assert echo.level == 2000


@given(st.lists(levels, max_size=260))
def test_nearly_all_of_an_echo_is_under_its_level(heard):
    """D1: of the last four seconds at most one frame in twenty, and one more, is louder than the level."""
    echo = echo_of(heard)
    newest = heard[-200:]
    if len(heard) >= 50:
        assert sum(rms > echo.level for rms in newest) <= len(newest) / 20 + 1
