"""A4, A7, B3: pauses inside an utterance, and the limits of its length."""

from dataclasses import replace

import pytest

from server.audio.endpointing import Closing, Endpointer
from tests.audio.timelines import (
    CAME_BACK,
    CLOSING,
    CONFIRMED,
    DISCARDED,
    ENDED,
    ONSET,
    PARAMS,
    PAUSED,
    RESUMED,
    RUNNING_ON,
    SHORT_CLOSING,
    endpoints,
    follow,
)

# ---- A4: the limits


@pytest.mark.parametrize("speech_frames, closing", [(349, CLOSING), (350, 7), (500, 7)])
def test_a4_from_the_limit_on_the_hangover_is_enough(speech_frames, closing):
    """A4: after MAX_UTT_SEC of speech the first pause is the end."""
    assert endpoints("#" * speech_frames + "." * 40)[-1] == (speech_frames + closing, ENDED)


def test_a4_without_a_hangover_one_silent_frame_is_the_pause():
    """A4: VAD_HANGOVER_MS=0 still takes a pause to end the utterance at its limit."""
    params = replace(PARAMS, hangover_frames=0)
    assert endpoints("#" * 360, params=params)[2:] == []
    assert endpoints("#" * 360 + ".", params=params)[2:] == [(361, ENDED)]


def test_a4_at_twice_the_limit_the_turn_is_taken():
    """A4: an unbroken voice ends at 2 × MAX_UTT_SEC, and is the next utterance from there, confirmed anew."""
    endpointer = Endpointer(PARAMS)
    found = follow(endpointer, "#" * 710)
    assert found == [(3, ONSET), (6, CONFIRMED), (700, RUNNING_ON), (706, CONFIRMED)]
    assert (endpointer.speech_frames, endpointer.silence_frames) == (700, 0)
    assert endpointer.run_on


def test_a4_only_speech_reaches_the_limit():
    """A4: the silence at the end of an utterance does not count towards it."""
    params = replace(PARAMS, max_speech_frames=20)
    assert (45, RUNNING_ON) not in endpoints("#" * 19 + "." * 31, params=params)
    assert endpoints("#" * 19 + "." * 31, params=params)[-1] == (19 + SHORT_CLOSING, ENDED)


def test_a4_a_voice_that_ran_on_may_interrupt_after_a_pause():
    """A4: a pause longer than the hangover, then speech: it is no longer the same unbroken voice."""
    timeline = "#" * 720 + "." * 8 + "#" * 10
    assert endpoints(timeline)[4:] == [(729, CAME_BACK)]
    endpointer = Endpointer(PARAMS)
    follow(endpointer, timeline)
    assert not endpointer.run_on
    assert follow(endpointer, "." * 8 + "#" * 10, start=738) == [(745, PAUSED), (747, RESUMED)]


@pytest.mark.parametrize("pause", [1, 6])
def test_a4_a_breath_within_the_hangover_is_no_pause(pause):
    """A4: it is still the same unbroken voice."""
    assert endpoints("#" * 720 + "." * pause + "#" * 10)[4:] == []


def test_a4_a_voice_that_stops_right_after_the_forced_end_is_discarded():
    """A4, A5: what ran on for under 120 ms is not an utterance."""
    assert endpoints("#" * 703 + "." * 40)[2:] == [(700, RUNNING_ON), (720, DISCARDED)]


def test_a4_what_follows_the_forced_end_is_judged_anew():
    """A4, A5: noise behind it is not the caller."""
    assert endpoints("#" * 700 + "n" * 30)[2:] == [(700, RUNNING_ON), (720, DISCARDED)]


def test_a4_an_endless_voice_never_livelocks():
    """A4: it is cut into utterances for as long as it lasts, every one confirmed."""
    found = endpoints("#" * 2900)
    assert [frame for frame, endpoint in found if endpoint is RUNNING_ON] == [700, 1400, 2100, 2800]
    assert len([frame for frame, endpoint in found if endpoint is CONFIRMED]) == 5


def test_a4_a_pause_of_the_hangover_is_no_pause():
    """A3, A4: speech within the last VAD_HANGOVER_MS still counts as speaking."""
    assert endpoints("#" * 720 + "." * 7 + "#" * 10)[4:] == []


# ---- B3: a pause that may be the end


@pytest.mark.parametrize("mark", [".", "m"])
def test_b3_a_pause_is_told_once_when_the_hangover_has_passed(mark):
    """B3: neither before, nor again while the closing silence is counted."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 100)
    assert follow(endpointer, mark * 6, start=100) == []
    assert not endpointer.paused
    assert follow(endpointer, ".", start=106) == [(107, PAUSED)]
    assert endpointer.paused
    assert follow(endpointer, "." * 23, start=107) == []
    assert follow(endpointer, ".", start=130) == [(131, ENDED)]
    assert not endpointer.paused


@pytest.mark.parametrize("mark", [".", "m"])
def test_b3_how_long_it_has_paused(mark):
    """B3: in frames since the last speech, from the hangover to the end; else none."""
    endpointer = Endpointer(PARAMS)
    paused_for = []
    for sound in "#" * 100 + mark * 12 + "#" * 10 + mark * CLOSING + ".":
        follow(endpointer, sound)
        paused_for.append(endpointer.paused_for)
    once, again = [0] * 6 + list(range(7, 13)), [0] * 6 + list(range(7, CLOSING))
    assert paused_for == [0] * 100 + once + [0] * 10 + again + [0, 0]


def test_b3_a_pause_that_was_put_off_is_as_long_as_the_silence():
    """A3, B3: counted from the last speech, not from where it is told."""
    endpointer = Endpointer(PARAMS)
    assert follow(endpointer, "#" * 20 + "....." + "n" * 6 + ".")[-1] == (32, PAUSED)
    assert endpointer.paused_for == 12


def test_b3_a_voice_that_comes_back_is_told_once():
    """B3: and every pause of an utterance is one of its own."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 20 + "." * 7)
    assert follow(endpointer, "...#", start=27) == [(31, RESUMED)]
    assert not endpointer.paused
    assert follow(endpointer, "#" * 9 + "." * 6, start=31) == []
    assert follow(endpointer, ".##", start=46) == [(47, PAUSED), (48, RESUMED)]


def test_b3_a_breath_within_the_hangover_is_no_pause():
    """B3: nothing is told of it."""
    assert follow(Endpointer(PARAMS), "#" * 20 + "......" + "#" * 20) == [(3, ONSET), (6, CONFIRMED)]


def test_b3_a_voice_being_judged_puts_the_pause_off():
    """A3, B3: energy that the model has not judged yet may be the caller going on."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 20 + "......")
    assert follow(endpointer, "nnnnn", start=26) == []
    assert follow(endpointer, ".", start=31) == [(32, PAUSED)]


def test_b3_without_a_hangover_a_silent_frame_is_the_pause():
    """B3: VAD_HANGOVER_MS=0."""
    params = replace(PARAMS, hangover_frames=0)
    assert follow(Endpointer(params), "#" * 20 + ".")[2:] == [(21, PAUSED)]


def test_a4_an_utterance_at_its_limit_ends_without_a_pause():
    """A4, B3: there the hangover is the end, and nothing is left to be early for."""
    assert follow(Endpointer(PARAMS), "#" * 350 + "." * 40)[2:] == [(357, ENDED)]
    assert follow(Endpointer(PARAMS), "#" * 349 + "." * 40)[2:] == [(356, PAUSED), (380, ENDED)]


def test_a4_a_run_on_voice_pauses_like_any_other():
    """A4, B3: a pause is told, and who comes back from it may take the floor."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 720)
    assert follow(endpointer, "." * 8 + "##", start=720) == [(727, PAUSED), (729, CAME_BACK)]
    assert not endpointer.paused
    follow(endpointer, "#" * 20)
    assert follow(endpointer, "." * 8 + "#") == [(7, PAUSED), (9, RESUMED)]


# ---- A7: the words say how much silence ends it


@pytest.mark.parametrize(
    "speech_frames, closing, silence",
    [
        (40, Closing.ORDINARY, 7 + 18),
        (40, Closing.HELD, 7 + 18 + 35),
        (40, Closing.RELEASED, 7 + 9),
        (100, Closing.ORDINARY, 7 + 24),
        (100, Closing.HELD, 7 + 24 + 35),
        (100, Closing.RELEASED, 7 + 12),
        (350, Closing.HELD, 7),
    ],
)
def test_a7_words_hold_the_end_or_release_it(speech_frames, closing, silence):
    """A7: INCOMPLETE_HOLD_MS more, or half the closing silence; A4: no hold at the limit."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * speech_frames)
    endpointer.close_after(closing)
    assert follow(endpointer, "." * 80)[-1] == (silence, ENDED)


def test_a7_words_that_come_in_the_pause_count():
    """A7: a release ends it as soon as half the silence has passed, be it at once."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 40 + "." * 20)
    endpointer.close_after(Closing.RELEASED)
    assert follow(endpointer, ".") == [(1, ENDED)]


def test_a7_a_released_end_is_never_before_the_pause():
    """A7, A3: speech within the hangover still counts as speaking."""
    params = replace(PARAMS, silence_frames=1, short_silence_frames=1)
    endpointer = Endpointer(params)
    follow(endpointer, "#" * 40)
    endpointer.close_after(Closing.RELEASED)
    assert follow(endpointer, "." * 10) == [(7, ENDED)]


@pytest.mark.parametrize("closing", [Closing.HELD, Closing.RELEASED])
@pytest.mark.parametrize(
    "until",
    ["." * 8 + "#", "." * 80 + "#" * 6, "#" * 700],
    ids=["the caller goes on", "the next utterance", "a forced end"],
)
def test_a7_what_was_said_before_says_nothing_of_what_follows(closing, until):
    """A7: the words of a pause count for that pause alone."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 40)
    endpointer.close_after(closing)
    follow(endpointer, until)
    assert endpointer.closing is Closing.ORDINARY


def test_a7_a_voice_that_ran_on_and_comes_back_forgets_what_was_said():
    """A4, A7: its pause is over like any other, though it is told by another name."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 720)
    endpointer.close_after(Closing.HELD)
    assert follow(endpointer, "." * 8 + "#")[-1] == (9, CAME_BACK)
    assert endpointer.closing is Closing.ORDINARY


def test_a7_a_key_forgets_what_was_said():
    """A7, F5: the utterance is over, and so is its pause."""
    endpointer = Endpointer(PARAMS)
    follow(endpointer, "#" * 40 + "." * 8)
    endpointer.close_after(Closing.HELD)
    endpointer.end_now()
    assert (endpointer.closing, endpointer.paused) == (Closing.ORDINARY, False)


def test_a7_the_hold_is_a_knob_in_frames():
    """A7: INCOMPLETE_HOLD_MS=700; 0 holds nothing."""
    assert PARAMS.hold_frames == 35
    endpointer = Endpointer(replace(PARAMS, hold_frames=0))
    follow(endpointer, "#" * 40)
    endpointer.close_after(Closing.HELD)
    assert follow(endpointer, "." * 80)[-1] == (SHORT_CLOSING, ENDED)
