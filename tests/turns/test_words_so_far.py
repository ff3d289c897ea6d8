"""B3, A7: the words so far of an utterance that is not over: are they all, and is it the end?"""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.audio.segmenter import Confirmed, Ended
from server.hebrew.understand.finished import Ending
from server.turns.actions import (
    ResumeRecognition,
)
from server.turns.effects import Expected
from server.turns.events import FinalTranscript, InterimTranscript, LlmFailed, SttFailed
from server.turns.utterances import UserUtterance
from tests.turns.effects import NOTHING, asks, begins, effects, stt
from tests.turns.scene import ASKED, after
from tests.turns.test_speculative_turn import EARLY, MORE, REST, STARTED, WAITS
from tests.turns.test_user_turn import ended, feed, side, voice

SHORT_CLOSING = 7 + 18
SPOKEN, HANGOVER, SETTLED = 20, 7, 7 + 10  # frames; a guess that is older than the pause may lag by 200 ms
AT_THE_PAUSE = SPOKEN + HANGOVER

# ---- B3: what would be answered were the pause its end


def paused(*, guess="", at=AT_THE_PAUSE, pending=()):
    """A voice that pauses, with the words so far that the STT had of it at that frame."""
    caller = side()
    caller.pending.segments += pending
    feed(caller, "#" * SPOKEN)
    voice(caller, 1)
    feed(caller, "." * HANGOVER)
    caller.guessed(1, guess, at)
    return caller


def texts(caller, clock=AT_THE_PAUSE, utterance_id=1):
    """The parts of what would be answered were the pause its end."""
    so_far = caller.said_so_far(utterance_id, clock)
    return None if so_far is None else [segment.text for segment in so_far.segments]


def test_b3_the_words_so_far_are_the_callers_turn_were_it_over():
    """B3, A6: behind what is pending; nothing of it changes."""
    before = UserUtterance(7, text="אני מחפש")
    caller = paused(guess="דירה", pending=[before])
    caller.pending.interrupted_reply(noted=True)
    assert texts(caller) == ["אני מחפש", "דירה"]
    assert caller.said_so_far(1, AT_THE_PAUSE).interrupts
    assert caller.pending.segments == [before]
    assert caller.transcribed(1, "דירה גדולה", 0.9, AT_THE_PAUSE)
    assert texts(caller) == ["אני מחפש", "דירה גדולה"]


def test_b3_a_guess_at_a_pause_is_no_transcript():
    """B3: the whole one is still waited for."""
    caller = paused(guess="דירה")
    caller.said_so_far(1, AT_THE_PAUSE)
    ended(caller)
    assert not caller.pending.transcribed


def test_b3_without_a_pause_nobody_knows():
    """B3: nor before it, nor once the voice is back, nor of an utterance that is not spoken now."""
    caller = paused(guess="דירה")
    assert texts(caller) == ["דירה"]
    assert texts(caller, utterance_id=2) is None
    feed(caller, "#")
    assert texts(caller, AT_THE_PAUSE + 1) is None
    over = paused(guess="דירה")
    ended(over)
    assert texts(over) is None


def test_b3_what_was_said_before_must_be_known():
    """B3, A6: an early start on half of the words would answer something else."""
    assert texts(paused(guess="דירה", pending=[UserUtterance(7)])) is None


@pytest.mark.parametrize("at, waits", [(1, True), (SPOKEN - 1, True), (SPOKEN, False), (AT_THE_PAUSE, False)])
def test_b3_a_guess_from_before_the_pause_is_waited_for_a_newer_one(at, waits):
    """B3: it mostly lacks the last words; 200 ms behind the hangover it may be all there is."""
    caller = paused(guess="דירה", at=at)
    known = []
    for clock in range(AT_THE_PAUSE, SPOKEN + SETTLED + 3):
        known.append((clock, texts(caller, clock)))
        feed(caller, ".")
    at_last = SPOKEN + SETTLED
    assert known == [
        (clock, None if waits and clock < at_last else ["דירה"]) for clock in range(AT_THE_PAUSE, at_last + 3)
    ]


def test_b3_a_guess_that_comes_in_the_pause_needs_no_wait():
    """B3: whatever there was before."""
    caller = paused(guess="אני מחפש", at=15)
    feed(caller, "...")
    assert texts(caller, AT_THE_PAUSE + 3) is None
    caller.guessed(1, "אני מחפש דירה", AT_THE_PAUSE + 3)
    assert texts(caller, AT_THE_PAUSE + 3) == ["אני מחפש דירה"]


@pytest.mark.parametrize("failed", [False, True], ids=["a transcript", "ears that failed"])
def test_b3_the_last_word_of_the_stt_needs_no_wait(failed):
    """B3, G2: nothing newer will come before the caller goes on."""
    caller = paused(guess="דירה", at=15)
    assert texts(caller) is None
    if failed:
        assert caller.stt_failed(1, AT_THE_PAUSE)
    else:
        assert caller.transcribed(1, "דירה", 0.9, AT_THE_PAUSE)
    assert texts(caller) == ["דירה"]


def test_b3_every_pause_waits_for_guesses_of_its_own():
    """B3: what was fresh in the pause before is not in this one; it settles anew."""
    caller = paused(guess="אני מחפש")
    assert texts(caller) == ["אני מחפש"]
    feed(caller, "#" * 10 + "." * HANGOVER)
    clock = AT_THE_PAUSE + 10 + HANGOVER
    assert texts(caller, clock) is None
    feed(caller, "." * (SETTLED - HANGOVER))
    assert texts(caller, clock + SETTLED - HANGOVER) == ["אני מחפש"]


def test_b3_a_guess_settles_once_a_pause():
    """B3: 200 ms behind the hangover; neither while the voice is there, nor when it is over."""
    caller = side()
    settled = []
    for frame, mark in enumerate("." * 30 + "#" * 10 + "." * 20 + "#" * 10 + "." * 40, 1):
        for heard in feed(caller, mark):
            if isinstance(heard, Confirmed):
                voice(caller, 1)
                caller.guessed(1, "דירה", frame)
        settled += [frame] if caller.guess_settles(frame) else []
    assert settled == [40 + SETTLED, 70 + SETTLED]


def test_b3_whoever_goes_on_is_heard_again_to_the_end():
    """B3: what was a transcript at the pause was a guess; the whole one is waited for."""
    caller = paused()
    assert caller.transcribed(1, "דירה", 0.9, 30)
    assert not caller.transcribed(1, "דירה", 0.9, 30)
    assert caller.goes_on(1) == ResumeRecognition(1)
    ended(caller)
    assert not caller.pending.transcribed
    assert caller.transcribed(1, "דירה גדולה", 0.8, 120)
    (segment,) = caller.pending.segments
    assert (segment.text, segment.confidence) == ("דירה גדולה", 0.8)


def test_g2_stt_that_failed_at_a_pause_have_another_try():
    """B3, G2: the failure counts only when it was the end; without it, what they had guessed stays."""
    caller = paused()
    assert caller.stt_failed(1, 30)
    caller.goes_on(1)
    ended(caller)
    assert (caller.pending.failed, caller.pending.transcribed) == (False, False)
    guessed = paused(guess="דירה")
    guessed.stt_failed(1, 30)
    guessed.goes_on(1)
    assert guessed.stt_failed(1, 50)
    ended(guessed)
    assert [segment.text for segment in guessed.pending.segments] == ["דירה"]


# ---- A7: words say how much silence ends the utterance


@pytest.mark.parametrize(
    "words, expected, ending, silence",
    [
        ("אני מחפש דירה", Expected(), Ending.OPEN, SHORT_CLOSING),
        ("אני מחפש דירה של", Expected(), Ending.UNFINISHED, SHORT_CLOSING + 35),
        ("זהו תודה", Expected(), Ending.FINISHED, 7 + 9),
        ("אחת שתיים שלוש", Expected(digits=3), Ending.FINISHED, 7 + 9),
        ("אחת שתיים", Expected(digits=3), Ending.UNFINISHED, SHORT_CLOSING + 35),
        ("", Expected(), Ending.OPEN, SHORT_CLOSING),
    ],
)
def test_a7_the_last_words_move_the_end(words, expected, ending, silence):
    """A7: held, or released early; what is expected says how many digits are all."""
    caller = side("#" * 20)
    voice(caller, 1)
    caller.guessed(1, words, 15)
    assert caller.close_by_words(1, expected) is ending
    heard = feed(caller, "." * 80)
    assert [one.silence_frames for one in heard if isinstance(one, Ended)] == [silence]


@pytest.mark.parametrize(
    "words, expected, ending",
    [
        ("אני מחפש דירה", Expected(), Ending.FINISHED),
        ("אני מחפש דירה של", Expected(), Ending.OPEN),
        ("זהו תודה", Expected(), Ending.FINISHED),
        ("אחת שתיים", Expected(digits=3), Ending.UNFINISHED),
        ("רגע, אני בודק", Expected(), Ending.UNFINISHED),
    ],
)
def test_a7_an_end_that_the_stt_hears_releases_and_decides_nothing(words, expected, ending):
    """A7: half a number and a request to wait are held for all that; what follows it counts again."""
    caller = side("#" * 20)
    voice(caller, 1)
    caller.guessed(1, words, 15, ends=True)
    assert caller.close_by_words(1, expected) is ending
    caller.guessed(1, "אני מחפש דירה של", 16)
    assert caller.close_by_words(1, Expected()) is Ending.UNFINISHED


def test_a7_words_of_another_utterance_move_nothing():
    """A7: only those of the one being spoken."""
    caller = side("#" * 20)
    voice(caller, 1)
    caller.guessed(1, "דירה של", 15)
    assert caller.close_by_words(4, Expected()) is Ending.OPEN
    assert feed(caller, "." * SHORT_CLOSING)[-1] == Ended(1, 20, SHORT_CLOSING)


def test_a7_the_llm_may_hold_the_end_once():
    """A7: that it did is remembered with the caller's turn."""
    caller = side("#" * 20 + "." * 10)
    caller.hold()
    assert caller.pending.waited
    assert feed(caller, "." * 60)[-1] == Ended(1, 20, SHORT_CLOSING + 35)
    assert caller.take_pending().waited and not caller.pending.waited


def held_by_the_llm(words):
    """The LLM has said that these words are not all."""
    caller = side("#" * 20)
    voice(caller, 1)
    feed(caller, "." * HANGOVER)
    caller.guessed(1, words, AT_THE_PAUSE)
    caller.hold()
    return caller


@pytest.mark.parametrize(
    "again, ending, silence",
    [
        ("אני מחפש דירה", Ending.UNFINISHED, SHORT_CLOSING + 35),
        ("אני, מחפש דירה.", Ending.UNFINISHED, SHORT_CLOSING + 35),
        ("אני מחפש דירה גדולה", Ending.OPEN, SHORT_CLOSING),
        ("אני מחפש דירה זהו תודה", Ending.FINISHED, 7 + 9),
    ],
)
def test_a7_words_guessed_again_keep_the_llms_hold(again, ending, silence):
    """A7: a recogniser that repeats its guess says nothing new; other words are judged by themselves."""
    caller = held_by_the_llm("אני מחפש דירה")
    caller.guessed(1, again, AT_THE_PAUSE + 1)
    assert caller.close_by_words(1, Expected()) is ending
    assert feed(caller, "." * 60)[-1].silence_frames == silence


def test_a7_the_llms_hold_is_of_those_words_alone():
    """A7: without one, the same words hold nothing."""
    caller = side("#" * 20)
    voice(caller, 1)
    caller.guessed(1, "אני מחפש דירה", 15)
    assert caller.close_by_words(1, Expected()) is Ending.OPEN


@pytest.mark.parametrize("before, again", [("", ""), ("כן", "כן")], ids=["no word yet", "the same words"])
def test_a7_the_llms_hold_is_of_that_turn_alone(before, again):
    """A7: of the caller's next turn, be it word for word the same, the LLM has said nothing."""
    caller = held_by_the_llm(before)
    feed(caller, "." * 60)
    ended(caller)
    caller.take_pending()
    feed(caller, "#" * 20)
    voice(caller, 2)
    caller.guessed(2, again, 110)
    assert caller.close_by_words(2, Expected()) is Ending.OPEN


def test_a7_who_goes_on_from_the_llms_hold_without_a_word_is_not_held_again():
    """A7: no guess has come at all: nothing says that it is unfinished."""
    caller = held_by_the_llm("")
    feed(caller, "#" * 10 + "." * HANGOVER)
    assert caller.close_by_words(1, Expected()) is Ending.OPEN


# ---- the whole call

SAID_IN = ["#" * 30, InterimTranscript(1, ASKED), "#" * 10]  # what is guessed so far is older than the pause
STALE = [*SAID_IN, "." * 7]
OF, BYE = InterimTranscript(1, f"{ASKED} של"), InterimTranscript(1, "זהו תודה")
BOTH = f"{ASKED} {MORE}"

CASES = {  # name: (before, event, actions)
    "a guess from before the pause starts nothing": (SAID_IN, "." * 16, stt("flush")),
    "until 200 ms behind the hangover": ([*SAID_IN, "." * 16], ".", asks(ASKED, may_wait=True)),
    "once": ([*SAID_IN, "." * 17], "." * 7, NOTHING),
    "and is the turn at its end": ([*SAID_IN, "." * 24], ".", stt("finish") + begins()),
    "one that comes in the pause starts at once": (
        STALE,
        InterimTranscript(1, BOTH),
        asks(BOTH, may_wait=True),
    ),
    "be it the same": (STALE, InterimTranscript(1, ASKED), asks(ASKED, may_wait=True)),
    "one within the hangover starts as soon as it has passed": (
        [*SAID_IN, "...", InterimTranscript(1, ASKED), "..."],
        ".",
        stt("flush") + asks(ASKED, may_wait=True),
    ),
    "the whole transcript is waited for no longer": (
        STALE,
        FinalTranscript(1, ASKED),
        asks(ASKED, may_wait=True),
    ),
    "nor a failure": (STALE, SttFailed(1, "down"), asks(ASKED, may_wait=True)),
    "a newer one leaves nothing to settle": ([*STALE, InterimTranscript(1, ASKED)], "." * 17, NOTHING),
    "no guess settles to nothing": (["#" * 40], "." * 24, stt("flush")),
    "words that cannot be all do not settle": (["#" * 30, OF, "#" * 10 + "." * 7], "." * 50, NOTHING),
    "a release does not wait": (
        ["#" * 30, BYE, "#" * 10 + "." * 7],
        "." * 9,
        stt("finish") + begins(),
    ),
    "who goes on before has started nothing": ([*STALE, "." * 9], "#", stt("resume")),
    "and settles anew in the next pause": ([*STALE, "#" * 10 + "." * 16], ".", asks(ASKED, may_wait=True)),
    "a third start does not settle": (
        [*STARTED, InterimTranscript(1, MORE), "#" * 10 + "." * 7],
        "." * 12,
        NOTHING,
    ),
    "what failed early is not started again as it settles": (
        [*STARTED, LlmFailed(1, "down")],
        "." * 17,
        NOTHING,
    ),
    # the LLM waits
    "the same words again keep the mind's hold": ([*STARTED, WAITS], InterimTranscript(1, ASKED), NOTHING),
    "by so much": ([*STARTED, WAITS, InterimTranscript(1, ASKED)], REST + "." * 34, NOTHING),
    "no longer": (
        [*STARTED, WAITS, InterimTranscript(1, ASKED), REST + "." * 34],
        ".",
        stt("finish") + begins(),
    ),
    "other words are thought about, and may not wait again": (
        [*STARTED, WAITS],
        InterimTranscript(1, BOTH),
        asks(BOTH, may_wait=False),
    ),
    "and end the hold": (
        [*STARTED, WAITS, InterimTranscript(1, BOTH)],
        REST,
        stt("finish") + begins(),
    ),
}


@pytest.mark.parametrize("before, event, actions", CASES.values(), ids=CASES)
def test_words_so_far(before, event, actions):
    """B3, A7: one event in, actions out."""
    assert effects(after(before, EARLY), event) == actions


PART = "אני מחפש דירה"


def starts_of(lag_frames, last_word_frames):
    """The texts thought about when every word is guessed ``lag_frames`` behind its end."""
    known = {40 - last_word_frames + lag_frames: PART, 40 + lag_frames: f"{PART} גדולה"}
    dialogue, thought = after([], EARLY), []
    for frame, mark in enumerate("#" * 40 + "." * 25, 1):
        guess = [InterimTranscript(1, known[frame])] if frame in known else []
        thought += [asked.text for asked in effects(dialogue, mark, *guess).asked]
    return thought


lags = st.integers(0, 16).flatmap(lambda lag: st.tuples(st.just(lag), st.integers(lag + 1, 40)))


@settings(max_examples=60)
@given(lags)
@example((13, 14))  # 250 ms
def test_b3_a_recogniser_that_lags_costs_no_start(lag):
    """B3: words without the last one, guessed before the pause, are not thought about in vain."""
    assert starts_of(*lag) == [f"{PART} גדולה"]


@pytest.mark.parametrize("lag_frames, last_word_frames", [(17, 18), (22, 30), (13, 13), (10, 5)])
def test_b3_a_guess_that_lags_by_more_or_a_short_last_word_costs_a_start(lag_frames, last_word_frames):
    """B3: what comes within the pause, or more than 200 ms behind the hangover, is believed."""
    assert starts_of(lag_frames, last_word_frames) == [PART, f"{PART} גדולה"]
