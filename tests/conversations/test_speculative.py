"""Rules A7, B3: early starts, and patience with a sentence that goes on. Whole calls in simulated time."""

import pytest

from server.providers.base import ProviderError
from server.turns.effects import Speaker
from tests.simtime.call import REPLY, SimCall
from tests.simtime.line import NOISE, Sound, numbers

EARLY = {"speculative_turns": True}
ENGINES = {"asr_s": 0.2, "llm_s": 0.35, "tts_s": 0.15}
SENTENCE = Sound(3.0, 1.5)
END_S = 4.5
HANGOVER_S, SILENCE_S, HOLD_S = 0.14, 0.48, 0.7
WORDS, GUESS = "אני מחפש דירה בחיפה", "אני מחפש דירה"


def call_of(*sounds, stt=(WORDS,), partials=(), knobs=None, **more):
    call = SimCall(list(sounds), stt=list(stt), knobs={**EARLY, **(knobs or {})}, **{**ENGINES, **more})
    call.stt.partials = list(partials)
    return call


def asked(call):
    return [request.text for request in call.llm.requests]


def gap_s(call, end_s=END_S):
    return call.heard[1].at_s - end_s


def test_b3_thinking_begins_at_the_hangover_on_a_guess():
    """B3: the gap is hangover + engines, and no more questions are asked than one."""
    call = call_of(SENTENCE, partials=[WORDS]).run(12)
    assert gap_s(call) == pytest.approx(HANGOVER_S + 0.7, abs=0.05)
    assert asked(call) == [WORDS]
    assert len(call.stt.opened_at) == 1


@pytest.mark.parametrize("pause_s", [0.3, 0.5])
def test_b3_who_goes_on_is_heard_as_one_utterance(pause_s):
    """B3: the early start leaves no trace; the STT hear the utterance again from its start."""
    more = Sound(END_S + pause_s, 1.0)
    call = call_of(SENTENCE, more, asr_s=0.05).run(14)
    assert [line for line in call.log if "ASR_TEXT" in line] == [f"ASR_TEXT: {WORDS} sid=MZ1"]
    assert gap_s(call, more.at_s + 1.0) == pytest.approx(0.84, abs=0.05)
    heard = numbers(call.stt.heard[0])
    assert len(call.stt.heard) == 1 and len(heard) == 125 and heard == sorted(set(heard))
    assert call.llm.requests[-1].history == call.llm.requests[0].history
    assert call.stt.open_streams == call.llm.open_streams == call.voice.open_streams == 0


def test_b3_at_most_so_many_starts_a_turn():
    """B3: SPECULATIVE_MAX; the fourth stretch of the same sentence is thought about at its end only."""
    sounds = [Sound(3.0 + 0.8 * n, 0.4) for n in range(4)]
    for most, early, in_all in ((1, 1, 2), (2, 2, 3), (5, 4, 4)):
        call = call_of(*sounds, asr_s=0.02, knobs={"speculative_max": most}).run(14)
        starts = [line for line in call.lines("EARLY_START") if "dropped" not in line]
        assert (len(starts), len(call.llm.requests)) == (early, in_all)


def test_b3_starts_are_counted_over_what_was_joined():
    """B3, A6: who goes on after the end of the turn has not earned new ones."""
    sounds = [SENTENCE, Sound(END_S + 0.75, 1.0), Sound(END_S + 2.6, 1.0)]
    words, knobs = ["ראיתי מודעה", "על דירה", "בחיפה"], {"adaptive_silence_ms": 0}
    call = call_of(*sounds, stt=words, asr_s=0.05, llm_s=1.4, knobs=knobs).run(18)
    starts = [line for line in call.lines("EARLY_START") if "dropped" not in line]
    assert len(starts) == 2
    assert asked(call)[-1] == "ראיתי מודעה על דירה בחיפה"


def test_b3_other_words_in_the_end_are_asked_anew():
    """B3: the guess was wrong; its answer is never heard, and the deadline of the turn is kept."""
    replies = {WORDS: "תשובה לשאלה הנכונה.", GUESS: "תשובה לניחוש."}
    call = call_of(SENTENCE, partials=[GUESS], reply=lambda request: replies[request.text]).run(14)
    assert asked(call) == [GUESS, WORDS]
    assert call.texts[1:] == ["תשובה לשאלה הנכונה."]
    assert call.llm.open_streams == 0


def test_b3_g3_a_turn_that_was_asked_anew_is_overdue_in_time():
    """B3, G3: 3.5 s from the end of turn, whatever was begun before."""
    knobs = {"llm_first_token_timeout_ms": 9000, "thinking_text_he": ""}
    replies = {GUESS: "תשובה לניחוש.", WORDS: None}
    call = call_of(SENTENCE, partials=[GUESS], reply=lambda request: replies[request.text], knobs=knobs)
    call.run(14)
    assert len(call.lines("TURN_TIMEOUT")) == 1
    assert gap_s(call) == pytest.approx(HANGOVER_S + SILENCE_S + 3.5, abs=0.06)


@pytest.mark.parametrize("failure", [ProviderError("down"), ""], ids=["fails", "is empty"])
def test_b3_an_early_llm_that_fails_is_asked_again_at_the_end(failure):
    """B3, G2: no line of ours is said for a turn that was none yet."""
    answers = iter([failure, REPLY])
    call = call_of(SENTENCE, reply=lambda request: next(answers), asr_s=0.02, llm_s=0.05).run(12)
    assert call.texts[-1] == REPLY.split(". ")[1]
    assert call.lines("TURN_TIMEOUT") == []


def test_b3_a_sound_that_is_no_voice_does_not_end_an_early_start():
    """B3, A5: a click in the pause."""
    click = Sound(END_S + 0.3, 0.06, NOISE)
    call = call_of(SENTENCE, click).run(12)
    assert asked(call) == [WORDS] and call.lines("dropped") == []


# ---- A7 ----


@pytest.mark.parametrize("words", ["אני מחפש דירה של", "אפס חמש שתיים שלוש"])
@pytest.mark.parametrize("early", [False, True])
def test_a7_words_that_cannot_end_a_sentence_hold_the_turn(words, early):
    """A7: INCOMPLETE_HOLD_MS longer; and there is no sense in thinking early."""
    knobs = {"speculative_turns": early}
    held = call_of(SENTENCE, stt=[words], partials=[words], knobs=knobs).run(14)
    off = call_of(SENTENCE, stt=[words], partials=[words], knobs={**knobs, "incomplete_hold_ms": 0}).run(14)
    plain_s = HANGOVER_S + SILENCE_S + 0.7
    assert gap_s(held) == pytest.approx(plain_s + HOLD_S, abs=0.05)
    assert gap_s(off) == pytest.approx(HANGOVER_S + 0.7 if early else plain_s, abs=0.05)
    assert len(held.llm.requests) == 1


@pytest.mark.parametrize(
    ("words", "held_s"), [("אני מחפש דירה של", 0.0), ("אפס חמש שתיים שלוש", HOLD_S)], ids=["words", "digits"]
)
def test_a7_an_end_that_the_stt_hears_takes_a_hold_back(words, held_s):
    """A7: the turn ends with the ordinary silence then; half a number is held for all that."""
    call = call_of(SENTENCE, stt=[words], partials=[words], knobs={"speculative_turns": False})
    call.stt.partials_end = True
    assert gap_s(call.run(14)) == pytest.approx(HANGOVER_S + SILENCE_S + 0.7 + held_s, abs=0.05)


def not_finished(request):
    return "…" if request.may_wait else REPLY


def test_a7_a_llm_that_says_so_after_the_end_of_the_turn_holds_it_likewise():
    """A7: it takes longer than the closing silence."""
    call = call_of(SENTENCE, reply=not_finished, asr_s=0.2, llm_s=0.5, tts_s=0.05).run(14)
    assert [request.may_wait for request in call.llm.requests] == [True, False]
    hold_ends_s = HANGOVER_S + SILENCE_S + HOLD_S
    assert gap_s(call) == pytest.approx(hold_ends_s + 0.55, abs=0.06)
    assert "שנייה… בודקת" not in call.texts


def test_a7_three_dots_without_the_option_are_no_answer():
    """A7, G2: never spoken; our line is said instead."""
    call = call_of(SENTENCE, reply="…", knobs={"speculative_turns": False}).run(14)
    assert call.texts[1:] == ["בסדר, איך אוכל לסייע?"]


def test_e7_a_dropped_start_is_not_remembered():
    """B3, E7: the history has each line once."""
    sounds = [SENTENCE, Sound(END_S + 0.4, 1.0), Sound(14.0, 1.5)]
    call = call_of(*sounds, asr_s=0.02).run(22)
    history = call.llm.requests[-1].history
    assert [line.speaker for line in history] == [Speaker.AGENT, Speaker.CALLER, Speaker.AGENT]
