"""A3: the silence that ends an utterance learns from the caller's own pauses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.audio.caller_pauses import BridgedPause
from server.audio.endpointing import Closing, Endpoint, Endpointer, OnsetThreshold, endpointing_params
from server.audio.frames import FrameHeard
from server.audio.segmenter import Ended, Segmenter
from server.audio.vad import Vad
from tests.audio.timelines import (
    CLOSING,
    CONFIRMED,
    ENDED,
    KNOBS,
    ONSET,
    PARAMS,
    SHORT_CLOSING,
    endpoints,
    follow,
)

FLOOR, LONGEST = SHORT_CLOSING, CLOSING + 30
LEARNS = replace(PARAMS, adaptive_frames=30)
LONG, SHORT = "#" * 70, "#" * 16  # speech with the ordinary and the shorter silence behind it

# ---- how much of a silence is a pause


@pytest.mark.parametrize(
    ("pause", "bridged"),
    [
        (0, FLOOR),
        (20, FLOOR),  # 0.4 s: a breath
        (23, FLOOR),  # two more are the floor
        (24, 27),
        (28, 31),  # 0.56 s: as after a long sentence
        (35, 39),
        (45, 50),
        (54, 60),
        (55, LONGEST),
        (200, LONGEST),
    ],
)
def test_a3_the_first_pause_counts_with_an_eighth_to_spare(pause, bridged):
    """A3: between the floor and the bound."""
    pauses = BridgedPause(FLOOR, LONGEST)
    pauses.learn(pause)
    assert pauses.frames == bridged


def test_a3_what_was_learnt_is_forgotten_by_a_quarter_an_utterance():
    """A3: the utterance that showed it forgets nothing; then 25 frames more than the floor, 18, 13, 9, …"""
    pauses = BridgedPause(FLOOR, LONGEST)
    pauses.learn(45)
    seen = []
    for _ in range(6):
        pauses.utterance_ended()
        seen.append(pauses.frames - FLOOR)
    assert seen == [25, 18, 13, 9, 6, 4]


def test_a3_a_shorter_pause_keeps_what_it_needs_itself():
    """A3: forgetting goes down to the pauses that the caller makes now."""
    pauses = BridgedPause(FLOOR, LONGEST)
    pauses.learn(45)
    for _ in range(30):
        pauses.utterance_ended()
        pauses.learn(28)
    assert pauses.frames == 31


def test_a3_what_a_repeat_has_shown_is_taken_back():
    """A3, E2: and nothing else: 15 frames of addition become 11, as after any utterance. Once."""
    pauses = BridgedPause(FLOOR, LONGEST)
    pauses.learn(36)  # 40 frames
    pauses.utterance_ended()
    pauses.learn(48)
    pauses.utterance_ended()
    assert pauses.frames == 54
    pauses.take_back()
    pauses.take_back()
    assert pauses.frames == FLOOR + 11


told = st.lists(st.one_of(st.integers(0, 120), st.none()), max_size=40)  # a pause, or the end of an utterance


def tell(pauses, events):
    for event in events:
        pauses.utterance_ended() if event is None else pauses.learn(event)
    return pauses.frames


@given(st.integers(1, 60), st.integers(0, 100), told)
def test_a3_whatever_is_heard_it_stays_within_its_bounds(floor, most, events):
    """A3: MIN_UTT_SEC is the floor, ADAPTIVE_SILENCE_MS the most that is added."""
    assert floor <= tell(BridgedPause(floor, floor + most), events) <= floor + most


@given(told, st.integers(0, 40), st.integers(0, 120), told)
def test_a3_more_evidence_never_makes_it_more_hasty(before, longer, pause, after):
    """A3: with a pause more, or a longer one, every later end is as late or later."""
    without = tell(BridgedPause(FLOOR, LONGEST), [*before, *after])
    with_it = tell(BridgedPause(FLOOR, LONGEST), [*before, pause, *after])
    with_more = tell(BridgedPause(FLOOR, LONGEST), [*before, pause + longer, *after])
    assert without <= with_it <= with_more


@given(told)
def test_a3_without_pauses_it_comes_back_to_the_default(events):
    """A3: 36 frames of addition are gone after 11 utterances, less with each."""
    pauses = BridgedPause(FLOOR, LONGEST)
    tell(pauses, [*events, None])
    seen = [tell(pauses, [None]) for _ in range(11)]
    assert seen == sorted(seen, reverse=True) and seen[-1] == FLOOR


# ---- pauses inside an utterance


@pytest.mark.parametrize(
    ("timeline", "closing"),
    {
        "no pause": (LONG, CLOSING),
        "a breath": (LONG + "." * 20 + LONG, CLOSING),
        "half a second": (LONG + "." * 25 + LONG, CLOSING),
        "the longest that is no end": (LONG + "." * 30 + LONG, 33),
        "behind short speech": (SHORT + "." * 20 + SHORT, SHORT_CLOSING),
        "the same, longer": (SHORT + "." * 24 + SHORT, 27),
        "one of two": (LONG + "." * 30 + LONG + "." * 10 + LONG, 33),
        "energy came first, and the pause was over": (LONG + "." * 20 + "n" * 18 + LONG, CLOSING),
        "energy that never fell": (LONG + "n" * 30 + LONG, 33),
        "a blip in the middle of it": (LONG + "." * 30 + "##" + "." * 10 + LONG, 33),
        "a blip of the model": (LONG + "." * 30 + "#" * 5, CLOSING),
        "a voice of six frames": (LONG + "." * 30 + "#" * 6, 33),
    }.values(),
)
def test_a3_a_pause_lengthens_the_silence_behind_it(timeline, closing):
    """A3: at once, in the same utterance; an eighth longer than the pause, or as always."""
    assert endpoints(timeline + "." * 80, params=LEARNS) == [
        (3, ONSET),
        (6, CONFIRMED),
        (len(timeline) + closing, ENDED),
    ]


def test_a3_a_setting_of_nothing_learns_nothing():
    """A3: ADAPTIVE_SILENCE_MS=0."""
    timeline = LONG + "." * 30 + LONG
    assert endpoints(timeline + "." * 80)[-1] == (len(timeline) + CLOSING, ENDED)


@pytest.mark.parametrize(("speech", "closing"), [(SHORT, SHORT_CLOSING + 5), (LONG, CLOSING + 5)])
def test_a3_the_most_is_added_to_either_silence(speech, closing):
    """A3: ADAPTIVE_SILENCE_MS=100 on the shorter silence and on the other."""
    endpointer = Endpointer(replace(PARAMS, adaptive_frames=5))
    follow(endpointer, LONG + "." * 34 + LONG + "." * 60)
    assert follow(endpointer, speech + "." * 80)[-1] == (len(speech) + closing, ENDED)


def test_a3_at_the_limit_the_hangover_is_enough_for_whoever_pauses():
    """A4: MAX_UTT_SEC as before."""
    timeline = LONG + "." * 30 + "#" * 300
    assert endpoints(timeline + "." * 80, params=LEARNS)[-1] == (len(timeline) + 7, ENDED)


# ---- utterances that were ended in a pause


def closing_after(timeline, *, params=LEARNS):
    """Silence behind a long utterance that follows the timeline."""
    endpointer = Endpointer(params)
    follow(endpointer, timeline)
    (ended,) = [frame for frame, endpoint in follow(endpointer, LONG + "." * 80) if endpoint is ENDED]
    return ended - len(LONG)


@pytest.mark.parametrize(
    ("pause", "closing"), [(31, 34), (35, 39), (45, 50), (54, 60), (60, LONGEST), (61, CLOSING)]
)
def test_a3_a_pause_that_was_taken_for_the_end_counts_too(pause, closing):
    """A3: unless no silence that may be waited for would have bridged it."""
    assert closing_after(LONG + "." * pause) == closing


def test_a3_the_next_pause_as_long_is_bridged():
    """A3: cut once, at 900 ms, and not again."""
    sentence = ("#" * 70 + "." * 45) * 4 + "." * 40
    ends = [frame for frame, endpoint in endpoints(sentence, params=LEARNS) if endpoint is ENDED]
    assert ends == [70 + CLOSING, 4 * 115 - 45 + 50]


def test_a3_what_was_no_voice_is_no_going_on():
    """A3, A5: a sound in the pause that is discarded; the voice behind it is measured from the last voice."""
    noise = LONG + "." * 32 + "nnn" + "." * 20
    assert closing_after(noise + "." * 10) == CLOSING
    assert closing_after(noise) == LONGEST


def test_a3_behind_a_key_nobody_goes_on():
    """A3, F5: what was typed was between."""
    endpointer = Endpointer(LEARNS)
    follow(endpointer, LONG + "." * 40)
    endpointer.end_now()
    assert follow(endpointer, LONG + "." * 80)[-1] == (len(LONG) + CLOSING, ENDED)


def test_a3_who_answers_the_agent_has_not_paused():
    """A3, C5: the voice just behind the agent's."""
    endpointer = Endpointer(LEARNS)
    follow(endpointer, LONG + "." * 40)
    assert follow(endpointer, "#" * 7, bar=OnsetThreshold.REFRACTORY) == [(6, ONSET), (7, CONFIRMED)]
    assert follow(endpointer, "#" * 63 + "." * 80)[-1] == (63 + CLOSING, ENDED)


def test_a3_a_blip_at_the_end_is_no_part_of_the_next_utterance():
    """A3: it went on with nothing."""
    assert closing_after(LONG + "." * 30 + "##" + "." * 200) == CLOSING


# ---- with the words (A7)


@pytest.mark.parametrize(("words", "closing"), [(Closing.HELD, 50 + 35), (Closing.RELEASED, 7 + 43 // 2)])
def test_a7_words_count_from_the_silence_of_this_caller(words, closing):
    """A7: held by INCOMPLETE_HOLD_MS more than that, released at half of it."""
    endpointer = Endpointer(LEARNS)
    follow(endpointer, LONG + "." * 45 + LONG)
    endpointer.close_after(words)
    assert follow(endpointer, "." * 120)[-1] == (closing, ENDED)


def test_a7_a_pause_that_words_have_held_teaches_nothing():
    """A7: they will hold the next one like it; who dictates a number in parts is not slow."""
    endpointer = Endpointer(LEARNS)
    follow(endpointer, LONG)
    endpointer.close_after(Closing.HELD)
    follow(endpointer, "." * 45 + LONG)
    assert follow(endpointer, "." * 80)[-1] == (CLOSING, ENDED)


def test_b3_the_pause_is_told_at_the_hangover_whatever_was_learnt():
    """B3: thinking begins as early as ever."""
    endpointer = Endpointer(LEARNS)
    follow(endpointer, LONG + "." * 45 + LONG)
    assert follow(endpointer, "." * 80) == [(7, Endpoint.PAUSED), (50, ENDED)]


# ---- over the agent's voice

LEVELS = {"#": (4000, 0.9), ".": (10, 0.05)}


def heard(hearing, timeline, bar=OnsetThreshold.ORDINARY):
    """Silence that ended the last utterance of the timeline."""
    changes = [
        change for mark in timeline for change in hearing.feed(FrameHeard(b"x" * 160, *LEVELS[mark]), bar)
    ]
    return [change.silence_frames for change in changes if isinstance(change, Ended)]


OVER = OnsetThreshold.DURING_PLAYOUT


def segmenter():
    hearing = Segmenter(LEARNS, Vad(vad_rms=200, barge_in_rms=300))
    assert heard(hearing, "." * 50, OVER) == []  # a quiet line
    return hearing


@pytest.mark.parametrize(
    ("own", "closing"), [(True, 50), (False, CLOSING), (None, CLOSING)], ids=["own", "echo", "not known"]
)
def test_a3_who_goes_on_over_our_first_words_has_paused(own, closing):
    """A3, E3: once the words are known for the caller's own."""
    hearing = segmenter()
    heard(hearing, LONG + "." * 42)
    heard(hearing, "...", OVER)
    assert heard(hearing, "#" * 7, OVER) == []
    assert heard(hearing, "#" * 63 + "." * 80) == [50]  # its own end waits already
    if own is not None:
        hearing.last_had_words(of_the_caller=own)
    assert heard(hearing, LONG + "." * 80) == [closing]


def test_a3_pauses_of_what_may_be_echo_wait_for_its_words():
    """A3, E3: an agent who pauses between two sentences does not teach the caller's pauses."""
    hearing = segmenter()
    heard(hearing, "#" * 7, OVER)
    assert heard(hearing, LONG + "." * 30 + LONG + "." * 25 + LONG + "." * 80) == [33]
    assert heard(hearing, LONG + "." * 80) == [CLOSING]
    hearing.last_had_words(of_the_caller=True)
    assert heard(hearing, LONG + "." * 80) == [CLOSING]


def test_a3_two_nods_over_a_reply_are_no_pause():
    """A3, D4: each is an utterance of its own, whatever it says."""
    hearing = segmenter()
    heard(hearing, "#" * 7, OVER)
    heard(hearing, "#" * 8 + "." * 30)
    heard(hearing, "." * 10 + "#" * 7, OVER)
    heard(hearing, "#" * 8 + "." * 80)
    hearing.last_had_words(of_the_caller=True)
    assert heard(hearing, LONG + "." * 80) == [CLOSING]


@pytest.mark.parametrize(
    ("speech", "closing"), [(40, SHORT_CLOSING), (60, 50)], ids=["a nod", "an objection"]
)
def test_a3_a_nod_over_a_reply_is_not_waited_for(speech, closing):
    """A3, D4: whoever pauses in sentences nods as shortly as others, and the reply goes on as soon."""
    hearing = segmenter()
    heard(hearing, LONG + "." * 45 + LONG + "." * 80)
    heard(hearing, "#" * 7, OVER)
    assert heard(hearing, "#" * speech + "." * 80) == [closing]


def test_a3_who_says_the_same_again_has_not_paused():
    """A3, E2: once the words are known; what the caller says now is measured as ever."""
    hearing = segmenter()
    assert heard(hearing, LONG + "." * 45 + LONG + "." * 80) == [CLOSING, 50]
    hearing.last_said_again()
    assert heard(hearing, LONG + "." * 30 + LONG + "." * 80) == [33]


def test_a3_nor_who_says_it_over_our_first_words():
    """A3, E2, E3: words that are the caller's own prove nothing then."""
    hearing = segmenter()
    heard(hearing, LONG + "." * 45)
    assert heard(hearing, "#" * 7, OVER) == []
    assert heard(hearing, "#" * 63 + "." * 80) == [50]
    hearing.last_said_again()
    hearing.last_had_words(of_the_caller=True)
    assert heard(hearing, LONG + "." * 80) == [CLOSING]


# ---- whatever comes


@given(st.lists(st.tuples(st.sampled_from("#nms."), st.integers(1, 80)), max_size=20), st.integers(0, 50))
def test_a3_no_end_comes_sooner_than_without_learning(stretches, most):
    """A3: after any call so far, an utterance of the same speech ends as late or later, within the bound."""
    timeline = "".join(mark * frames for mark, frames in stretches)

    def end(adaptive_frames):
        endpointer = Endpointer(replace(PARAMS, adaptive_frames=adaptive_frames))
        follow(endpointer, timeline)
        endpointer.end_now()
        return next(f for f, endpoint in follow(endpointer, "." + LONG + "." * 120) if endpoint is ENDED)

    assert end(0) <= end(most) <= end(0) + most


def test_the_setting_is_a_knob_in_frames():
    """A3: ADAPTIVE_SILENCE_MS=600."""
    assert endpointing_params(**{**KNOBS, "adaptive_ms": 600}) == LEARNS
