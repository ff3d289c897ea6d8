"""D4: what a listener says, and what stops us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.answers import is_no, is_yes
from server.hebrew.backchannel import is_backchannel, is_interrupt
from server.hebrew.data import lines_of
from tests.hebrew.tables import rows

JUDGES = {"backchannel": is_backchannel, "interrupt": is_interrupt, "yes": is_yes, "no": is_no}


@pytest.mark.parametrize("text, kinds", rows("backchannel_cases"))
def test_d4_what_it_is(text, kinds):
    """D4: every row is judged four ways; words inside a longer word are none."""
    assert {kind for kind, judge in JUDGES.items() if judge(text)} == set(kinds.split()) - {"-"}


@given(st.lists(st.sampled_from(lines_of("backchannel")), min_size=1, max_size=6), st.sampled_from(" ,.…-"))
def test_d4_backchannel_in_any_order_is_backchannel(phrases, mark):
    """D4: however often and with whatever marks between."""
    text = f"{mark} ".join(phrases)
    assert is_backchannel(text)
    assert not is_backchannel(f"{text} דירה") and not is_backchannel(f"דירה {text}")


@given(st.lists(st.sampled_from(lines_of("backchannel")), max_size=4), st.sampled_from(lines_of("interrupt")))
def test_d4_an_interruption_behind_backchannel_is_heard(phrases, interruption):
    """D4: "כן, אבל" takes the floor."""
    assert is_interrupt(" ".join([*phrases, interruption, "דירה"]))
    assert not is_backchannel(" ".join([*phrases, interruption]))


@given(st.text(max_size=60))
def test_d4_any_text_is_judged(text):
    """D4: whatever a recogniser writes."""
    assert not (is_backchannel(text) and is_interrupt(text))
