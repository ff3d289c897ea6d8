"""Rules D4 (words), F1-F4, and the agent's and the caller's gender. Whole calls in simulated time."""

from datetime import UTC, datetime

import pytest

from server.hebrew.understand.gender import Gender
from server.providers.base import ProviderError
from server.settings.prompts_file import lines_of
from server.turns.effects import EndCall, SaveLead, Speaker, Transfer
from tests.simtime.call import GREETING, SimCall, worded
from tests.simtime.engines import Reply
from tests.simtime.line import LOUD, NOISE, Sound
from tests.simtime.office import Office
from tests.wording import OURS

FIRST, SECOND, THIRD = (
    "המשפט הראשון של התשובה שלי אליך.",
    "המשפט השני של התשובה ארוך קצת יותר.",
    "ומה דעתך על כל זה?",
)
REPLY = f"{FIRST} {SECOND} {THIRD}"
OPENING = Sound(3.0, 1.5)
REPLY_AT_S = 5.32
PERSON = {"transfer_number": "+97231234567"}
IDLE = {"idle_prompt_sec": 8}


def call_of(*sounds, **more):
    call = SimCall(list(sounds), **{"reply": REPLY, **more})
    call.office = Office(call)
    return call


def over_reply(after_s, for_s=0.8):
    return Sound(REPLY_AT_S + after_s, for_s)


def asked(call):
    return [request.text for request in call.llm.requests]


def length(text):
    return 0.06 * len(text)


IN_SECOND = length(FIRST) + 0.5


# ---- D4: what is said over us ----


@pytest.mark.parametrize("word, into_s", [("אממ", 0.5), ("הבנתי", 0.5), ("כן", 0.02), ("אהה", 0.02)])
def test_d4_what_answers_no_question_is_none(word, into_s):
    """D4: a hum, or a "כן" before the question could be heard: it is asked to its end."""
    at_s = length(FIRST) + length(SECOND) + into_s
    call = call_of(OPENING, over_reply(at_s), stt=["שאלה ראשונה", word]).run(22)
    assert call.texts[1:] == [FIRST, SECOND, THIRD, THIRD] and asked(call) == ["שאלה ראשונה"]


def test_d4_a_missing_rest_is_asked_for_with_what_was_heard():
    """D4: the LLM was cut off while it was still thinking; what it had said is kept, not said twice."""
    call = call_of(OPENING, over_reply(1.0), stt=["שאלה ראשונה", "אהה"])
    call.llm.sentence_s = 1.2
    call.run(26)
    first, rest = call.llm.requests
    assert (first.said, rest.said, rest.text, rest.history) == (
        *("", f"{FIRST} {SECOND}"),
        *("שאלה ראשונה", first.history),
    )
    assert call.texts[1:] == [FIRST, FIRST, SECOND, THIRD]
    assert call.lines("tts_done") and call.llm.open_streams == 0


def test_d4_a_llm_that_has_no_rest_to_give_leaves_what_it_said():
    """D4, G2: it fails: what was kept is said to its end, and nothing is made up."""
    answers = iter([REPLY, ProviderError("down"), ProviderError("down")])
    call = call_of(OPENING, over_reply(1.0), stt=["שאלה", "אהה"], reply=lambda request: next(answers))
    call.llm.sentence_s = 1.2
    call.run(20)
    assert call.texts[1:] == [FIRST, FIRST, SECOND]
    assert call.machine.state.value == "LISTENING"


def test_d4_d3_history_has_a_resumed_reply_once():
    """D3, D4: what was taken up again is remembered as heard, uninterrupted."""
    sounds = [OPENING, over_reply(IN_SECOND), Sound(18.0, 1.5)]
    call = call_of(*sounds, stt=["שאלה ראשונה", "אהה", "שאלה שנייה"]).run(26)
    said = [line for line in call.llm.requests[-1].history if line.speaker is Speaker.AGENT]
    assert " ".join(line.text for line in said[1:]) == REPLY
    assert not any(line.interrupted for line in said)


# ---- F1 ----


def test_f1_who_speaks_is_not_asked_and_the_count_begins_anew():
    """F1: every answer starts a new wait."""
    sounds = [Sound(12.0, 1.5), Sound(26.0, 1.5)]
    call = call_of(*sounds, reply="תשובה קצרה. ומה עוד?", knobs=IDLE).run(36)
    assert call.texts.count(worded(OURS.still_there[0])) == 2
    assert call.office.outcomes == []


def test_f1_energy_that_is_no_voice_delays_it_once():
    """F1: a cough in the wait begins it anew; the coughs after it do not."""
    coughs = [Sound(6.0 + 3 * n, 0.1, NOISE, LOUD) for n in range(3)]
    call = call_of(*coughs, knobs=IDLE).run(20)
    (asked_,) = [said for said in call.heard if said.text == worded(OURS.still_there[0])]
    assert 14.0 <= asked_.at_s <= 14.6  # not 20


def test_f1_the_question_is_part_of_the_conversation():
    """F1: who answers "כן" to it answers it, not what was asked before."""
    call = call_of(Sound(11.5, 0.8), stt=["כן"], knobs=IDLE).run(16)
    assert call.llm.requests[0].history[-1].text == worded(OURS.still_there[0])


def test_f1_a_long_answer_of_the_llm_is_no_silence():
    """F1: thinking and speaking are not waiting; switched off nobody is asked."""
    call = call_of(OPENING, reply=" ".join(["משפט ארוך למדי של תשובה."] * 8), knobs=IDLE).run(16)
    assert worded(OURS.still_there[0]) not in call.texts
    assert call_of(knobs={"idle_prompt_sec": 0}).run(40).texts == [GREETING]


# ---- F2, F3 ----


@pytest.mark.parametrize(
    "greeting",
    [
        *("חג שמח", "שבת שלום", "שבת שלום לכולם", "חג שמח לך", "יום טוב", "יום טוב לך", "לילה טוב"),
        *("שלום ותודה", "נשתמע", "ביי", "להתראות"),
    ],
)
@pytest.mark.parametrize("llm", [True, False])
def test_f2_the_first_words_of_a_call_are_never_a_goodbye(greeting, llm):
    """F2: they are answered, whoever listens; on Fridays people open a call so."""
    call = call_of(OPENING, stt=[greeting], reply="שבת שלום! במה אפשר לעזור?")
    call.llm.takes_messages = llm
    call.run(16, hang_up=False)
    assert asked(call) == [greeting] and call.office.outcomes == []


@pytest.mark.parametrize("words", ["חג שמח", "תודה ויום טוב", "תודה דנה ביי", "אני חייב לסיים, ביי"])
def test_f2_a_goodbye_that_may_be_more_is_for_the_llm_to_judge(words):
    """F2: and it says so by its tool."""
    sounds = [OPENING, Sound(14.0, 1.0)]
    call = call_of(*sounds, stt=["שאלה", words], reply="תשובה קצרה.").run(24, hang_up=False)
    assert asked(call) == ["שאלה", words] and call.office.outcomes == []


def test_f2_a_goodbye_inside_a_sentence_is_none():
    """F2: the call goes on."""
    call = call_of(OPENING, stt=["הוא אמר לי להתראות ונעלם"]).run(14, hang_up=False)
    assert call.office.outcomes == [] and len(asked(call)) == 1


def test_f3_zero_among_digits_is_a_digit():
    """F3: alone means alone; and where one digit is the answer, it is that."""
    keys = [(3.0, "0"), (3.4, "5"), (3.8, "#")]
    assert asked(call_of(keys=keys, knobs=PERSON).run(10)) == ["05"]


def test_f3_without_a_person_a_message_is_taken():
    """F3: the agent says so, takes the message whole, keeps it, and the call goes on."""
    sounds = [OPENING, Sound(13.0, 0.6), Sound(17.5, 2.0), Sound(27.0, 1.5)]
    stt = ["תעביר אותי לנציג", "כן", "דנה כהן בקשר לדירה ברחוב הרצל", "שאלה אחרת"]
    call = call_of(*sounds, stt=stt).run(36)
    expected = map(worded, (OURS.no_person, OURS.go_ahead, OURS.message_taken))
    assert call.texts[1:4] == list(expected)
    assert call.office.leads == [(("message", stt[2]),)]
    assert asked(call) == ["שאלה אחרת"] and call.office.outcomes == []


def test_f3_the_office_opens_and_closes_during_a_call():
    """F3: whether there is a person is what holds when they are asked for."""
    knobs = {**PERSON, "office_hours": "Sun-Thu 09:00-18:00"}
    closes = datetime(2026, 11, 22, 15, 59, 50, tzinfo=UTC)  # 17:59:50 on a Sunday in Israel
    for at_s, line in ((3.0, OURS.handing_over), (12.0, OURS.no_person)):
        call = call_of(Sound(at_s, 1.5), stt=["נציג בבקשה"], knobs=knobs)
        call.host["now"] = lambda: closes
        call.run(18, hang_up=False)
        assert call.texts[1] == worded(line)


def test_e1_the_offer_of_a_person_is_kept():
    """E1, F3: after three unclear turns, with a person there, that is what is offered; "כן" accepts it."""
    sounds = [Sound(3 + 6 * n, 1.0) for n in range(4)]
    call = call_of(*sounds, stt=["", "", "", "כן"], knobs=PERSON).run(32, hang_up=False)
    assert call.texts[3:] == [worded(OURS.offer_person), worded(OURS.handing_over)]
    assert call.office.outcomes == [Transfer()]


def test_f3_a_llm_cannot_hand_over_to_nobody():
    """F3: it decides so all the same: the call goes on."""
    call = call_of(OPENING)
    call.llm.acts = (Transfer(), SaveLead((("name", "דנה"),)))
    call.run(16, hang_up=False)
    assert call.office.outcomes == [] and len(call.office.leads) == 1 and not call.finished


# ---- F4 ----


def test_f4_a_call_has_an_end():
    """F4: at the first pause past the limit, politely."""
    call = call_of(Sound(26.0, 1.0), reply="תשובה קצרה. ומה עוד?", knobs={"max_call_sec": 30})
    call.run(50, hang_up=False)
    assert call.texts[-1] == OURS.time_is_up
    assert call.heard[-1].at_s == pytest.approx(30.0, abs=0.1)
    assert call.office.outcomes == [EndCall()] and call.finished


def test_f4_who_speaks_over_the_end_again_and_again_is_hung_up_on():
    """F4: a minute past the limit, whatever is going on."""
    sounds = [Sound(28.0 + 2.4 * n, 1.2) for n in range(40)]
    call = call_of(*sounds, stt=["רגע אחד"], knobs={"max_call_sec": 30}).run(100, hang_up=False)
    assert call.finished and call.office.outcomes == [EndCall()]
    assert call.event_times[-1] <= 91.5


# ---- gender ----


def test_the_agent_speaks_as_it_is_set():
    """Part 7: fixed lines and the hint follow AGENT_GENDER."""
    knobs = {**PERSON, "agent_gender": "masculine"}
    call = call_of(OPENING, stt=["נציג בבקשה"], knobs=knobs).run(14)
    assert call.texts[1] == lines_of("", Gender.MASCULINE).handing_over
    assert "מעביר " in call.texts[1]


@pytest.mark.parametrize(
    "said, caller",
    [("אני מחפשת דירה", Gender.FEMININE), ("אני מחפש דירה", Gender.MASCULINE), ("יש דירה", None)],
)
def test_the_caller_is_spoken_to_as_they_speak(said, caller):
    """Part 7: neutral until the caller's own words have shown it; the LLM is told at once."""
    call = call_of(OPENING, Sound(14.0, 1.5), stt=[said, "נציג בבקשה"], reply="תשובה קצרה.").run(22)
    assert call.llm.requests[0].caller is caller
    assert call.texts[-1] == worded(OURS.no_person, caller)


# ---- what a line of ours has asked for ----


def after_three_unclear_turns(answer, **knobs):
    sounds = [Sound(3 + 6 * n, 1.0) for n in range(4)]
    return call_of(*sounds, stt=["", "", "", answer], knobs=knobs).run(34, hang_up=False)


@pytest.mark.parametrize("answer, asks_llm", [("כן", False), ("לא תודה", False), ("יש לכם דירה בחיפה", True)])
def test_e1_nobody_there_and_a_call_back_is_offered(answer, asks_llm):
    """E1, F3: "כן" leaves a message for the office; anything else is what it is."""
    call = after_three_unclear_turns(answer)
    assert call.texts[3] == worded(OURS.offer_call_back)
    assert bool(asked(call)) is asks_llm
    assert call.office.leads == ([(("message", "מבקשים שיחזרו אליהם"),)] if answer == "כן" else [])


@pytest.mark.parametrize(
    "answer, line",
    [
        ("אני לא רוצה להשאיר הודעה", OURS.no_message),
        ("לא רלוונטי", OURS.no_message),
        ("כן אני רוצה להשאיר הודעה", OURS.go_ahead),
        ("מתי יהיה נציג פנוי", FIRST),
        ("רגע", FIRST),
        ("דנה כהן בקשר לדירה בהרצל", OURS.message_taken),
    ],
)
def test_f3_not_everything_is_a_message(answer, line):
    """F3: only what was left for the office is filed."""
    call = call_of(OPENING, Sound(14.0, 1.2), stt=["נציג בבקשה", answer]).run(24)
    assert call.texts[2] == worded(line)
    assert len(call.office.leads) == (line == OURS.message_taken)


CHOICE = "מתי נוח להיפגש, ביום שני בבוקר או ביום שלישי בערב?"


@pytest.mark.parametrize("after_s", [-0.4, 0.2, 0.4, 0.6, 0.9])
def test_e3_who_picks_one_of_two_is_the_caller(after_s):
    """E3: right behind our question, in our words."""
    reply = iter([CHOICE, "מצוין, רשמתי."])
    at_s = REPLY_AT_S + length(CHOICE) + after_s
    call = call_of(
        OPENING, Sound(at_s, 1.2), stt=["אשמח להיפגש", "ביום שני בבוקר"], reply=lambda _: next(reply)
    )
    call.run(18)
    assert asked(call)[1:] == ["ביום שני בבוקר"] and call.lines("ECHO") == []


@pytest.mark.parametrize("thanks", ["אוקיי", "תודה להתראות"])
@pytest.mark.parametrize("after_s", [0.6, 1.6, 2.1])
def test_f3_thanks_for_a_hand_over_do_not_cancel_it(thanks, after_s):
    """D4, F3: over the line, or over its last moment: it is said to its end, and the call handed over."""
    at_s = 5.32 + after_s  # the line lasts for 2.3 s
    call = call_of(OPENING, Sound(at_s, 0.8), stt=["נציג בבקשה", thanks], knobs=PERSON).run(20, hang_up=False)
    assert asked(call) == [] and call.office.outcomes == [Transfer()]


def test_f2_a_cough_long_after_a_goodbye_that_was_answered_ends_nothing():
    """F2, D2: the goodbye was cut in its last moment, and the call went on."""
    goodbye = "תודה ולהתראות לך בינתיים."
    sounds = [OPENING, Sound(REPLY_AT_S + length(goodbye) - 0.2, 1.0), Sound(18.0, 0.3)]
    call = call_of(*sounds, stt=["זה הכול", "נציג", ""], reply=goodbye)
    call.llm.acts = (EndCall(),)
    call.run(26, hang_up=False)
    assert worded(OURS.no_person) in call.texts and call.office.outcomes == []


def test_f3_a_message_is_still_awaited_after_it_was_not_understood():
    """E1, F3: asked again, and then kept."""
    sounds = [OPENING, Sound(14.0, 1.0), Sound(20.0, 1.5)]
    call = call_of(*sounds, stt=["נציג בבקשה", "", "דנה כהן בקשר לדירה"]).run(30)
    assert call.office.leads == [(("message", "דנה כהן בקשר לדירה"),)]


def test_f3_a_message_in_two_breaths_is_kept_whole():
    """F3: a name, and then the number, over our thanks."""
    sounds = [OPENING, Sound(14.0, 1.0), Sound(16.4, 2.0)]
    stt = ["נציג בבקשה", "שמי דני כהן", "המספר שלי 0501234567"]
    call = call_of(*sounds, stt=stt).run(28)
    assert call.office.leads[-1] == (("message", "שמי דני כהן המספר שלי 0501234567"),)
    assert asked(call) == []


def test_f3_b3_a_message_that_goes_on_before_our_thanks_is_kept_once():
    """B3, F3, A6: the first half was a turn that was superseded: it leaves no trace in the whole."""
    sounds = [OPENING, Sound(14.0, 1.5), Sound(16.16, 1.5)]
    call = call_of(*sounds, stt=["נציג בבקשה", "שמי דני כהן", "המספר שלי 0501234567"]).run(26)
    assert call.lines("STATE THINKING → LISTENING")
    assert call.office.leads == [(("message", "שמי דני כהן המספר שלי 0501234567"),)]


@pytest.mark.parametrize("after_s", [0.8, 1.2])
def test_f3_who_leaves_a_message_and_hangs_up_has_left_it(after_s):
    """F3, F6: before our thanks could be heard."""
    call = call_of(OPENING, Sound(14.0, 1.0), stt=["נציג בבקשה", "דנה כהן בקשר לדירה"]).run(15.0 + after_s)
    assert call.office.leads == [(("message", "דנה כהן בקשר לדירה"),)]


def test_f3_key_0_over_a_voice_in_the_room():
    """F3, F5: somebody speaks in the background and nothing of it is understood."""
    call = call_of(Sound(3.0, 1.5), stt=[""], keys=[(4.0, "0")], knobs=PERSON).run(14, hang_up=False)
    assert call.office.outcomes == [Transfer()]


def test_f3_a_llm_that_hands_over_to_nobody_is_followed_by_a_line():
    """F3: the agent says that nobody is there and takes a message."""
    call = call_of(OPENING, Sound(20.0, 1.5), stt=["שאלה", "דנה כהן"], reply="אני מעבירה אותך.")
    call.llm.acts = (Transfer(),)
    call.run(30, hang_up=False)
    assert call.texts[1:3] == ["אני מעבירה אותך.", worded(OURS.no_person)]
    assert call.office.leads == [(("message", "דנה כהן"),)] and call.office.outcomes == []


def test_f4_past_the_limit_a_person_is_still_a_person():
    """F3, F4: who asks for one when the time is up gets one, not the goodbye."""
    call = call_of(Sound(29.0, 2.0), stt=["נציג בבקשה"], knobs={**PERSON, "max_call_sec": 30})
    call.run(50, hang_up=False)
    assert call.office.outcomes == [Transfer()]


@pytest.mark.parametrize("at_s", [8.3, 8.5, 8.8, 9.3, 9.6, 9.9, 10.5])
@pytest.mark.parametrize("barge_in", [False, True])
def test_f2_who_begins_over_the_last_word_or_right_behind_it_is_not_hung_up_on(at_s, barge_in):
    """F2, D5: with BARGE_IN=false too, and when the voice is not judged yet as the moment passes."""
    goodbye = "תודה ולהתראות לך בינתיים, ויום נעים מאוד לך."
    call = call_of(OPENING, Sound(at_s, 1.0), stt=["זה הכול", "יש לי עוד שאלה"], knobs={"barge_in": barge_in})
    replies = iter([Reply(goodbye, acts=(EndCall(),)), Reply("בשמחה, מה השאלה?")])
    call.llm.reply = lambda request: next(replies)
    call.run(18, hang_up=False)
    spoke_in_time = at_s < call.heard[1].until_s + 1.2
    assert asked(call)[1:] == ["יש לי עוד שאלה"] * spoke_in_time
    assert call.office.outcomes == [EndCall()] * (not spoke_in_time)


@pytest.mark.parametrize("thanks", ["ביי", "גם לך יום טוב"])
def test_f2_thanks_for_our_goodbye_do_not_keep_the_call(thanks):
    """F2, D4: they are the caller's share of it; nobody is asked."""
    goodbye = "תודה ולהתראות לך בינתיים, ויום נעים מאוד לך."
    call = call_of(OPENING, Sound(9.0, 0.8), stt=["זה הכול", thanks], reply=goodbye)
    call.llm.acts = (EndCall(),)
    call.run(14, hang_up=False)
    assert asked(call) == ["זה הכול"] and call.office.outcomes == [EndCall()]


OFFERS = "להעביר אתכם לנציג?"


@pytest.mark.parametrize("answer, over", [("כן, תודה", True), ("לא, תודה", False)])
def test_f2_f3_a_hand_over_that_is_asked_about_waits_for_the_answer(answer, over):
    """F2, F3: a plain yes hands over; anything else is the LLM's, and silence is no yes."""
    sounds = [OPENING, Sound(8.2, 0.8)] if answer else [OPENING]
    replies = iter([Reply(OFFERS, acts=(Transfer(),)), Reply("בסדר, נמשיך כאן.")])
    call = call_of(*sounds, stt=["יש לי עניין", answer], reply=lambda _: next(replies), knobs=PERSON)
    call.llm.takes_messages = True
    call.run(18, hang_up=False)
    assert call.office.outcomes == [Transfer()] * over
    assert len(asked(call)) == (2 if answer and not over else 1)


def test_e4_an_open_question_is_asked_again():
    """E4, E5: the LLM's question was not answered: what is new is not left without it."""
    replies = iter(["רשמתי חיפה. לקנייה או לשכירות?", "רשמתי חדרים. לקנייה או לשכירות?"])
    call = call_of(OPENING, Sound(12.0, 1.5), stt=["בחיפה", "חדרים"], reply=lambda _: next(replies)).run(20)
    assert call.texts[-1] == "לקנייה או לשכירות?"
