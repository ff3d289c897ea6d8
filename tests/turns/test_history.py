"""What a call remembers: the heard history, what was said of late, what the last reply was."""

from dataclasses import replace

import pytest

from server.hebrew.understand.gender import Gender
from server.turns.effects import EndCall, Expected, Line, PhoneCall, SaveLead, Speaker, Transfer
from server.turns.history import MAX_LINE_CHARS, CallHistory, EchoProximity
from server.turns.prompts import spoken_by
from tests.wording import OURS


def caller(text):
    return Line(Speaker.CALLER, text)


def agent(text, interrupted=False):
    return Line(Speaker.AGENT, text, interrupted)


def test_e7_history_is_the_last_turns():
    """E7: LLM_HISTORY_TURNS turns of two lines; the oldest are forgotten."""
    memory = CallHistory(2, 700, OURS)
    for turn in range(5):
        memory.caller_said(f"שאלה {turn}")
        memory.agent_said(f"תשובה {turn}")
    assert memory.history == (caller("שאלה 3"), agent("תשובה 3"), caller("שאלה 4"), agent("תשובה 4"))


def test_e7_no_history_is_a_history():
    """E7: LLM_HISTORY_TURNS=0."""
    memory = CallHistory(0, 700, OURS)
    memory.caller_said("שלום")
    memory.take_back_interruption("שלום")
    assert memory.history == ()


def test_e7_no_line_fills_the_request():
    """E7: bounded in bytes, too."""
    memory = CallHistory(2, 700, OURS)
    memory.caller_said("א" * 3000)
    memory.agent_said("ב" * 3000)
    assert [len(line.text) for line in memory.history] == [MAX_LINE_CHARS] * 2


@pytest.mark.parametrize(
    "text, interrupted, lines",
    [
        ("שלום", False, (agent("שלום"),)),
        ("שלום", True, (agent("שלום", True),)),
        ("", True, ()),
        ("", False, ()),
    ],
)
def test_d3_history_keeps_what_was_heard(text, interrupted, lines):
    """D3: with a note that it was interrupted; nothing heard is no line."""
    memory = CallHistory(2, 700, OURS)
    memory.agent_said(text, interrupted=interrupted)
    assert memory.history == lines


def test_d4_a_cut_that_was_none_is_taken_back():
    """D4: the line keeps the sentences heard in full; the reply goes on after them."""
    memory = CallHistory(2, 700, OURS)
    memory.caller_said("שאלה")
    memory.agent_said("ראשון. שני", interrupted=True)
    memory.take_back_interruption("ראשון.")
    assert memory.history == (caller("שאלה"), agent("ראשון."))
    memory.take_back_interruption("אחר")
    assert memory.history == (caller("שאלה"), agent("ראשון."))


def test_d4_nothing_heard_in_full_leaves_no_line():
    """D4: the whole reply comes again."""
    memory = CallHistory(2, 700, OURS)
    memory.agent_said("רא", interrupted=True)
    memory.take_back_interruption("")
    assert memory.history == ()
    memory.take_back_interruption("")


SAID = "אפשר לעזור לך היום במשהו נוסף"


@pytest.mark.parametrize("clock, echo", [(100, True), (800, True), (801, False)])
def test_e3_echo_within_the_window(clock, echo):
    """E3: DEDUP_WINDOW_SEC from the end of our words."""
    memory = CallHistory(2, 700, OURS)
    memory.spoke(100, SAID)
    assert memory.is_echo(clock, "לעזור לך היום", near=EchoProximity.DURING_PLAYOUT) is echo


def test_e3_echo_may_span_two_lines_of_ours():
    """E3: what we said in a row comes back in a row."""
    memory = CallHistory(2, 700, OURS)
    memory.spoke(100, "שלום, איך אפשר")
    memory.spoke(200, "לעזור לך היום")
    assert memory.is_echo(300, "איך אפשר לעזור לך", near=EchoProximity.DURING_PLAYOUT)
    assert not memory.is_echo(850, "איך אפשר לעזור לך", near=EchoProximity.DURING_PLAYOUT)


CHOICE = "לשלוח את החשבונית למייל או בדואר?"


@pytest.mark.parametrize(
    "text, near, echo",
    [
        ("לשלוח את החשבונית לאימייל או בדואר", EchoProximity.DURING_PLAYOUT, True),
        ("את החשבונית למייל", EchoProximity.DURING_PLAYOUT, False),
        ("או בדואר בבקשה", EchoProximity.DURING_PLAYOUT, False),
        ("את החשבונית לאימייל או בדואר", None, False),
    ],
)
def test_e3_both_things_offered_are_no_choice(text, near, echo):
    """E3: over our voice; who says one of them has chosen, and later only a whole sentence is ours."""
    memory = CallHistory(2, 700, Gender.FEMININE)
    memory.spoke(100, CHOICE)
    assert memory.is_echo(100, text, near=near) is echo


@pytest.mark.parametrize(
    "text, near, echo",
    [
        ("מעבירה אותך לנציג שרות נא להמתין", EchoProximity.DURING_PLAYOUT, True),
        ("נא להמתין על הקו", EchoProximity.DURING_PLAYOUT, False),  # few words
        ("לא מעבירה אותך לנציג שירות נא להמתין", EchoProximity.DURING_PLAYOUT, False),
        ("מעבירה אותך לנציג שרות נא להמתין", None, False),
    ],
)
def test_e3_an_interrupt_word_in_many_words_of_ours_is_ours(text, near, echo):
    """E3, D4: each word must be; a few are as likely the caller's."""
    memory = CallHistory(2, 700, Gender.FEMININE)
    memory.spoke(100, "אני מעבירה אותך לנציג שירות, נא להמתין על הקו")
    assert memory.is_echo(100, text, near=near, interrupts=True) is echo


def test_b6_never_spoke_until_a_word_was_heard():
    """B6: a greeting of which nothing was heard is still owed."""
    memory = CallHistory(2, 700, OURS)
    assert memory.never_spoke
    memory.spoke(10, "")
    assert memory.never_spoke
    memory.spoke(10, "שלום")
    assert not memory.never_spoke


def test_what_was_said_is_bounded():
    """A long call forgets its first lines."""
    memory = CallHistory(2, 10_000, OURS)
    for line in ("אחת שתיים שלוש", *["ארבע חמש שש"] * 7):
        memory.spoke(0, line)
    assert memory.is_echo(0, "אחת שתיים שלוש", near=EchoProximity.DURING_PLAYOUT)
    memory.spoke(0, "שבע שמונה תשע")
    assert not memory.is_echo(0, "אחת שתיים שלוש", near=EchoProximity.DURING_PLAYOUT)


def test_e4_only_the_last_reply_counts():
    """E4: a sentence heard in full in the last reply, whatever its punctuation."""
    memory = CallHistory(2, 700, OURS)
    assert not memory.just_said(5, "שלום לך.")
    memory.reply_heard(5, ["שלום לך.", "מה שלומך?"])
    assert memory.just_said(5, "שלום לך!") and memory.just_said(5, "מה שלומך?")
    memory.reply_heard(9, ["טוב."])
    assert not memory.just_said(9, "שלום לך.")


@pytest.mark.parametrize("clock, just", [(705, True), (706, False)])
def test_e4_within_the_window(clock, just):
    """E4: DEDUP_WINDOW_SEC from its end; and not again, once a reply was skipped for it."""
    memory = CallHistory(2, 700, OURS)
    memory.reply_heard(5, ["שלום לך."])
    assert memory.just_said(clock, "שלום לך.") is just
    memory.may_say_it_again()
    assert not memory.just_said(clock, "שלום לך.")


@pytest.mark.parametrize(
    "number, left, said, callable_",
    [
        ("+972501234567", "", "", True),
        ("", "", "", False),
        ("", "", "דנה, 0521234567", True),
        ("", "דנה, 0521234567", "", True),
        ("", "דנה, דירה של 4 חדרים ב-2 מיליון", "", False),
    ],
)
def test_f3_who_can_be_called_back(number, left, said, callable_):
    """F3: there is a number, theirs or one that they have left."""
    memory = CallHistory(2, 700, OURS)
    memory.call = PhoneCall("CA1", number)
    memory.first_time(SaveLead((("message", left),)))
    assert memory.can_be_called(said) is callable_


def test_a_new_call_expects_nothing():
    """E1: nothing was unclear, no turn was committed."""
    memory = CallHistory(2, 700, OURS)
    assert (memory.expected, memory.unclear_in_a_row, memory.committed_turns) == (Expected(), 0, 0)


def test_b3_a_lead_is_kept_again_only_when_it_has_changed():
    """B3: the last line of a call is what was known last, also when a detail was put back."""
    memory = CallHistory(2, 700, OURS)
    dana, ron = SaveLead((("name", "דנה"),)), SaveLead((("name", "רון"),))
    kept = [memory.first_time(act) for act in (dana, dana, ron, ron, dana, EndCall(), Transfer(), EndCall())]
    assert kept == [True, False, True, False, True, True, True, True]
    assert CallHistory(2, 700, OURS).first_time(dana)


# ---- gender, and what a line has asked for


def test_gender_is_the_last_that_the_caller_has_shown():
    """Gender: kept while nothing shows; the words being answered count already, and leave no trace."""
    memory = CallHistory(2, 700, OURS)
    assert memory.caller_with("שלום") is None
    assert memory.caller_with("אני מחפשת דירה") is Gender.FEMININE
    assert memory.caller_with("שלום") is None
    memory.caller_said("אני מחפשת דירה")
    memory.caller_said("בתל אביב")
    assert memory.caller_with("שלום") is Gender.FEMININE
    assert memory.caller_with("אני מחפש דירה") is Gender.MASCULINE


def test_gender_shows_in_no_words_at_all():
    """Gender: a turn that the LLM was not asked about shows nothing."""
    memory = CallHistory(2, 700, OURS)
    memory.caller_said("")
    assert (memory.history, memory.caller_with("")) == ((), None)


@pytest.mark.parametrize(
    "agent, said, worded",
    [
        (Gender.FEMININE, "שלום", "מעבירה לכם"),
        (Gender.MASCULINE, "אני מחפשת דירה", "מעביר לך, גברת"),
        (Gender.FEMININE, "אני מחפש דירה", "מעבירה לך, אדוני"),
    ],
)
def test_gender_lines_follow_the_agent_and_the_caller(agent, said, worded):
    """Gender: both at once."""
    lines = replace(OURS, handing_over="{מעבירה|מעביר} [לכם|לך, גברת|לך, אדוני]")
    memory = CallHistory(2, 700, spoken_by(lines, agent))
    memory.caller_said(said)
    assert memory.worded(memory.lines.handing_over) == worded


def test_a_new_call_has_asked_for_nothing():
    """F3, D4: no answer is owed to us, and there is nobody to hand the caller over to."""
    memory = CallHistory(2, 700, OURS)
    assert (memory.asked, memory.asked_a_question, memory.person) == (None, False, False)


def test_f3_a_line_of_ours_is_history_and_no_reply():
    """F3, E3, E4: the LLM knows of it, it may come back as an echo; but it is no reply to be given again."""
    memory = CallHistory(2, 10_000, OURS)
    memory.heard_of_us(5, ["שלום לך."], "שלום לך.", line=False)
    memory.heard_of_us(9, ["אפשר לנסח שוב במשפט קצר?"], "אפשר לנסח שוב במשפט קצר?", line=True)
    assert memory.history == (agent("שלום לך."), agent("אפשר לנסח שוב במשפט קצר?"))
    assert memory.just_said(9, "שלום לך.") and not memory.just_said(9, "אפשר לנסח שוב במשפט קצר?")
    assert memory.is_echo(10, "לנסח שוב במשפט", near=EchoProximity.DURING_PLAYOUT)


@pytest.mark.parametrize(
    "near, text, echo",
    [
        (EchoProximity.DURING_PLAYOUT, "אפשר לעזור לך", True),
        (EchoProximity.BEHIND_US, "אפשר לעזור לך", False),
        (EchoProximity.BEHIND_US, "היום במשהו נוסף", True),
        (None, "לעזור לך היום", False),
        (None, SAID, True),
        (None, "שלום, " + SAID, False),
    ],
)
def test_e3_later_only_a_whole_sentence_is_our_echo(near, text, echo):
    """E3: who takes up what we have offered is the caller."""
    memory = CallHistory(2, 700, OURS)
    memory.spoke(100, SAID)
    assert memory.is_echo(200, text, near=near) is echo
