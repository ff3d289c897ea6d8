"""What a call remembers of itself: the lines that were heard, and what no LLM has judged."""

import pytest

from server.hebrew.understand.gender import Gender
from server.turns.effects import Line, Speaker
from server.turns.history import MAX_LINE_CHARS, CallHistory


def caller(text):
    return Line(Speaker.CALLER, text)


def agent(text, interrupted=False):
    return Line(Speaker.AGENT, text, interrupted)


def test_e7_history_is_the_last_turns():
    """E7: LLM_HISTORY_TURNS turns of two lines; the oldest are forgotten."""
    history = CallHistory(2)
    for turn in range(5):
        history.caller_said(f"שאלה {turn}")
        history.agent_said(f"תשובה {turn}")
    assert history.lines == (caller("שאלה 3"), agent("תשובה 3"), caller("שאלה 4"), agent("תשובה 4"))


def test_e7_no_history_is_a_history():
    """E7: LLM_HISTORY_TURNS=0."""
    history = CallHistory(0)
    history.caller_said("שלום")
    history.take_back_interruption("שלום")
    assert history.lines == ()


def test_e7_no_line_fills_the_request():
    """E7: bounded in bytes, too."""
    history = CallHistory(2)
    history.caller_said("א" * 3000)
    history.agent_said("ב" * 3000)
    assert [len(line.text) for line in history.lines] == [MAX_LINE_CHARS] * 2


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
    history = CallHistory(2)
    history.agent_said(text, interrupted=interrupted)
    assert history.lines == lines


def test_d4_a_cut_that_was_none_is_taken_back():
    """D4: the line keeps the sentences heard in full; the reply goes on after them."""
    history = CallHistory(2)
    history.caller_said("שאלה")
    history.agent_said("ראשון. שני", interrupted=True)
    history.take_back_interruption("ראשון.")
    assert history.lines == (caller("שאלה"), agent("ראשון."))
    history.take_back_interruption("אחר")
    assert history.lines == (caller("שאלה"), agent("ראשון."))


def test_d4_nothing_heard_in_full_leaves_no_line():
    """D4: the whole reply comes again."""
    history = CallHistory(2)
    history.agent_said("רא", interrupted=True)
    history.take_back_interruption("")
    assert history.lines == ()
    history.take_back_interruption("")


def test_gender_is_the_last_that_the_caller_has_shown():
    """Gender: kept while nothing shows; the words being answered count already, and leave no trace."""
    history = CallHistory(2)
    assert history.caller_with("שלום") is None
    assert history.caller_with("אני מחפשת דירה") is Gender.FEMININE
    assert history.caller_with("שלום") is None
    history.caller_said("אני מחפשת דירה")
    history.caller_said("בתל אביב")
    assert history.caller_with("שלום") is Gender.FEMININE
    assert history.caller_with("אני מחפש דירה") is Gender.MASCULINE


def test_gender_shows_in_no_words_at_all():
    """Gender: a turn that the LLM was not asked about shows nothing."""
    history = CallHistory(2)
    history.caller_said("")
    assert (history.lines, history.caller_with("")) == ((), None)


def test_what_no_llm_has_judged_is_kept_in_order_and_once():
    """F3: words that were said again, because there was no answer, are one message; nothing is none."""
    history = CallHistory(2)
    for text in ("אני דנה", "", "נחזור מחר", "אני דנה"):
        history.not_judged(text)
    assert (history.has_unjudged, history.unjudged) == (True, "אני דנה נחזור מחר")
    history.judged()
    assert (history.has_unjudged, history.unjudged) == (False, "")
