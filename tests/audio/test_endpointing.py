"""A2, A3, A5, C5, D1: when an utterance begins and ends, on timelines (see ``timelines``)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.endpointing import Endpointer, OnsetThreshold, Phase, endpointing_params
from tests.audio.timelines import (
    CAME_BACK,
    CLOSING,
    CONFIRMED,
    DISCARDED,
    ENDED,
    ENERGY,
    KNOBS,
    ONSET,
    PARAMS,
    PAUSED,
    RESUMED,
    RUNNING_ON,
    SHORT_CLOSING,
    VERDICTS,
    endpoints,
    follow,
)

# ---- A2: onset


@pytest.mark.parametrize(
    "timeline, expected",
    {
        "silence": ("." * 100, []),
        "clicks": (".n.nn..#.##..mmm..", []),
        "the third voiced frame in a row": ("..nnn..", [(5, ONSET)]),
        "a pause starts the run anew": ("##.###", [(6, ONSET)]),
        "the model alone opens nothing": ("mmmmssss", []),
    }.values(),
)
def test_a2_an_utterance_opens_on_a_run_of_voiced_frames(timeline, expected):
    """A2: three voiced frames in a row open provisionally, whatever the model says."""
    assert endpoints(timeline) == expected


def test_a2_onset_says_how_long_ago_the_voice_began():
    """A2: so that the pre-roll begins before the first voiced frame."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "..###")
    assert (endpointer.phase, endpointer.onset_frames) == (Phase.PROVISIONAL, 3)


@pytest.mark.parametrize("noise", ["n" * 23, "nnn" + "." * 20, "nnn" + "m." * 1 + "." * 18])
def test_a2_unconfirmed_after_400_ms_is_discarded(noise):
    """A2: 20 frames after the onset the model has had its time."""
    assert endpoints("." + noise) == [(4, ONSET), (24, DISCARDED)]


def test_a2_confirmed_by_three_frames_of_the_model():
    """A2: one window of the model is a coin's toss, two are an agreement."""
    assert endpoints("nnnnnnmm") == [(3, ONSET)]
    assert endpoints("nnnnnnmmm") == [(3, ONSET), (9, CONFIRMED)]


def test_a2_the_model_may_agree_as_late_as_400_ms():
    """A2: the last frame before the discard still confirms."""
    assert endpoints("n" * 20 + "###") == [(3, ONSET), (23, CONFIRMED)]
    assert endpoints("n" * 21 + "##") == [(3, ONSET), (23, DISCARDED)]


def test_a2_a_judged_run_is_not_judged_again():
    """A2: noise that goes on does not open another utterance until it pauses or the model calls it speech."""
    assert endpoints("n" * 100) == [(3, ONSET), (23, DISCARDED)]
    assert endpoints("n" * 60 + ".nnn") == [(3, ONSET), (23, DISCARDED), (64, ONSET)]
    assert endpoints("n" * 30 + "#") == [(3, ONSET), (23, DISCARDED), (31, ONSET)]


def test_a2_a_discard_in_silence_spends_no_run():
    """A2: a run is spent only by a voice that is still going on."""
    assert endpoints("nnn" + "." * 20 + "nnn") == [(3, ONSET), (23, DISCARDED), (26, ONSET)]


def test_a2_until_the_model_has_spoken_the_word_of_energy_counts():
    """A2, A3: a short word whose verdict comes after it ended where its voice did."""
    assert endpoints("n" * 8 + "mmm" + "." * 40) == [(3, ONSET), (11, CONFIRMED), (8 + SHORT_CLOSING, ENDED)]


# ---- A3: the end


@pytest.mark.parametrize(
    "speech_frames, closing", [(10, SHORT_CLOSING), (60, SHORT_CLOSING), (61, CLOSING), (200, CLOSING)]
)
def test_a3_silence_after_the_hangover_closes_the_utterance(speech_frames, closing):
    """A3: hangover + MIN_UTT_SEC of silence, 120 ms less up to 1.2 s of speech."""
    endpointer = Endpointer(PARAMS)
    found = follow(endpointer, "#" * speech_frames + "." * 40)
    assert found == [
        (3, ONSET),
        (6, CONFIRMED),
        (speech_frames + 7, PAUSED),
        (speech_frames + closing, ENDED),
    ]
    assert (endpointer.speech_frames, endpointer.silence_frames) == (speech_frames, closing)
    assert endpointer.phase is Phase.IDLE


@pytest.mark.parametrize(
    "min_utt_s, silence, short_silence",
    [(0.48, 24, 18), (0.60, 30, 24), (0.47, 24, 18), (0.46, 23, 18), (0.3, 15, 18)],
)
def test_a3_the_shorter_silence_is_never_under_350_ms(min_utt_s, silence, short_silence):
    """A3: max(0.35, MIN_UTT_SEC - 0.12)."""
    params = endpointing_params(**{**KNOBS, "min_utt_s": min_utt_s})
    assert (params.silence_frames, params.short_silence_frames) == (silence, short_silence)


def test_a3_knobs_become_frames():
    """A3: 20 ms a frame."""
    params = endpointing_params(**{**KNOBS, "barge_in_frames": 5, "energy_only": True})
    assert (params.hangover_frames, params.max_speech_frames, params.min_voiced_frames) == (7, 350, 6)
    assert (params.barge_in_frames, params.energy_only) == (5, True)


@pytest.mark.parametrize("pause", [7, SHORT_CLOSING - 1])
def test_a3_a_pause_shorter_than_the_closing_silence_is_part_of_the_utterance(pause):
    """A3: the caller may breathe."""
    timeline = "#" * 10 + "." * pause + "#" * 10 + "." * 60
    assert endpoints(timeline) == [(3, ONSET), (6, CONFIRMED), (20 + pause + SHORT_CLOSING, ENDED)]


def test_a3_in_noise_the_verdict_of_the_model_is_the_silence():
    """A3: energy that never falls does not keep the utterance open."""
    found = endpoints("#" * 10 + "n" * 60)
    assert found[:3] == [(3, ONSET), (6, CONFIRMED), (10 + SHORT_CLOSING, ENDED)]


def test_a3_soft_syllables_that_the_model_hears_keep_it_open():
    """A3: a floor learnt in noise does not clip them; quiet under VAD_RMS does, whatever the model says."""
    assert endpoints("#" * 10 + "s" * 20 + "." * 40)[-1] == (30 + SHORT_CLOSING, ENDED)
    assert endpoints("#" * 10 + "m" * 60)[-1] == (10 + SHORT_CLOSING, ENDED)


@pytest.mark.parametrize("voiced", [1, 5, 19])
def test_a3_a_voice_that_just_came_back_is_judged_before_the_end(voiced):
    """A3: the model is late; the caller is not cut off at the very moment of going on."""
    timeline = "#" * 10 + "." * (SHORT_CLOSING - 1) + "n" * voiced
    assert endpoints(timeline + "#" * 5) == [(3, ONSET), (6, CONFIRMED)]
    assert endpoints(timeline + ".")[-1] == (10 + SHORT_CLOSING + voiced, ENDED)


def test_a3_a_noise_does_not_hold_the_end_for_longer_than_the_judgement():
    """A3, A5: 400 ms of energy that the model does not confirm."""
    timeline = "#" * 10 + "." * (SHORT_CLOSING - 1) + "n" * 60
    assert endpoints(timeline)[2] == (10 + SHORT_CLOSING + 19, ENDED)


@given(st.integers(0, 40), st.integers(0, 30))
def test_a3_raising_the_hangover_or_the_silence_cuts_off_less(hangover, more):
    """A3: both knobs move the end by as much as they are turned."""

    def end(params):
        return endpoints("#" * 30 + "." * 120, params=params)[-1]

    slow = replace(PARAMS, hangover_frames=hangover + more)
    fast = replace(PARAMS, hangover_frames=hangover)
    assert end(slow) == (end(fast)[0] + more, ENDED)
    patient = replace(PARAMS, short_silence_frames=PARAMS.short_silence_frames + more)
    assert end(patient) == (30 + SHORT_CLOSING + more, ENDED)


# ---- A5: noise is not speech


def test_a5_less_voice_than_the_minimum_is_discarded():
    """A5: MIN_VOICED_MS of voice is needed, and the model's word does not replace it."""
    assert endpoints("#####" + "m" * 30) == [(3, ONSET), (23, DISCARDED)]
    assert endpoints("######" + "m" * 30)[:2] == [(3, ONSET), (6, CONFIRMED)]


def test_a5_voice_need_not_be_unbroken():
    """A5: what counts is how much there was of it."""
    assert endpoints("###..#..#..#")[-1] == (12, CONFIRMED)


def test_a5_a_far_voice_is_not_confirmed():
    """A5: 12 dB under the caller is background."""
    assert endpoints("#" * 23, background=True) == [(3, ONSET), (23, DISCARDED)]


def test_a5_a_voice_that_comes_near_in_time_is_confirmed():
    """A5: the caller speaking up within the judgement."""
    endpointer = Endpointer(PARAMS)
    assert follow(endpointer, "#" * 20, background=True) == [(3, ONSET)]
    assert follow(endpointer, "#", start=20) == [(21, CONFIRMED)]


# ---- C5: the refractory bar


@pytest.mark.parametrize(
    "timeline, expected",
    {
        "echo tail": ("n" * 30, []),
        "breath and clicks": ("nnn..n..nn...nnn", []),
        "the model without voice": ("m" * 30, []),
        "voice short of the minimum": ("#####" + "m" * 10, []),
        "confirmed voice": ("######", [(6, ONSET)]),
        "voice, and the model late": ("nnnnnn" + "." * 8 + "m", [(15, ONSET)]),
        "voice forgotten after 480 ms": ("nnnnnn" + "." * 18 + "m", []),
        "voice just within 480 ms": ("nnnnnn" + "." * 17 + "m", [(24, ONSET)]),
    }.values(),
)
def test_c5_only_confirmed_speech_opens_with_a_model(timeline, expected):
    """C5: 120 ms of voice of late, and the model's word."""
    assert endpoints(timeline, bar=OnsetThreshold.REFRACTORY) == expected


def test_c5_voice_before_the_late_verdict_counts():
    """C5: a short word whose verdict comes when it is over is an utterance."""
    timeline = "nnnnnn" + "." * 8 + "mm"
    assert endpoints(timeline, bar=OnsetThreshold.REFRACTORY) == [(15, ONSET), (16, CONFIRMED)]


def test_c5_a_refractory_onset_reaches_back_to_its_first_syllable():
    """C5: judged late, it takes all the audio that was kept, and is confirmed with the next frame."""
    endpointer = Endpointer(PARAMS)
    assert follow(endpointer, "n" * 10 + "##", bar=OnsetThreshold.REFRACTORY) == [
        (11, ONSET),
        (12, CONFIRMED),
    ]
    assert endpointer.onset_frames == 11


@pytest.mark.parametrize(
    "timeline, expected",
    {
        "seven of twelve": ("####.###....", []),
        "eight of twelve": ("####....####", [(12, ONSET)]),
        "eight of thirteen": ("####.....####", []),
        "eight in a row": ("########", [(8, ONSET)]),
    }.values(),
)
def test_c5_energy_alone_needs_160_ms_of_voice_within_240(timeline, expected):
    """C5: without a model, judged by the amount of voice."""
    assert endpoints(timeline.replace("#", "n"), params=ENERGY, bar=OnsetThreshold.REFRACTORY) == expected


def test_c5_voice_that_began_before_the_window_is_heard_when_it_ends():
    """C5: the bar is judged frame by frame: a voice that goes on opens as soon as the window has passed."""
    endpointer = Endpointer(PARAMS)
    assert follow(endpointer, "n" * 10, bar=OnsetThreshold.REFRACTORY) == []
    assert follow(endpointer, "n", start=10) == [(11, ONSET)]
    assert endpointer.onset_frames == 11


# ---- D1: the bar while we are heard


@pytest.mark.parametrize("frames", [1, 3, 6])
def test_d1_loud_frames_in_a_row_stop_us(frames):
    """D1: BARGE_IN_VOICE_FRAMES frames over the barge-in level; voice under it does not count."""
    params = replace(PARAMS, barge_in_frames=frames)
    assert endpoints("q" * 20, params=params, bar=OnsetThreshold.DURING_PLAYOUT) == []
    assert endpoints("q" + "#" * frames, params=params, bar=OnsetThreshold.DURING_PLAYOUT)[0] == (
        1 + frames,
        ONSET,
    )
    if frames > 1:
        broken = "#" * (frames - 1) + "q" + "#" * (frames - 1)
        assert endpoints(broken, params=params, bar=OnsetThreshold.DURING_PLAYOUT) == []


def test_d1_once_open_a_quieter_voice_confirms():
    """D2: the barge-in level is for stopping; the judgement is of the voice."""
    assert endpoints("###qqq", bar=OnsetThreshold.DURING_PLAYOUT) == [(3, ONSET), (6, CONFIRMED)]


# ---- reset


@pytest.mark.parametrize("timeline", ["##", "####", "#" * 10, "#" * 710])
def test_a_key_ends_whatever_is_open(timeline):
    """F5: a key ends the utterance; the next voiced run opens a new one."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, timeline)
    endpointer.end_now()
    assert (endpointer.phase, endpointer.run_on) == (Phase.IDLE, False)
    assert follow(endpointer, "###") == [(3, ONSET)]


def test_reset_measures_what_was_open():
    """F5: speech and silence of the utterance that the key ended."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 10 + "." * 4)
    endpointer.end_now()
    assert (endpointer.speech_frames, endpointer.silence_frames) == (10, 4)


# ---- whatever comes

bars = st.sampled_from(OnsetThreshold)
MAY_FOLLOW = {
    None: {ONSET},
    ONSET: {CONFIRMED, DISCARDED},
    CONFIRMED: {PAUSED, CAME_BACK, ENDED, RUNNING_ON},
    PAUSED: {RESUMED, CAME_BACK, ENDED},
    RESUMED: {PAUSED, CAME_BACK, ENDED, RUNNING_ON},
    CAME_BACK: {PAUSED, ENDED, RUNNING_ON},
    DISCARDED: {ONSET},
    ENDED: {ONSET},
    RUNNING_ON: {CONFIRMED, DISCARDED},
}


@given(
    st.lists(
        st.tuples(st.sampled_from("#nmsq."), st.integers(1, 40), bars, st.booleans()), min_size=8, max_size=30
    ),
    st.booleans(),
)
def test_endpoints_come_in_order(stretches, energy_only):
    """Every utterance opens once, is judged once, and ends once; its pauses begin and end in turn."""
    params = replace(PARAMS, max_speech_frames=40, energy_only=energy_only)
    endpointer = Endpointer(params)
    last = None
    for mark, frames, bar, background in stretches:
        for _ in range(frames):
            endpoint = endpointer.feed(VERDICTS[mark], bar, background)
            if endpoint is not None:
                assert endpoint in MAY_FOLLOW[last]
                last = endpoint
            assert (endpointer.phase is Phase.IDLE) == (last in (None, DISCARDED, ENDED))
            assert endpointer.paused == (last is PAUSED)


# ---- the edges that were once wrong


def test_a3_noise_that_runs_through_the_end_opens_nothing():
    """A3, A6: it was judged while the utterance was open, and holds no reply back."""
    assert endpoints("#" * 10 + "n" * 60) == [(3, ONSET), (6, CONFIRMED), (35, ENDED)]


def test_a2_a_voice_after_long_noise_is_given_its_time():
    """A2: the length of the run before the onset does not count against it."""
    assert (47, DISCARDED) not in endpoints("n" * 45 + "#" * 30)
