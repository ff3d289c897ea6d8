"""A1: two judges of one frame, and what they know of the line."""

from collections import deque
from statistics import median_high

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core.vad import EchoLevel, Judges, NoiseFloor

VAD_RMS, BARGE_IN_RMS = 200, 300
levels = st.integers(0, 32768)


def judges():
    return Judges(VAD_RMS, BARGE_IN_RMS)


# ---- the noise floor


@given(st.lists(levels, max_size=160))
def test_floor_is_the_median_of_the_last_second(heard):
    """A1: the floor is the median of the last 50 frames it was taught, 0 before the first."""
    floor = NoiseFloor()
    assert floor.level == 0
    last_second = deque(maxlen=50)
    for rms in heard:
        floor.learn(rms)
        last_second.append(rms)
        assert floor.level == median_high(last_second)


def test_floor_learns_what_the_model_calls_silence_and_nothing_else():
    """A1: neither speech nor a line without a model teaches the floor."""
    by_model, by_energy = judges(), judges()
    for _ in range(60):
        by_model.judge(5000, 0.9)
        by_energy.judge(5000, None)
    assert by_model.floor.level == by_energy.floor.level == 0
    by_model.judge(70, 0.1)
    assert by_model.floor.level == 70


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
    ears = judges()
    for _ in range(50):
        ears.judge(floor, 0.0)
    assert ears.judge(rms, 0.0).voiced is voiced


def test_a_frame_is_judged_by_the_floor_before_it():
    """A1: a frame does not raise the bar it is measured against."""
    assert judges().judge(1000, 0.0).voiced


def test_loud_noise_stops_being_voiced_when_the_floor_has_risen():
    """A1: half a second of hum is the new floor."""
    ears = judges()
    for _ in range(50):
        ears.judge(10, 0.0)
    voiced = [ears.judge(900, 0.0).voiced for _ in range(60)]
    assert voiced == [True] * 25 + [False] * 35


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
    ears = judges()
    assert [ears.judge(1000, p).speech for p in probabilities] == speech


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


def test_soft_syllables_above_a_high_floor_still_count_as_speaking():
    """A3: only quiet or the model ends speech; a floor learnt in noise does not."""
    ears = judges()
    for _ in range(50):
        ears.judge(400, 0.0)
    verdict = ears.judge(700, 0.9)
    assert not verdict.voiced and verdict.speaking


@pytest.mark.parametrize("rms, heard", [(200, False), (201, True)])
def test_without_a_model_voiced_is_confirmed(rms, heard):
    """A1: VAD_ENGINE=energy is the playbook's energy alone."""
    verdict = judges().judge(rms, None)
    assert (verdict.voiced, verdict.speech, verdict.speaking) == (heard, heard, heard)


# ---- loud: what stops us


@pytest.mark.parametrize("speech", [0.9, None])
@pytest.mark.parametrize("rms, loud", [(300, False), (301, True)])
def test_loud_is_above_the_barge_in_level(rms, loud, speech):
    """D1: BARGE_IN_RMS is the bar while we speak."""
    assert judges().judge(rms, speech).loud is loud


def test_loud_is_above_twice_the_floor():
    """D1: noise that is the floor does not stop us."""
    ears = judges()
    for _ in range(50):
        ears.judge(200, 0.0)
    assert [ears.judge(rms, 0.9).loud for rms in (400, 401)] == [False, True]


def test_loud_is_above_our_echo():
    """D1: our own voice coming back does not stop us."""
    ears = judges()
    ears.echo.was_echo(400)
    assert [ears.judge(rms, 0.9).loud for rms in (500, 501)] == [False, True]


# ---- the echo


def echo_of(heard):
    """The echo level after quiet frames of these levels."""
    echo = EchoLevel()
    for rms in heard:
        echo.learn(rms, loud=False)
    return echo


def test_echo_is_unknown_before_half_a_second():
    """D1: a few frames do not tell how loud we come back."""
    assert [echo_of([400] * frames).level for frames in (0, 24, 25, 26)] == [0, 0, 500, 500]


def test_echo_is_a_high_percentile():
    """D1: a click among the frames is not our voice, and pauses do not hide it."""
    assert echo_of([9000] * 9 + [400] * 41 + [0] * 50).level == 500
    assert echo_of(range(100)).level == int(90 * 1.25)


def test_echo_is_forgotten_after_two_seconds():
    """D1: what counts is how loud we come back now."""
    assert echo_of([4000] * 100 + [400] * 89).level == 5000
    assert echo_of([4000] * 100 + [400] * 100).level == 500


def test_a_short_loud_run_is_a_peak_of_the_echo():
    """D1: what was too loud for the echo, and too short for a voice, is learnt once it is over."""
    echo = echo_of([10] * 25)
    for _ in range(20):
        echo.learn(400, loud=True)
    assert echo.level == 12
    echo.learn(10, loud=False)
    assert echo.level == 500


def test_a_loud_run_that_became_an_onset_is_not_echo():
    """D1: the caller's voice over ours does not raise the bar for the next barge-in."""
    echo = echo_of([10] * 25)
    for _ in range(20):
        echo.learn(400, loud=True)
    echo.voice_began()
    echo.learn(10, loud=False)
    assert echo.level == 12


def test_level_of_a_proven_echo_is_never_forgotten():
    """E3: words that were our own never stop us at that level again."""
    echo = EchoLevel()
    echo.was_echo(800)
    assert echo.level == 1000
    for _ in range(200):
        echo.learn(8, loud=False)
    assert echo.level == 1000
    echo.was_echo(400)
    assert echo.level == 1000


def test_proven_echo_does_not_lower_what_is_heard_now():
    """D1: the higher of the two levels is the bar."""
    echo = echo_of([4000] * 25)
    echo.was_echo(800)
    assert echo.level == 5000
