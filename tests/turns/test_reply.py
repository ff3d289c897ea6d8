"""Our side of a turn: sentences from the LLM, lines of our own, and the audio of both."""

from dataclasses import replace

import pytest

from server.hebrew.understand.gender import Gender
from server.turns.actions import ApplyEffect, GenerateReply, Log, Synthesize
from server.turns.effects import EndCall, Expected, PhoneCall, SaveLead, Transfer
from server.turns.events import LlmFailed, ReplyDone, TtsAudio, TtsSentenceDone
from server.turns.history import Asked, CallHistory
from server.turns.intent import Intent
from server.turns.playout import HINT_INDEX, Playout, UnheardRest
from server.turns.prompts import asking_again, in_gender, in_turn
from server.turns.reply import (
    CALL_BACK,
    GAVE_UP,
    acts_due,
    advance,
    ask_llm,
    finish_hint,
    no_more_sentences,
    say_failure,
    say_farewell,
    say_line,
    say_own_answer,
    say_sentence,
    take_audio,
    take_up,
)
from server.turns.turn import InterruptedReply, Turn, UserTurn
from tests.wording import OURS


def turn(text="ומתי זה"):
    return Turn(3, UserTurn(), 0, Playout(3), asked=GenerateReply(3, text, (), 1))


def memory(*just_said, committed_turns=0, person=False, number="+972501234567"):
    remembered = CallHistory(2, 700, OURS)
    remembered.call = PhoneCall("CA1", number)
    remembered.reply_heard(0, list(just_said))
    remembered.committed_turns = committed_turns
    remembered.person = person
    return remembered


def texts(answer):
    return [sentence.text for sentence in answer.playout.sentences]


def test_c2_sentences_are_numbered_as_they_come():
    """C2: the index is the sentence's name between us and the voice."""
    answer = turn()
    assert say_sentence(answer, "ראשון.", memory()) == [Synthesize(3, 0, "ראשון.")]
    assert say_sentence(answer, "שני.", memory()) == [Synthesize(3, 1, "שני.")]
    assert texts(answer) == ["ראשון.", "שני."]
    assert (answer.fixed, answer.playout.complete) == (False, False)
    assert no_more_sentences(answer, memory()) == []
    assert answer.playout.complete


@pytest.mark.parametrize("text", ["", "...", " - "])
def test_a_sentence_without_a_word_is_not_said(text):
    """A7: "…" is never spoken."""
    answer = turn()
    assert say_sentence(answer, text, memory()) == []
    assert (texts(answer), answer.skipped) == ([], 0)


def test_e4_a_sentence_heard_a_moment_ago_is_skipped():
    """E4: whatever its punctuation."""
    answer = turn()
    assert say_sentence(answer, "השעה שש!", memory("השעה שש.")) == []
    assert answer.skipped == 1


def test_e4_unless_the_caller_asked_to_repeat():
    """E4: then it is what is wanted."""
    answer = turn("מה אמרת")
    assert say_sentence(answer, "השעה שש.", memory("השעה שש.")) == [Synthesize(3, 0, "השעה שש.")]


@pytest.mark.parametrize("committed_turns", [0, 1])
def test_e4_nothing_left_is_never_silence(committed_turns):
    """E4: one of a small set is said."""
    heard = memory("השעה שש.", committed_turns=committed_turns)
    answer = turn()
    say_sentence(answer, "השעה שש.", heard)
    line = in_gender(in_turn(OURS.already_said, committed_turns), Gender.FEMININE, None)
    assert no_more_sentences(answer, heard) == [Synthesize(3, 0, line)]
    assert (texts(answer), answer.fixed, answer.playout.complete) == ([line], True, True)


def test_e4_it_is_skipped_once():
    """E4: who asks again, and is answered the same again, hears it."""
    heard = memory("השעה שש.")
    first, second = turn(), turn()
    say_sentence(first, "השעה שש.", heard)
    no_more_sentences(first, heard)
    assert say_sentence(second, "השעה שש.", heard) == [Synthesize(3, 0, "השעה שש.")]


@pytest.mark.parametrize("began_at, said", [(700, False), (701, True)])
def test_e4_for_as_long_as_the_window(began_at, said):
    """E4: DEDUP_WINDOW_SEC from its end; two minutes later the same answer is an answer."""
    late = turn()
    late.began_at = began_at
    assert bool(say_sentence(late, "השעה שש.", memory("השעה שש."))) is said


def test_e4_no_line_of_the_set_is_a_rebuke():
    """E4: nobody is told that they were told."""
    assert not any("אמרתי" in line or "כבר" in line for line in OURS.already_said)


def test_e4_what_is_left_is_the_answer():
    """E4: no line is added to it."""
    heard = memory("השעה שש.")
    answer = turn()
    say_sentence(answer, "השעה שש.", heard)
    say_sentence(answer, "ועוד.", heard)
    assert no_more_sentences(answer, heard) == []
    assert texts(answer) == ["ועוד."]


def test_g2_a_llm_that_said_nothing_is_a_failed_one():
    """G2: the caller hears our line."""
    answer = turn()
    assert no_more_sentences(answer, memory()) == [Synthesize(3, 0, OURS.llm_failed[0])]
    assert answer.fixed


def test_e1_a_fixed_line_is_the_whole_answer():
    """E1: and nothing after it."""
    answer = turn()
    assert say_line(answer, "אפשר לנסח שוב?") == [Synthesize(3, 0, "אפשר לנסח שוב?")]
    assert (answer.fixed, answer.playout.complete, answer.sentences) == (True, True, 1)


# ---- audio


def test_the_audio_of_a_sentence_until_it_is_whole():
    """C2: in pieces of any size."""
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    for piece in (b"\x10" * 100, b"\x11" * 100):
        take_audio(answer, TtsAudio(3, 0, piece), "רגע")
    sentence = answer.playout.sentences[0]
    assert (bytes(sentence.audio), sentence.whole) == (b"\x10" * 100 + b"\x11" * 100, False)
    take_audio(answer, TtsSentenceDone(3, 0), "רגע")
    assert sentence.whole


def test_b5_the_hint_is_whole_at_once():
    """B5: from pre-made audio, before whatever is to come."""
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    take_audio(answer, TtsAudio(3, HINT_INDEX, b"\x33" * 320), "רגע")
    take_audio(answer, TtsSentenceDone(3, HINT_INDEX), "רגע")
    assert texts(answer) == ["רגע", "שלום."]
    assert answer.playout.sentences[0].whole and answer.playout.has_hint


def test_b5_the_hint_is_for_want_of_a_reply():
    """B5: with audio of the reply ready there is none."""
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    take_audio(answer, TtsAudio(3, 0, b"\x10" * 160), "רגע")
    take_audio(answer, TtsAudio(3, HINT_INDEX, b"\x33" * 320), "רגע")
    assert texts(answer) == ["שלום."]


# ---- acts

LEAD, EXPECTED = SaveLead((("name", "דנה"),)), Expected(("כן",))


def decided(*acts, person=True):
    answer = turn()
    say_sentence(answer, "שלום.", memory())
    assert advance(answer, ReplyDone(3, EXPECTED, acts), memory(person=person), "רגע") == []
    return answer


def test_f3_a_llm_that_hands_over_to_nobody_has_that_said():
    """F3: behind its own words; the rest of what it wants is done."""
    answer = turn()
    say_sentence(answer, "אני מעבירה.", memory())
    (said,) = advance(answer, ReplyDone(3, EXPECTED, (LEAD, Transfer())), memory(person=False), "רגע")
    assert said.text == in_gender(OURS.no_person, Gender.FEMININE, None)
    assert (answer.acts, answer.asks, answer.playout.complete) == ((LEAD,), Asked.MESSAGE, True)


@pytest.mark.parametrize(
    "act, person, asks",
    [
        (EndCall(), True, None),
        (Transfer(), True, Asked.PERSON),
        (Transfer(), False, None),
    ],
)
def test_f2_a_question_ends_nothing(act, person, asks):
    """F2: whoever is asked something is neither hung up on nor handed over; a lead is kept all the same."""
    answer, remembered = turn(), memory(person=person)
    say_sentence(answer, "להעביר אתכם לנציג?", remembered)
    actions = advance(answer, ReplyDone(3, EXPECTED, (LEAD, act)), remembered, "רגע")
    assert actions == [Log("ENDS_NOTHING a question, turn=3")]
    assert (answer.acts, answer.asks, answer.playout.complete) == ((LEAD,), asks, True)


@pytest.mark.parametrize("sentences", [("מה המחיר? אבדוק.",), ("רוצים עוד?", "להתראות!")])
def test_f2_a_question_that_is_not_the_end_changes_nothing(sentences):
    """F2: only the last sentence counts."""
    answer = turn()
    for sentence in sentences:
        say_sentence(answer, sentence, memory())
    advance(answer, ReplyDone(3, EXPECTED, (EndCall(),)), memory(), "רגע")
    assert answer.acts == (EndCall(),)


@pytest.mark.parametrize("act, line", [(EndCall(), OURS.goodbye), (Transfer(), OURS.handing_over)])
@pytest.mark.parametrize("said", [(), ("להתראות!",)], ids=["no word", "the same words again"])
def test_f2_a_way_out_without_words_of_its_own_has_ours(act, line, said):
    """F2, F3, E4: never a question of ours, behind which nothing may end."""
    answer, remembered = turn(), memory(*said, person=True)
    for sentence in said:
        assert say_sentence(answer, sentence, remembered) == []
    (spoken,) = advance(answer, ReplyDone(3, EXPECTED, (LEAD, act)), remembered, "רגע")
    assert spoken.text == in_gender(line, Gender.FEMININE, None)
    assert answer.acts == (LEAD, act)


def test_b3_acts_come_with_the_end_of_the_reply():
    """B3: kept until they are due."""
    answer = decided(LEAD, EndCall())
    assert (answer.expected, answer.acts) == (EXPECTED, (LEAD, EndCall()))


def test_f2_f3_what_is_due_when():
    """B3, F2, F3: a lead once the turn is committed, what ends the call once it was heard; each once."""
    answer, remembered = decided(LEAD, Transfer()), memory()
    assert acts_due(answer, remembered, heard=False) == [ApplyEffect(LEAD)]
    assert acts_due(answer, remembered, heard=False) == []
    assert answer.acts == (Transfer(),)
    assert acts_due(answer, remembered, heard=True) == [ApplyEffect(Transfer())]
    assert acts_due(answer, remembered, heard=True) == []
    late = decided(LEAD, EndCall())
    assert acts_due(late, memory(), heard=True) == [ApplyEffect(LEAD), ApplyEffect(EndCall())]


def test_b3_what_this_call_has_done_is_not_done_again():
    """B3: by whichever turn."""
    remembered = memory()
    acts_due(decided(LEAD), remembered, heard=False)
    again = decided(LEAD, EndCall())
    assert acts_due(again, remembered, heard=True) == [ApplyEffect(EndCall())]
    assert again.acts == ()


def test_d4_who_takes_up_a_reply_takes_up_its_acts():
    """D4, E2: what was not done yet."""
    answer = decided(LEAD, EndCall())
    acts_due(answer, memory(), heard=False)
    answer.asks = Asked.MESSAGE
    resumed = another_turn()
    assert take_up(resumed, InterruptedReply(answer.playout.kept(), answer)) == [Synthesize(5, 0, "שלום.")]
    assert (resumed.expected, resumed.acts, resumed.asks) == (EXPECTED, (EndCall(),), Asked.MESSAGE)


# ---- D4: the rest of a reply

ASK = GenerateReply(3, "ומתי זה", (), 1, may_wait=True, may_listen=True, caller=Gender.FEMININE, person=True)


def another_turn():
    return Turn(5, UserTurn(), 0, Playout(5))


def cut(*sentences, before=(), complete=False, asked=ASK, fixed=False):
    """What is left of a reply: texts, each with its audio or None."""
    old = Turn(3, UserTurn(), 0, Playout(3), asked=asked, before=before, fixed=fixed)
    return InterruptedReply(UnheardRest(("ראשון.",), sentences, complete), old)


def test_d4_what_was_made_is_kept_and_the_rest_is_made_again():
    """D4: a whole sentence is played as it is, one that was not whole is voiced again, none is lost."""
    resumed = another_turn()
    left = cut(("שני.", b"\x10" * 320), ("שלישי.", None), complete=True)
    assert take_up(resumed, left) == [Synthesize(5, 1, "שלישי.")]
    take_audio(resumed, TtsAudio(5, 1, b"\x11" * 160), "רגע")
    take_audio(resumed, TtsSentenceDone(5, 1), "רגע")
    assert [(one.text, one.frames, one.whole) for one in resumed.playout.sentences] == [
        ("שני.", 2, True),
        ("שלישי.", 1, True),
    ]
    assert resumed.playout.complete and resumed.sentences == 2


def test_d4_a_missing_rest_is_asked_for_with_what_was_said():
    """D4: with all that was heard and is said again before it; it may not wait a second time."""
    resumed = another_turn()
    actions = take_up(resumed, cut(("שני.", b"\x10"), ("שלישי.", None), before=("קודם.",)))
    said = "קודם. ראשון. שני. שלישי."
    assert actions == [
        Synthesize(5, 1, "שלישי."),
        replace(ASK, turn_id=5, said=said, may_wait=False, may_listen=False),
    ]
    assert not resumed.playout.complete
    assert resumed.before == ("קודם.", "ראשון.")


def test_d4_what_the_llm_was_not_asked_is_not_asked_for():
    """D4: a line of our own has no rest."""
    resumed = another_turn()
    assert take_up(resumed, cut(("שני.", b"\x10"), asked=None, fixed=True)) == []
    assert (resumed.playout.complete, resumed.fixed) == (True, True)


@pytest.mark.parametrize("text", ["קודם.", "ראשון!", "שני", "שלישי."])
def test_d4_a_llm_that_says_it_all_again_is_not_said_twice(text):
    """D4: whatever was heard or is said again anyway, whatever its punctuation."""
    resumed = another_turn()
    resumed.resumes = True
    take_up(resumed, cut(("שני.", b"\x10"), ("שלישי.", None), before=("קודם.",)))
    assert say_sentence(resumed, text, memory()) == []
    assert say_sentence(resumed, "רביעי.", memory("רביעי.")) == [Synthesize(5, 2, "רביעי.")]
    assert resumed.skipped == 0


@pytest.mark.parametrize("event", [ReplyDone(5), LlmFailed(5, "down")])
def test_d4_a_rest_that_is_none_needs_no_line(event):
    """D4, G2: what was to be said was said."""
    resumed = another_turn()
    resumed.resumes = True
    advance(resumed, event, memory(), "רגע")
    assert (texts(resumed), resumed.playout.complete) == ([], True)


# ---- answers of our own


OFFICE = "+972501234567"


def message(text):
    return SaveLead((("message", text),))


LEFT = message("דנה")


def own(meaning, text="טקסט", person=False, unclear=0, deaf=0, number=OFFICE, left=None):
    answer, remembered = another_turn(), memory(person=person, number=number)
    remembered.unclear_in_a_row, remembered.deaf_in_a_row = unclear, deaf
    if left is not None:
        remembered.first_time(left)
    (said,) = say_own_answer(answer, meaning, text, remembered)
    assert answer.fixed and answer.playout.complete
    return said.text, answer.asks, answer.acts


@pytest.mark.parametrize(
    "case, line, asks, acts",
    {
        "unclear": ({"meaning": Intent.UNCLEAR}, asking_again(OURS.unclear, 1), None, ()),
        "for the third time, with a person": (
            {"meaning": Intent.UNCLEAR, "unclear": 2, "person": True},
            OURS.offer_person,
            Asked.PERSON,
            (),
        ),
        "a call back": (
            {"meaning": Intent.CALL_BACK},
            OURS.message_taken,
            Asked.MORE,
            (message(CALL_BACK),),
        ),
        "a call back to a hidden number": (
            {"meaning": Intent.CALL_BACK, "number": ""},
            OURS.which_number,
            Asked.MESSAGE,
            (message(CALL_BACK),),
        ),
        "for the sixth time": (
            {"meaning": Intent.UNCLEAR, "unclear": 5},
            OURS.giving_up,
            None,
            (message(GAVE_UP), EndCall()),
        ),
        "for the sixth time, with a person": (
            {"meaning": Intent.UNCLEAR, "unclear": 5, "person": True},
            OURS.handing_over,
            None,
            (Transfer(),),
        ),
        "for the sixth time, hidden": (
            {"meaning": Intent.UNCLEAR, "unclear": 5, "number": ""},
            OURS.giving_up_hidden,
            None,
            (message(GAVE_UP), EndCall()),
        ),
        "for the sixth time, with a message left": (
            {"meaning": Intent.UNCLEAR, "unclear": 5, "left": LEFT},
            OURS.giving_up,
            None,
            (LEFT, EndCall()),
        ),
        "deaf": ({"meaning": Intent.DEAF}, OURS.not_heard, None, ()),
        "deaf again": ({"meaning": Intent.DEAF, "deaf": 1}, OURS.deaf_keys, Asked.KEYS, ()),
        "deaf again, hidden": (
            {"meaning": Intent.DEAF, "deaf": 1, "number": ""},
            OURS.deaf_keys_hidden,
            Asked.KEYS,
            (),
        ),
        "deaf again, with a person": (
            {"meaning": Intent.DEAF, "deaf": 1, "person": True},
            OURS.deaf_hand_over,
            None,
            (Transfer(),),
        ),
        "deaf for the sixth time": (
            {"meaning": Intent.DEAF, "deaf": 5},
            OURS.giving_up,
            None,
            (message(GAVE_UP), EndCall()),
        ),
        "deaf, and a call back by the key": (
            {"meaning": Intent.CALL_BACK, "deaf": 2},
            OURS.noted_goodbye,
            None,
            (message(CALL_BACK), EndCall()),
        ),
        "deaf, and a number by keys": (
            {"meaning": Intent.MESSAGE, "text": "0521234567", "deaf": 2, "number": ""},
            OURS.noted_goodbye,
            None,
            (message("0521234567"), EndCall()),
        ),
        "deaf, and the key for a person who is not there": (
            {"meaning": Intent.PERSON, "deaf": 2},
            OURS.deaf_keys,
            Asked.KEYS,
            (),
        ),
        "for the third time": (
            {"meaning": Intent.UNCLEAR, "unclear": 2},
            OURS.offer_call_back,
            Asked.CALL_BACK,
            (),
        ),
        "a goodbye": ({"meaning": Intent.GOODBYE}, OURS.goodbye, None, (EndCall(),)),
        "too late": ({"meaning": Intent.TOO_LATE}, OURS.time_is_up, None, (EndCall(),)),
        "a person": ({"meaning": Intent.PERSON, "person": True}, OURS.handing_over, None, (Transfer(),)),
        "nobody there": ({"meaning": Intent.PERSON}, OURS.no_person, Asked.MESSAGE, ()),
        "they will leave a message": ({"meaning": Intent.GO_AHEAD}, OURS.go_ahead, Asked.MESSAGE, ()),
        "the message": (
            {"meaning": Intent.MESSAGE, "text": "דנה 050"},
            OURS.message_taken,
            Asked.MORE,
            (message("דנה 050"),),
        ),
        "the message, hidden": (
            {"meaning": Intent.MESSAGE, "text": "דנה", "number": ""},
            OURS.message_number,
            Asked.MESSAGE,
            (LEFT,),
        ),
        "the message, hidden, with a number": (
            {
                "meaning": Intent.MESSAGE,
                "text": "דנה, אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע",
                "number": "",
            },
            OURS.message_taken,
            Asked.MORE,
            (message("דנה, אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע"),),
        ),
        "and then no number": (
            {"meaning": Intent.MESSAGE, "text": "אין לי", "number": "", "left": LEFT},
            OURS.message_kept,
            Asked.MORE,
            (message("דנה אין לי"),),
        ),
        "and then the number": (
            {"meaning": Intent.MESSAGE, "text": "0521234567", "number": "", "left": LEFT},
            OURS.message_taken,
            Asked.MORE,
            (message("דנה 0521234567"),),
        ),
        "declined": ({"meaning": Intent.DECLINED}, OURS.no_message, None, ()),
    }.values(),
)
def test_f2_f3_f4_what_the_llm_is_not_asked(case, line, asks, acts):
    """E1, F2, F3, F4: a line of ours in this agent's gender, what it asks for and what follows it."""
    assert own(**case) == (in_gender(line, Gender.FEMININE, None), asks, acts)


def test_g2_the_third_failure_in_a_row_offers_a_call_back():
    """G2: then the caller's yes is for us."""
    remembered = memory()
    asked = []
    for _ in range(3):
        answer = another_turn()
        say_failure(answer, remembered)
        asked.append(answer.asks)
    assert asked == [None, None, Asked.CALL_BACK]


@pytest.mark.parametrize(
    "person, number, line, acts",
    [
        (False, OFFICE, OURS.giving_up, (message(GAVE_UP), EndCall())),
        (False, "", OURS.giving_up_hidden, (message(GAVE_UP), EndCall())),
        (True, OFFICE, OURS.handing_over, (Transfer(),)),
    ],
)
def test_e1_at_the_sixth_failure_something_is_done(person, number, line, acts):
    """E1, G2: the call is not kept going by lines of ours; the office knows of it."""
    remembered = memory(person=person, number=number)
    for _ in range(5):
        answer = another_turn()
        say_failure(answer, remembered)
        assert answer.acts == ()
    last = another_turn()
    (said,) = say_failure(last, remembered)
    assert (said.text, last.acts) == (in_gender(line, Gender.FEMININE, None), acts)


@pytest.mark.parametrize("words, kept", [("דנה, בקשר לדירה", True), ("מתי יהיה מישהו?", False), ("", False)])
def test_f3_a_message_that_no_llm_takes_is_kept_by_us(words, kept):
    """F3, G2: it was asked for, and the LLM has failed; a question is none, nor are no words."""
    remembered = memory()
    remembered.asked = Asked.MESSAGE
    answer = another_turn()
    answer.words = words
    (said,) = say_failure(answer, remembered)
    taken = in_gender(OURS.message_taken, Gender.FEMININE, None)
    assert (said.text == taken, answer.acts) == (kept, (message(words),) if kept else ())


@pytest.mark.parametrize(
    "words, line, asks",
    [
        ("כן", OURS.go_ahead, Asked.MESSAGE),
        ("לא תודה", OURS.no_message, None),
        ("רגע", OURS.llm_failed[0], None),
    ],
)
def test_f3_what_is_no_message_is_not_kept_as_one(words, line, asks):
    """F3, G2: the LLM has failed, and the answer to what we asked is none to file."""
    remembered = memory()
    remembered.asked = Asked.MESSAGE
    answer = another_turn()
    answer.words = words
    (said,) = say_failure(answer, remembered)
    assert (said.text, answer.asks, answer.acts) == (in_gender(line, Gender.FEMININE, None), asks, ())


@pytest.mark.parametrize(
    "number, said, line",
    [
        (OFFICE, "", OURS.closing_call_back),
        ("", "", OURS.closing_hidden),
        ("", "דנה 0521234567", OURS.closing_call_back),
    ],
)
def test_f4_who_cannot_be_called_back_is_not_promised_it(number, said, line):
    """F4: the number is theirs, or in what they have just left."""
    answer = another_turn()
    (spoken,) = say_farewell(answer, memory(number=number), said)
    assert spoken.text == in_gender(line, Gender.FEMININE, None)
    assert answer.acts[-1] == EndCall() and isinstance(answer.acts[0], SaveLead)


def test_a7_what_the_llm_is_asked():
    """A7, B3, F3: of the caller's turn, with the history, and nothing of it is noted."""
    remembered = memory(person=True, committed_turns=4)
    remembered.caller_said("אני מחפשת דירה")
    answer = another_turn()
    before = remembered.history
    assert ask_llm(answer, "ומחר", remembered, may_wait=True) == [
        GenerateReply(5, "ומחר", before, 5, may_wait=True, caller=Gender.FEMININE, person=True)
    ]
    assert answer.text == "ומחר" and remembered.history == before


def test_c2_a_llm_that_runs_on_is_not_listened_to():
    """C2: no more than 64 sentences."""
    answer = turn()
    said = [bool(say_sentence(answer, f"משפט {number}.", memory())) for number in range(70)]
    assert said == [True] * 63 + [False] * 7


def test_b5_a_hint_that_is_heard_comes_to_its_end():
    """B5: nothing was said after all."""
    answer = another_turn()
    assert not finish_hint(answer)
    assert (answer.fixed, answer.playout.complete) == (False, False)
    take_audio(answer, TtsAudio(5, HINT_INDEX, b"\x33" * 320), "רגע")
    answer.playout.take(1, reply_may_start=False)
    assert finish_hint(answer)
    assert (answer.fixed, answer.playout.complete) == (True, True)
