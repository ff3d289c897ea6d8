"""The agent's side of a turn: sentences of the LLM, prompts, and the audio of both."""

from dataclasses import replace

import pytest

from server.hebrew.understand.gender import Gender
from server.turns.actions import ApplyEffect, GenerateReply, Log, Synthesize
from server.turns.effects import EndCall, Expected, PhoneCall, SaveLead, Transfer
from server.turns.events import (
    LlmFailed,
    PersonAvailable,
    ReplyDone,
    ReplySentence,
    StreamStarted,
    TtsAudio,
    TtsSentenceDone,
)
from server.turns.expected_input import Asked
from server.turns.follow_up import Prompt
from server.turns.intent import Intent
from server.turns.machine import TurnMachine
from server.turns.phases import Phase, TurnEvent
from server.turns.playout import HINT_INDEX, UnheardRest
from server.turns.prompts import asking_again, in_gender, in_turn
from server.turns.response import CALL_BACK, GAVE_UP, farewell, own_answer
from server.turns.turn import InterruptedReply, LlmReply, PromptReply, Turn
from server.turns.turn_times import TurnTimes
from server.turns.utterances import UserTurn
from tests.turns.scene import PARAMS, play
from tests.wording import OURS

OFFICE = "+972501234567"
NOTHING_EXPECTED = Expected()


class Answer:
    """A turn of the caller's, number 1, that the LLM is asked about; ``just_said``: heard a moment ago."""

    def __init__(self, text="ומתי זה", just_said=(), committed=0, person=False, number=OFFICE, words=""):
        self.machine = TurnMachine(PARAMS)
        self.call = self.machine.call
        self.machine.handle(StreamStarted(call=PhoneCall("CA1", number)))
        self.machine.handle(PersonAvailable(person))
        self.call.dedup.reply_heard(0, just_said)
        for _ in range(committed):
            self.call.history.turn_committed()
        self.machine.current.owe(UserTurn())
        self.turn.on(TurnEvent.TRANSCRIBED)
        self.turn.understood_as(words)
        self.turn.ask(GenerateReply(1, text, (), 1))

    @property
    def turn(self):
        return self.machine.current.present

    @property
    def texts(self):
        return [sentence.text for sentence in self.turn.playout.sentences]

    def say(self, *sentences):
        """Of the LLM; what is done about them."""
        return play(self.machine, [ReplySentence(1, text) for text in sentences])

    def done(self, *acts, expected=NOTHING_EXPECTED):
        return play(self.machine, [ReplyDone(1, expected, acts)])


def test_c2_sentences_are_numbered_as_they_come():
    """C2: the index is the sentence's name between the turn and TTS."""
    answer = Answer()
    assert answer.say("ראשון.") == [Synthesize(1, 0, "ראשון.")]
    assert answer.say("שני.") == [Synthesize(1, 1, "שני.")]
    assert answer.texts == ["ראשון.", "שני."]
    assert (answer.turn.fixed, answer.turn.playout.complete) == (False, False)
    assert answer.done() == []
    assert answer.turn.playout.complete


@pytest.mark.parametrize("text", ["", "...", " - "])
def test_a_sentence_without_a_word_is_not_said(text):
    """A7: "…" is never spoken."""
    answer = Answer()
    assert answer.say(text) == []
    assert (answer.texts, answer.turn.skipped) == ([], False)


def test_e4_a_sentence_heard_a_moment_ago_is_skipped():
    """E4: whatever its punctuation."""
    answer = Answer(just_said=["השעה שש."])
    assert answer.say("השעה שש!") == []
    assert answer.turn.skipped


def test_e4_unless_the_caller_asked_to_repeat():
    """E4: then it is what is wanted."""
    answer = Answer("מה אמרת", just_said=["השעה שש."])
    assert answer.say("השעה שש.") == [Synthesize(1, 0, "השעה שש.")]


@pytest.mark.parametrize("committed", [0, 1])
def test_e4_nothing_left_is_never_silence(committed):
    """E4: one of a small set is said."""
    answer = Answer(just_said=["השעה שש."], committed=committed)
    answer.say("השעה שש.")
    line = in_gender(in_turn(OURS.already_said, committed), Gender.FEMININE, None)
    assert answer.done() == [Synthesize(1, 0, line)]
    assert (answer.texts, answer.turn.fixed, answer.turn.playout.complete) == ([line], True, True)


def test_e4_it_is_skipped_once():
    """E4: a caller who asks again, and is answered the same again, hears it."""
    answer = Answer(just_said=["השעה שש."])
    answer.say("השעה שש.")
    answer.done()
    assert not answer.call.dedup.just_said(0, "השעה שש.")


@pytest.mark.parametrize("began_at, said", [(700, False), (701, True)])
def test_e4_for_as_long_as_the_window(began_at, said):
    """E4: DEDUP_WINDOW_SEC from its end; two minutes later the same answer is an answer."""
    late = Answer(just_said=["השעה שש."])
    late.turn.times.user_turn_ended(began_at)
    assert bool(late.say("השעה שש.")) is said


def test_e4_no_line_of_the_set_is_a_rebuke():
    """E4: nobody is told that they were told."""
    assert not any("אמרתי" in line or "כבר" in line for line in OURS.already_said)


def test_e4_what_is_left_is_the_answer():
    """E4: no prompt is added to it."""
    answer = Answer(just_said=["השעה שש."])
    answer.say("השעה שש.", "ועוד.")
    assert answer.done() == []
    assert answer.texts == ["ועוד."]


def test_g2_a_llm_that_said_nothing_is_a_failed_one():
    """G2: the caller hears a prompt."""
    answer = Answer()
    assert answer.done() == [Synthesize(1, 0, OURS.llm_failed[0])]
    assert answer.turn.fixed


def test_e1_a_prompt_is_the_whole_answer():
    """E1: and nothing after it."""
    answer = Answer()
    assert answer.turn.say(Prompt("אפשר לנסח שוב?")) == [Synthesize(1, 0, "אפשר לנסח שוב?")]
    playout = answer.turn.playout
    assert (answer.turn.fixed, playout.complete, playout.count) == (True, True, 1)


# ---- audio


def test_the_audio_of_a_sentence_until_it_is_whole():
    """C2: in pieces of any size."""
    answer = Answer()
    answer.say("שלום.")
    for piece in (b"\x10" * 100, b"\x11" * 100):
        answer.machine.handle(TtsAudio(1, 0, piece))
    sentence = answer.turn.playout.sentences[0]
    assert (bytes(sentence.audio), sentence.whole) == (b"\x10" * 100 + b"\x11" * 100, False)
    answer.machine.handle(TtsSentenceDone(1, 0))
    assert sentence.whole


def test_b5_the_hint_is_whole_at_once():
    """B5: from pre-made audio, before whatever is to come."""
    answer = Answer()
    answer.say("שלום.")
    answer.machine.handle(TtsAudio(1, HINT_INDEX, b"\x33" * 320))
    answer.machine.handle(TtsSentenceDone(1, HINT_INDEX))
    assert answer.texts == [PARAMS.hint, "שלום."]
    assert answer.turn.playout.sentences[0].whole and answer.turn.playout.has_hint


def test_b5_the_hint_is_for_want_of_a_reply():
    """B5: with audio of the reply ready there is none."""
    answer = Answer()
    answer.say("שלום.")
    answer.machine.handle(TtsAudio(1, 0, b"\x10" * 160))
    answer.machine.handle(TtsAudio(1, HINT_INDEX, b"\x33" * 320))
    assert answer.texts == ["שלום."]


# ---- effects

LEAD, EXPECTED = SaveLead((("name", "דנה"),)), Expected(("כן",))


def decided(*acts, person=True):
    answer = Answer(person=person)
    answer.say("שלום.")
    assert answer.done(*acts, expected=EXPECTED) == []
    return answer


def test_f3_a_llm_that_hands_over_to_nobody_has_that_said():
    """F3: behind its own words; the rest of what it wants is done."""
    answer = Answer(person=False)
    answer.say("אני מעבירה.")
    (said,) = answer.done(LEAD, Transfer(), expected=EXPECTED)
    assert said.text == in_gender(OURS.no_person, Gender.FEMININE, None)
    follow_up = answer.turn.follow_up
    assert (follow_up.acts, follow_up.asks, answer.turn.playout.complete) == ((LEAD,), Asked.MESSAGE, True)


@pytest.mark.parametrize(
    "act, person, asks",
    [
        (EndCall(), True, None),
        (Transfer(), True, Asked.PERSON),
        (Transfer(), False, None),
    ],
)
def test_f2_a_question_ends_nothing(act, person, asks):
    """F2: a caller who is asked something is neither hung up on nor handed over; a lead is kept."""
    answer = Answer(person=person)
    answer.say("להעביר אתכם לנציג?")
    actions = answer.done(LEAD, act, expected=EXPECTED)
    assert actions == [Log("ENDS_NOTHING a question, turn=1")]
    follow_up = answer.turn.follow_up
    assert (follow_up.acts, follow_up.asks, answer.turn.playout.complete) == ((LEAD,), asks, True)


@pytest.mark.parametrize("sentences", [("מה המחיר? אבדוק.",), ("רוצים עוד?", "להתראות!")])
def test_f2_a_question_that_is_not_the_end_changes_nothing(sentences):
    """F2: only the last sentence counts."""
    answer = Answer()
    answer.say(*sentences)
    answer.done(EndCall())
    assert answer.turn.follow_up.acts == (EndCall(),)


@pytest.mark.parametrize("act, line", [(EndCall(), OURS.goodbye), (Transfer(), OURS.handing_over)])
@pytest.mark.parametrize("said", [(), ("להתראות!",)], ids=["no word", "the same words again"])
def test_f2_a_way_out_without_words_of_its_own_has_a_prompt(act, line, said):
    """F2, F3, E4: never a question, behind which nothing may end."""
    answer = Answer(just_said=said, person=True)
    assert answer.say(*said) == []
    (spoken,) = answer.done(LEAD, act)
    assert spoken.text == in_gender(line, Gender.FEMININE, None)
    assert answer.turn.follow_up.acts == (LEAD, act)


def test_b3_effects_come_with_the_end_of_the_reply():
    """B3: kept until they are due."""
    follow_up = decided(LEAD, EndCall()).turn.follow_up
    assert (follow_up.expected, follow_up.acts) == (EXPECTED, (LEAD, EndCall()))


def test_f2_f3_what_is_due_when():
    """B3, F2, F3: a lead once the turn is committed, what ends the call once it was heard; each once."""
    turn = decided(LEAD, Transfer()).turn
    assert [turn.take_due(heard=False) for _ in range(2)] == [(LEAD,), ()]
    assert turn.follow_up.acts == (Transfer(),)
    assert [turn.take_due(heard=True) for _ in range(2)] == [(Transfer(),), ()]
    assert decided(LEAD, EndCall()).turn.take_due(heard=True) == (LEAD, EndCall())


def test_b3_what_this_call_has_done_is_not_done_again():
    """B3: by whichever turn."""
    leads = Answer().call.leads
    assert leads.apply((LEAD, EndCall())) == [ApplyEffect(LEAD), ApplyEffect(EndCall())]
    assert leads.apply((LEAD, EndCall())) == [ApplyEffect(EndCall())]


def test_d4_a_resumed_reply_takes_over_its_effects():
    """D4, E2: what was not done yet."""
    answer = decided(LEAD, EndCall()).turn
    answer.take_due(heard=False)
    answer.ask_for(Asked.MESSAGE)
    resumed = another_turn()
    rest = InterruptedReply(answer.playout.rest(), answer)
    assert resumed.resume(rest) == [Synthesize(5, 0, "שלום.")]
    follow_up = resumed.follow_up
    assert (follow_up.expected, follow_up.acts, follow_up.asks) == (EXPECTED, (EndCall(),), Asked.MESSAGE)


# ---- D4, E2: the rest of a reply

ASK = GenerateReply(3, "ומתי זה", (), 1, may_wait=True, may_listen=True, caller=Gender.FEMININE, person=True)


def another_turn():
    return Turn(5, Phase.REPLYING, TurnTimes(0), UserTurn())


def interrupted(*sentences, complete=False, request=ASK, prompt=False):
    """What is left of a reply: texts, each with its audio or None."""
    old = Turn(3, Phase.DROPPED, TurnTimes(0), UserTurn())
    if request is not None:
        old.ask(request)
    if prompt:
        old.say(Prompt("שני."))
    return InterruptedReply(UnheardRest(("ראשון.",), sentences, complete), old)


def test_d4_what_was_made_is_kept_and_the_rest_is_made_again():
    """D4: a whole sentence is played as it is, one that was not whole is voiced again, none is lost."""
    resumed = another_turn()
    left = interrupted(("שני.", b"\x10" * 320), ("שלישי.", None), complete=True)
    assert resumed.resume(left) == [Synthesize(5, 1, "שלישי.")]
    resumed.take_audio(TtsAudio(5, 1, b"\x11" * 160), "רגע")
    resumed.take_audio(TtsSentenceDone(5, 1), "רגע")
    assert [(one.text, one.frames, one.whole) for one in resumed.playout.sentences] == [
        ("שני.", 2, True),
        ("שלישי.", 1, True),
    ]
    assert resumed.playout.complete and resumed.playout.count == 2


def test_d4_a_missing_rest_is_asked_for_with_what_was_said():
    """D4: with all that was heard and is said again before it; it may not wait a second time."""
    first, second = another_turn(), another_turn()
    first.resume(interrupted(("קודם.", None)))
    rest = UnheardRest(("קודם.",), (("שני.", b"\x10"), ("שלישי.", None)), False)
    actions = second.resume(InterruptedReply(rest, first))
    said = "ראשון. קודם. שני. שלישי."
    assert actions == [
        Synthesize(5, 1, "שלישי."),
        replace(ASK, turn_id=5, said=said, may_wait=False, may_listen=False),
    ]
    assert not second.playout.complete
    assert second.before == ("ראשון.", "קודם.")


def test_d4_what_the_llm_was_not_asked_is_not_asked_for():
    """D4: a prompt has no rest."""
    resumed = another_turn()
    assert resumed.resume(interrupted(("שני.", b"\x10"), request=None, prompt=True)) == []
    assert (resumed.playout.complete, resumed.fixed) == (True, True)


def test_e2_the_same_words_again_are_answered_by_what_was_made():
    """E2: it is that reply, or that prompt, and no rest of one."""
    again, prompted = another_turn(), another_turn()
    assert again.say_again(interrupted(("שני.", b"\x10"), complete=True)) == []
    assert isinstance(again.says, LlmReply) and not again.resumes
    assert (again.text, again.playout.complete, again.before) == (ASK.text, True, ("ראשון.",))
    prompted.say_again(interrupted(("שני.", b"\x10"), complete=True, prompt=True))
    assert isinstance(prompted.says, PromptReply) and (prompted.text, prompted.fixed) == (ASK.text, True)


def rested(*sentences, request):
    """A machine whose turn, number 1, resumes a reply."""
    answer = Answer()
    answer.turn.resume(interrupted(*sentences, request=request))
    return answer


@pytest.mark.parametrize("text", ["ראשון!", "שני", "שלישי."])
def test_d4_a_llm_that_says_it_all_again_is_not_said_twice(text):
    """D4: whatever was heard or is said again anyway, whatever its punctuation; what is new is said."""
    answer = rested(("שני.", b"\x10"), ("שלישי.", None), request=ASK)
    answer.call.dedup.reply_heard(0, ["רביעי."])
    assert answer.say(text) == []
    assert answer.say("רביעי.") == [Synthesize(1, 2, "רביעי.")]
    assert not answer.turn.skipped


@pytest.mark.parametrize("event", [ReplyDone(1), LlmFailed(1, "down")])
def test_d4_a_rest_that_is_none_needs_no_prompt(event):
    """D4, G2: what was to be said was said."""
    answer = rested(request=ASK)
    assert not [done for done in answer.machine.handle(event) if isinstance(done, Synthesize)]
    assert answer.machine.turn is None


# ---- prompts


def message(text):
    return SaveLead((("message", text),))


LEFT = message("דנה")


def own(intent, text="טקסט", person=False, unclear=0, deaf=0, number=OFFICE, left=None):
    """What is said, once the present turn is counted too."""
    call = Answer(person=person, number=number).call
    for _ in range(unclear):
        call.input.unclear()
    for _ in range(deaf):
        call.input.not_heard()
    if left is not None:
        call.leads.apply([left])
    said = own_answer(intent, text, call)
    return said.line, said.asks, said.acts


@pytest.mark.parametrize(
    "case, line, asks, acts",
    {
        "unclear": ({"intent": Intent.UNCLEAR, "unclear": 1}, asking_again(OURS.unclear, 1), None, ()),
        "for the third time, with a person": (
            {"intent": Intent.UNCLEAR, "unclear": 3, "person": True},
            OURS.offer_person,
            Asked.PERSON,
            (),
        ),
        "a call back": (
            {"intent": Intent.CALL_BACK},
            OURS.message_taken,
            Asked.MORE,
            (message(CALL_BACK),),
        ),
        "a call back to a hidden number": (
            {"intent": Intent.CALL_BACK, "number": ""},
            OURS.which_number,
            Asked.MESSAGE,
            (message(CALL_BACK),),
        ),
        "for the sixth time": (
            {"intent": Intent.UNCLEAR, "unclear": 6},
            OURS.giving_up,
            None,
            (message(GAVE_UP), EndCall()),
        ),
        "for the sixth time, with a person": (
            {"intent": Intent.UNCLEAR, "unclear": 6, "person": True},
            OURS.handing_over,
            None,
            (Transfer(),),
        ),
        "for the sixth time, hidden": (
            {"intent": Intent.UNCLEAR, "unclear": 6, "number": ""},
            OURS.giving_up_hidden,
            None,
            (message(GAVE_UP), EndCall()),
        ),
        "for the sixth time, with a message left": (
            {"intent": Intent.UNCLEAR, "unclear": 6, "left": LEFT},
            OURS.giving_up,
            None,
            (LEFT, EndCall()),
        ),
        "deaf": ({"intent": Intent.DEAF, "deaf": 1}, OURS.not_heard, None, ()),
        "deaf again": ({"intent": Intent.DEAF, "deaf": 2}, OURS.deaf_keys, Asked.KEYS, ()),
        "deaf again, hidden": (
            {"intent": Intent.DEAF, "deaf": 2, "number": ""},
            OURS.deaf_keys_hidden,
            Asked.KEYS,
            (),
        ),
        "deaf again, with a person": (
            {"intent": Intent.DEAF, "deaf": 2, "person": True},
            OURS.deaf_hand_over,
            None,
            (Transfer(),),
        ),
        "deaf for the sixth time": (
            {"intent": Intent.DEAF, "deaf": 6},
            OURS.giving_up,
            None,
            (message(GAVE_UP), EndCall()),
        ),
        "deaf, and a call back by the key": (
            {"intent": Intent.CALL_BACK, "deaf": 2},
            OURS.noted_goodbye,
            None,
            (message(CALL_BACK), EndCall()),
        ),
        "deaf, and a number by keys": (
            {"intent": Intent.MESSAGE, "text": "0521234567", "deaf": 2, "number": ""},
            OURS.noted_goodbye,
            None,
            (message("0521234567"), EndCall()),
        ),
        "deaf, and the key for a person who is not there": (
            {"intent": Intent.PERSON, "deaf": 3},
            OURS.deaf_keys,
            Asked.KEYS,
            (),
        ),
        "for the third time": (
            {"intent": Intent.UNCLEAR, "unclear": 3},
            OURS.offer_call_back,
            Asked.CALL_BACK,
            (),
        ),
        "a goodbye": ({"intent": Intent.GOODBYE}, OURS.goodbye, None, (EndCall(),)),
        "too late": ({"intent": Intent.TOO_LATE}, OURS.time_is_up, None, (EndCall(),)),
        "a person": ({"intent": Intent.PERSON, "person": True}, OURS.handing_over, None, (Transfer(),)),
        "nobody there": ({"intent": Intent.PERSON}, OURS.no_person, Asked.MESSAGE, ()),
        "they will leave a message": ({"intent": Intent.GO_AHEAD}, OURS.go_ahead, Asked.MESSAGE, ()),
        "the message": (
            {"intent": Intent.MESSAGE, "text": "דנה 050"},
            OURS.message_taken,
            Asked.MORE,
            (message("דנה 050"),),
        ),
        "the message, hidden": (
            {"intent": Intent.MESSAGE, "text": "דנה", "number": ""},
            OURS.message_number,
            Asked.MESSAGE,
            (LEFT,),
        ),
        "the message, hidden, with a number": (
            {
                "intent": Intent.MESSAGE,
                "text": "דנה, אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע",
                "number": "",
            },
            OURS.message_taken,
            Asked.MORE,
            (message("דנה, אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע"),),
        ),
        "and then no number": (
            {"intent": Intent.MESSAGE, "text": "אין לי", "number": "", "left": LEFT},
            OURS.message_kept,
            Asked.MORE,
            (message("דנה אין לי"),),
        ),
        "and then the number": (
            {"intent": Intent.MESSAGE, "text": "0521234567", "number": "", "left": LEFT},
            OURS.message_taken,
            Asked.MORE,
            (message("דנה 0521234567"),),
        ),
        "declined": ({"intent": Intent.DECLINED}, OURS.no_message, None, ()),
    }.values(),
)
def test_f2_f3_f4_what_the_llm_is_not_asked(case, line, asks, acts):
    """E1, F2, F3, F4: a line of ours in this agent's gender, what it asks for and what follows it."""
    assert own(**case) == (in_gender(line, Gender.FEMININE, None), asks, acts)


def fail(answer):
    """The LLM fails, and the caller says something again."""
    (failed, *said) = play(answer.machine, [LlmFailed(answer.turn.turn_id, "down")])
    turn = answer.turn
    answer.machine.current.drop(TurnEvent.INTERRUPTED)
    answer.machine.current.owe(UserTurn())
    answer.turn.on(TurnEvent.TRANSCRIBED)
    answer.turn.ask(GenerateReply(answer.turn.turn_id, "ומתי זה", (), 1))
    assert failed == Log("LLM_ERR:", cause="down")
    return turn, said


def test_g2_the_third_failure_in_a_row_offers_a_call_back():
    """G2: then the caller's yes is for the agent."""
    answer = Answer()
    asked = [fail(answer)[0].follow_up.asks for _ in range(3)]
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
    """E1, G2: the call is not kept going by prompts; the office knows of it."""
    answer = Answer(person=person, number=number)
    assert [fail(answer)[0].follow_up.acts for _ in range(5)] == [()] * 5
    turn, (said,) = fail(answer)
    assert (said.text, turn.follow_up.acts) == (in_gender(line, Gender.FEMININE, None), acts)


@pytest.mark.parametrize("words, kept", [("דנה, בקשר לדירה", True), ("מתי יהיה מישהו?", False), ("", False)])
def test_f3_a_message_that_no_llm_takes_is_kept(words, kept):
    """F3, G2: it was asked for, and the LLM has failed; a question is none, nor are no words."""
    answer = Answer(words=words)
    answer.call.input.ask(Asked.MESSAGE)
    turn, (said,) = fail(answer)
    taken = in_gender(OURS.message_taken, Gender.FEMININE, None)
    assert (said.text == taken, turn.follow_up.acts) == (kept, (message(words),) if kept else ())


@pytest.mark.parametrize(
    "words, line, asks",
    [
        ("כן", OURS.go_ahead, Asked.MESSAGE),
        ("לא תודה", OURS.no_message, None),
        ("רגע", OURS.llm_failed[0], None),
    ],
)
def test_f3_what_is_no_message_is_not_kept_as_one(words, line, asks):
    """F3, G2: the LLM has failed, and the answer to what was asked is none to file."""
    answer = Answer(words=words)
    answer.call.input.ask(Asked.MESSAGE)
    turn, (said,) = fail(answer)
    follow_up = turn.follow_up
    spoken = in_gender(line, Gender.FEMININE, None)
    assert (said.text, follow_up.asks, follow_up.acts) == (spoken, asks, ())


@pytest.mark.parametrize(
    "number, said, line",
    [
        (OFFICE, "", OURS.closing_call_back),
        ("", "", OURS.closing_hidden),
        ("", "דנה 0521234567", OURS.closing_call_back),
    ],
)
def test_f4_a_caller_who_cannot_be_called_back_is_not_promised_it(number, said, line):
    """F4: the number is theirs, or in what they have just left."""
    spoken = farewell(Answer(number=number).call, said)
    assert spoken.line == in_gender(line, Gender.FEMININE, None)
    assert spoken.acts[-1] == EndCall() and isinstance(spoken.acts[0], SaveLead)


def test_a7_what_the_llm_is_asked():
    """A7, B3, F3: of the caller's turn, with the history, and nothing of it is noted."""
    call = Answer(person=True, committed=4).call
    call.history.caller_said("אני מחפשת דירה")
    before = call.history.lines
    assert call.question(5, "ומחר", may_wait=True) == GenerateReply(
        5, "ומחר", before, 5, may_wait=True, caller=Gender.FEMININE, person=True
    )
    assert call.history.lines == before


def test_c2_a_llm_that_runs_on_is_not_listened_to():
    """C2: no more than 64 sentences."""
    answer = Answer()
    said = [bool(answer.say(f"משפט {number}.")) for number in range(70)]
    assert said == [True] * 63 + [False] * 7


def test_b5_a_hint_that_is_heard_comes_to_its_end():
    """B5: nothing was said after all."""
    turn = another_turn()
    assert not turn.let_hint_end()
    assert (turn.fixed, turn.playout.complete, turn.phase) == (False, False, Phase.REPLYING)
    turn.take_audio(TtsAudio(5, HINT_INDEX, b"\x33" * 320), "רגע")
    turn.playout.take(1, reply_may_start=False)
    assert turn.let_hint_end()
    assert (turn.fixed, turn.playout.complete, turn.phase) == (True, True, Phase.PLAYING)
