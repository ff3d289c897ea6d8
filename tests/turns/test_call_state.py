"""What is known of a call: who calls, what was kept of it, and what is said of it."""

from dataclasses import replace

import pytest

from server.hebrew.understand.gender import Gender
from server.turns.call_state import CallState
from server.turns.effects import EndCall, Expected, PhoneCall, SaveLead, Transfer
from server.turns.events import StreamStarted
from server.turns.prompts import spoken_by
from tests.wording import OURS


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
    call = CallState(2, 700, OURS)
    call.started(StreamStarted(call=PhoneCall("CA1", number)))
    call.leads.first_time(SaveLead((("message", left),)))
    assert call.can_be_called(said) is callable_


def test_b3_a_lead_is_kept_again_only_when_it_has_changed():
    """B3: the last line of a call is what was known last, also when a detail was put back."""
    call = CallState(2, 700, OURS)
    dana, ron = SaveLead((("name", "דנה"),)), SaveLead((("name", "רון"),))
    kept = [
        call.leads.first_time(act) for act in (dana, dana, ron, ron, dana, EndCall(), Transfer(), EndCall())
    ]
    assert kept == [True, False, True, False, True, True, True, True]
    assert CallState(2, 700, OURS).leads.first_time(dana)


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
    call = CallState(2, 700, spoken_by(lines, agent))
    call.history.caller_said(said)
    assert call.worded(call.prompts.handing_over) == worded


def test_a_new_call_expects_nothing():
    """D4, E1, F3: nothing was asked, or unclear, no turn committed, and there is no person."""
    call = CallState(2, 700, OURS)
    expects = call.input
    assert (expects.expected, expects.asked, expects.asked_a_question) == (Expected(), None, False)
    assert (expects.unclear_in_a_row, call.history.committed_turns, call.person) == (0, 0, False)
