"""F1, F4: how long a caller may say nothing, and how long a call may last."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.turns.effects import EndCall
from server.turns.events import (
    DigitPressed,
    FinalTranscript,
    MarkReturned,
    PlayoutRoom,
    ReplyDelay,
    ReplyDone,
    ReplySentence,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.no_input import GRACE_FRAMES, Limit, Silence, limit_of
from tests.turns.effects import NOTHING, effects, says
from tests.turns.scene import ASKED, COUGH, FIRST, GRACE, GREETING, PARAMS, SPOKE, L, S, after, play
from tests.wording import OURS

IDLE = replace(PARAMS, idle_frames=400)


def ticks(silence, pattern, before=0):
    """Frames at which something is to be said: ``.`` waiting, ``n`` a sound, ``-`` not waiting.

    ``before``: so many have passed before them.
    """
    return [
        number
        for number, mark in enumerate(pattern, 1)
        if silence.tick(before + number, waiting=mark != "-", sound=mark == "n")
    ]


@pytest.mark.parametrize(
    "pattern, due",
    {
        "a wait that is too long": ("." * 12, [10, 11, 12]),
        "not yet": ("." * 9, []),
        "a wait begins anew": ("." * 9 + "-" + "." * 10, [20]),
        "a sound delays it": ("....n" + "." * 10, [15]),
        "once": ("....n....n....n", []),
        "and is not spoken over": ("n" * 14 + ".", [15]),
        "the next wait may be delayed again": ("n" + "-" + "....n" + "." * 9, []),
        "and comes to its end": ("n" + "-" + "....n" + "." * 10, [17]),
    }.values(),
)
def test_f1_a_wait_that_is_too_long(pattern, due):
    """F1: energy that stays unconfirmed delays it once."""
    assert ticks(Silence(10), pattern) == due


@given(st.text(".n-", min_size=1, max_size=60))
def test_f1_no_silence_is_too_long_when_it_is_off(pattern):
    """F1: IDLE_PROMPT_SEC=0."""
    assert ticks(Silence(0), pattern) == []


@given(st.text(".n-", max_size=80), st.integers(1, 8))
def test_f1_nothing_is_due_in_a_sound_or_before_its_time(pattern, after_frames):
    """F1: and however much is heard, a wait of twice the time is too long at its first silence."""
    due = ticks(Silence(after_frames), pattern)
    for number in due:
        assert pattern[number - 1] == "."
        assert "-" not in pattern[max(0, number - after_frames) : number]
    long = Silence(after_frames)
    ticks(long, pattern)
    assert ticks(long, "n" * 2 * after_frames + ".", len(pattern)) == [2 * after_frames + 1]


def test_f1_prompts_are_counted_until_the_caller_is_heard():
    """F1: then they start anew."""
    silence = Silence(10)
    silence.prompts = 2
    silence.caller_heard()
    assert silence.prompts == 0


@pytest.mark.parametrize(
    "clock, limit",
    [
        (0, Limit.WITHIN),
        (999, Limit.WITHIN),
        (1000, Limit.REACHED),
        (999 + GRACE_FRAMES, Limit.REACHED),
        (1000 + GRACE_FRAMES, Limit.OVER),
    ],
)
def test_f4_a_call_has_a_limit_and_a_minute_to_end(clock, limit):
    """F4: MAX_CALL_SEC; 0 is none."""
    assert limit_of(clock, 1000) is limit
    assert limit_of(clock, 0) is Limit.WITHIN


# ---- on a call


def spoken(turn_id, frames=50):
    """The line of a turn is voiced, and heard to its end."""
    audio = TtsAudio(turn_id, 0, b"\x10" * 160 * frames)
    sent = [audio, TtsSentenceDone(turn_id, 0), PlayoutRoom(1000)]
    return [*sent, "." * frames, MarkReturned(f"{turn_id}.0.0")]


def test_f1_the_prompts_are_a_knob():
    """F1: IDLE_MAX_PROMPTS=0: the goodbye at once."""
    dialogue = after([], replace(IDLE, idle_prompts=0))
    assert effects(dialogue, "." * 400) == says(OURS.nobody_there)


def test_f1_the_prompt_needs_no_breath_and_a_voice_drops_it():
    """F1, B4: nobody waits for it."""
    asked = ["." * 400, TtsAudio(1, 0, b"\x10" * 160 * 50), TtsSentenceDone(1, 0)]
    dialogue = after(asked, IDLE)
    play(dialogue, [PlayoutRoom(5)])
    assert dialogue.state is S
    early = after(asked, IDLE)
    play(early, ["######"])
    assert (early.state, early.turn) == (L, None)


@pytest.mark.parametrize(
    "sound, prompts", [(COUGH, 0), ("." * 33, 1), ("nnn" + "." * 20 + "nnn" + "." * 7, 0)]
)
def test_f1_a_sound_delays_the_prompt_once(sound, prompts):
    """F1: it may be a caller who is about to speak."""
    dialogue = after(["." * 380], IDLE)
    assert len(effects(dialogue, sound).said) == prompts


def test_f1_a_line_full_of_noise_is_asked_all_the_same():
    """F1: delayed once, not for ever."""
    dialogue = after([], IDLE)
    assert effects(dialogue, COUGH * 26).said


def test_f1_who_types_or_has_asked_is_not_asked():
    """F1: nobody is waited for while a turn is owed."""
    assert effects(after([], IDLE), DigitPressed("1"), "." * 90, DigitPressed("2"), "." * 90) == NOTHING
    dialogue = after([SPOKE], replace(IDLE, hint_after_frames=0))
    assert effects(dialogue, "." * 900) == NOTHING


def test_f1_a_caller_who_was_answered_is_asked_from_the_first_question_on():
    """F1: the count starts anew with the reply."""
    dialogue = after(["." * 400, *spoken(1), "." * 40, SPOKE], IDLE)
    play(dialogue, [ReplyDelay(2, 0), FinalTranscript(1, ""), *spoken(2)])
    assert effects(dialogue, "." * 400) == says(OURS.still_there[0])


def test_f1_nothing_said_after_all_does_not_start_the_count_anew():
    """F1, E1: a voice without a word is nobody."""
    dialogue = after(["." * 400, *spoken(1), "." * 40, "#" * 15 + "." * 25], IDLE)
    play(dialogue, [FinalTranscript(1, "")])
    assert effects(dialogue, "." * 400) == says(OURS.still_there[1])


def answered(said, reply, params=IDLE):
    """A call in which ``said`` was answered with ``reply``, to its end."""
    thought = [FinalTranscript(1, said), ReplySentence(1, reply), ReplyDone(1), ReplyDelay(1, 0)]
    return after([SPOKE, *thought, *spoken(1)], params)


HOLDS = replace(IDLE, hold_frames=2000)


@pytest.mark.parametrize(
    "said, reply",
    [("רגע אחד בבקשה אני הולך להביא את תעודת הזהות", FIRST), (ASKED, "בטח, אני מחכה."), ("שנייה", FIRST)],
)
def test_f7_who_asks_to_wait_is_left_alone(said, reply):
    """F7: for HOLD_SEC, also when it is only we who have said that we wait; then the prompts come as ever."""
    dialogue = answered(said, reply, HOLDS)
    assert effects(dialogue, "." * 1999) == NOTHING
    assert effects(dialogue, ".") == says(OURS.still_there[0])
    play(dialogue, spoken(2))
    assert effects(dialogue, "." * 399) == NOTHING
    assert effects(dialogue, ".") != NOTHING


def test_f7_nobody_else_is():
    """F7, F1: nor is a question of ours about waiting a promise."""
    for said, reply in [(ASKED, FIRST), ("רגע, כמה זה עולה", FIRST), (ASKED, "תרצה שאני אחכה?")]:
        assert effects(answered(said, reply, HOLDS), "." * 400) != NOTHING


def test_f7_who_is_back_is_back():
    """F7: what they say then is answered, and the next silence is an ordinary one."""
    dialogue = answered("תמתיני רגע", FIRST, HOLDS)
    play(dialogue, ["." * 900, SPOKE, FinalTranscript(2, "אני כאן"), ReplySentence(2, FIRST)])
    play(dialogue, [ReplyDone(2), ReplyDelay(2, 0), *spoken(2)])
    assert effects(dialogue, "." * 399) == NOTHING
    assert effects(dialogue, ".") != NOTHING


def test_f7_noise_does_not_end_the_hold():
    """F7, A5: a door, a dog: they are still away."""
    dialogue = answered("תמתיני רגע", FIRST, HOLDS)
    assert effects(dialogue, "." * 500, COUGH, "." * 1500).said == []


@given(st.text(".n-", max_size=60), st.integers(1, 8), st.integers(0, 20))
def test_f7_a_hold_only_ever_delays(pattern, after_frames, hold):
    """F7: nothing is due sooner for it, nor before it has passed; with 0 it is nothing."""
    plain, held = Silence(after_frames), Silence(after_frames)
    held.hold(hold)
    first, first_held = ticks(plain, pattern)[:1], ticks(held, pattern)[:1]
    assert not first_held or (first and first_held >= first and first_held[0] >= hold)
    if hold <= after_frames:
        assert first == first_held


LIMITED = replace(PARAMS, call_frames=500)


def test_f4_who_is_silent_at_the_limit_hears_the_goodbye():
    """F4: at once, and once; the call is over when it was heard."""
    dialogue = after([], LIMITED)
    assert effects(dialogue, "." * 499) == NOTHING
    assert effects(dialogue, ".") == says(OURS.time_is_up)
    assert EndCall() in effects(dialogue, *spoken(1), GRACE).done


def test_f4_a_turn_before_the_limit_is_answered():
    """F4: what the LLM was asked is said, then comes the goodbye."""
    dialogue = after(["." * 400, SPOKE, FinalTranscript(1, ASKED), "." * 40], LIMITED)
    assert dialogue.current.clock > 500 and dialogue.turn.request.text == ASKED
    assert effects(dialogue, ".") == NOTHING


def test_f4_a_call_that_does_not_end_is_ended():
    """F4: who talks over every goodbye has a minute more."""
    dialogue = after([], LIMITED)
    play(dialogue, ["." * 499, "#" * (GRACE_FRAMES + 0)])
    assert effects(dialogue, "#").done == [EndCall()]


def test_f4_the_limit_comes_before_the_greeting():
    """F4, B6: whoever was not greeted until then is only said goodbye to."""
    dialogue = after(["." * 39], replace(PARAMS, greeting=GREETING, call_frames=40))
    assert effects(dialogue, ".") == says(OURS.time_is_up)
