"""F4 when the server itself must go: ``ClosingDown`` in the middle of whole calls, in simulated time."""

import pytest

from server.turns.effects import EndCall, SaveLead, Transfer
from server.turns.response import BROKEN_OFF
from tests.conversations.test_no_input import (
    FIRST,
    IN_SECOND,
    OPENING,
    PERSON,
    REPLY_AT_S,
    SECOND,
    THIRD,
    asked,
    call_of,
    length,
    over_reply,
)
from tests.simtime.call import GREETING, worded
from tests.simtime.line import LOUD, NOISE, Sound
from tests.wording import OURS

SORRY, HANDS_OVER = worded(OURS.closing_call_back), worded(OURS.closing_hand_over)
PROMISED = (("message", BROKEN_OFF),)


def closed(call, at_s, run_s=40, times=1):
    """The call, run to its end; the server closes down at ``at_s``."""
    for n in range(times):
        call.runtime.call_at(at_s + n, lambda: call.handler.close_down())
    call.run(run_s, hang_up=False)
    assert call.finished and not call.lines("CALL_ERR")
    return call


def whole(said):
    return said.until_s - said.at_s == pytest.approx(length(said.text), abs=0.05)


def farewell(call):
    """The last line was heard to its end, and the office calls back."""
    assert call.texts[-1] == SORRY and whole(call.heard[-1])
    assert call.office.outcomes == [EndCall()] and call.office.leads == [PROMISED]
    return call.heard[-1].at_s


def test_f4_nobody_speaks():
    """F4: at once, a line; then our side ends the call, and the office knows."""
    assert farewell(closed(call_of(), 5.0)) == pytest.approx(5.0, abs=0.1)


def test_f4_with_a_person_there_the_call_is_handed_over():
    """F4, F3: nothing is lost then, so the office need not call."""
    call = closed(call_of(knobs=PERSON), 5.0)
    assert call.texts == [GREETING, HANDS_OVER] and whole(call.heard[-1])
    assert call.office.outcomes == [Transfer()] and call.office.leads == []


def test_f4_what_the_llm_says_later_is_not_said_but_what_it_keeps_is_kept():
    """F4, F3: a lead it decides while the sentence is being heard; not its own goodbye."""
    call = call_of(OPENING)
    call.llm.sentence_s, call.llm.acts = 0.7, (SaveLead((("name", "דנה"),)), EndCall())
    closed(call, REPLY_AT_S + 0.4)
    assert call.texts == [GREETING, FIRST, SORRY]
    assert call.office.leads == [(("name", "דנה"),), PROMISED] and call.office.outcomes == [EndCall()]


ANSWER = "תשובה קצרה."


def says_goodbye(*more, stt=()):
    """A caller who was answered takes leave: over at 14.5, and our goodbye is heard from 15.3 on."""
    stt = ["שאלה", "תודה רבה להתראות", *stt]
    return call_of(OPENING, Sound(13.0, 1.5), *more, stt=stt, reply=ANSWER)


@pytest.mark.parametrize("closes_s", [15.2, 15.6, 16.2])
def test_f4_a_goodbye_is_not_followed_by_another(closes_s):
    """F2, F4: about to be said, or being said: the call ends with it anyway."""
    call = closed(says_goodbye(), closes_s)
    assert call.texts == [GREETING, ANSWER, OURS.goodbye] and whole(call.heard[-1])
    assert call.office.outcomes == [EndCall()] and call.office.leads == []


def test_f4_a_goodbye_that_is_being_said_is_not_stopped_any_more():
    """F2, F4: the next one would come too late."""
    call = closed(says_goodbye(Sound(16.0, 2.0), stt=["רגע רגע"]), 15.6)
    assert call.texts == [GREETING, ANSWER, OURS.goodbye] and whole(call.heard[-1])
    assert call.office.outcomes == [EndCall()]


@pytest.mark.parametrize("closes_s", [6.2, 17.2])
def test_f4_there_is_no_moment_behind_the_last_line(closes_s):
    """F2, F4: our side ends the call with its last mark, also where that moment had begun."""
    call = closed(says_goodbye(), closes_s)
    last = max(call.heard[-1].until_s, closes_s)
    assert call.office.ends[-1].at_s - last < 0.2


@pytest.mark.parametrize("early", [False, True])
def test_f4_who_is_speaking_is_heard_out_and_not_thought_about(early):
    """F4, B3: the line is the answer, at their pause."""
    call = call_of(Sound(3.0, 3.0), knobs={"speculative_turns": early})
    call.stt.partials = ["שלום"]
    assert 6.3 <= farewell(closed(call, 4.0)) <= 7.2
    assert asked(call) == []


def test_f4_an_early_start_is_forgotten():
    """F4, B3: the closing silence is still counted, and its answer is thought of."""
    call = call_of(OPENING, knobs={"speculative_turns": True}, llm_s=2.0)
    call.stt.partials = ["שלום לך"]
    farewell(closed(call, 4.9))
    assert len(asked(call)) == 1 and call.lines("EARLY_START dropped")


def test_f4_who_waits_for_an_answer_gets_the_line():
    """F4: the LLM is not waited for."""
    call = closed(call_of(OPENING, llm_s=3.0, knobs={"turn_timeout_ms": 8000}), 5.5)
    assert farewell(call) == pytest.approx(5.5, abs=0.1) and call.llm.open_streams == 0


def test_f4_words_that_are_still_on_their_way_count():
    """F4, F3: a message that was just left is kept, with what was left before."""
    sounds = [OPENING, Sound(13.0, 2.0), Sound(18.5, 2.0)]
    stt = ["נציג בבקשה", "דנה כהן בקשר לדירה", "אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע"]
    call = closed(call_of(*sounds, stt=stt, asr_s=0.4), 21.0)
    assert call.texts[-2:] == [worded(OURS.message_taken), SORRY]
    assert call.office.leads == [(("message", stt[1]),), (("message", f"{stt[1]} {stt[2]}"),)]


def test_f4_a_message_that_is_about_to_be_confirmed_is_kept_once():
    """F4, F3: our thanks give way to the line; the office need not be told a second time to call."""
    sounds = [OPENING, Sound(13.0, 2.0)]
    call = call_of(*sounds, stt=["נציג בבקשה", "דנה כהן בקשר לדירה"], knobs={"resp_min_delay_ms": 220})
    closed(call, 15.75)
    assert call.texts[-1] == SORRY and worded(OURS.message_taken) not in call.texts
    assert call.office.leads == [(("message", "דנה כהן בקשר לדירה"),)]


@pytest.mark.parametrize(
    "during_playout",
    [
        {"sounds": [Sound(5.8, 0.2, NOISE, LOUD)]},
        {"sounds": [Sound(5.8, 2.5)]},
        {"sounds": [Sound(7.9, 2.5)]},
        {"keys": [(5.8, "5"), (6.2, "0")]},
    ],
    ids=["a cough", "words", "words over its end", "keys"],
)
def test_f4_the_line_is_not_stopped(during_playout):
    """F4: there is no time to say it again."""
    call = call_of(*during_playout.pop("sounds", []), **during_playout)
    assert farewell(closed(call, 5.0)) == pytest.approx(5.0, abs=0.1)


def test_f4_a_reply_that_was_cut_for_nothing_is_not_taken_up():
    """F4, D4: a listener's "אהה" over us is judged while the server closes down."""
    call = closed(call_of(OPENING, over_reply(IN_SECOND), stt=["שאלה", "אהה"]), REPLY_AT_S + IN_SECOND + 0.5)
    assert call.texts == [GREETING, FIRST, SECOND, SORRY] and not whole(call.heard[2])
    farewell(call)


def test_f4_a_cough_during_playout_does_not_cost_the_sentence():
    """F4, D1: it is stopped, judged, and goes on to its end."""
    cough = Sound(REPLY_AT_S + IN_SECOND, 0.2, NOISE, LOUD)
    call = closed(call_of(OPENING, cough), REPLY_AT_S + IN_SECOND + 0.2)
    heard = sum(said.until_s - said.at_s for said in call.heard if said.text == SECOND)
    assert call.texts[-1] == SORRY and THIRD not in call.texts
    assert heard == pytest.approx(length(SECOND), abs=0.1)


@pytest.mark.parametrize("closes_s", [0.02, 0.5, 0.81, 1.5])
def test_f4_the_greeting_gives_way(closes_s):
    """F4, B6: before it, and in the middle of it."""
    call = closed(call_of(), closes_s)
    assert call.texts in ([SORRY], [GREETING, SORRY])
    farewell(call)


def test_f4_it_is_said_once_however_often_it_is_said_to_us():
    """F4: hosts signal every process, and several times."""
    call = closed(call_of(OPENING), 5.0, times=8)
    farewell(call)
    assert call.texts.count(SORRY) == 1 and len(call.lines("CLOSING_DOWN")) == 1


def test_f4_g2_without_a_voice_the_call_ends_all_the_same():
    """F4, G2: a beep, and the end; Twilio is told the outcome."""
    call = call_of(premade=False)
    call.voice.fails = lambda text: True
    closed(call, 5.0, 20)
    assert call.beeped and call.office.outcomes == [EndCall()]


@pytest.mark.parametrize("hangs", [False, True])
def test_f4_stt_that_fail_or_never_answer_do_not_hold_it_up(hangs):
    """F4, G1: the words of the caller are not known; the line is the answer."""
    call = call_of(OPENING, stt=[None if hangs else ""])
    assert farewell(closed(call, 4.8)) <= 6.6
