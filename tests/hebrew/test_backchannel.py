"""D4: backchannel, and interruptions of the agent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.understand.answers import is_no, is_yes
from server.hebrew.understand.backchannel import is_backchannel, is_interrupt, only_listens
from tests.hebrew.tables import phrases_of, rows

ASKED = "asked-"
NODS = phrases_of("listening/nods")
WISHES = ["דירה", "בחיפה", "אני רוצה", "אבל", "כמה זה עולה", "נציג", "מחר", "שלושה"]
JUDGES = {"backchannel": is_backchannel, "interrupt": is_interrupt, "yes": is_yes, "no": is_no}


@pytest.mark.parametrize("text, kinds", rows("backchannel_cases"))
def test_d4_what_it_is(text, kinds):
    """D4: every row is judged four ways; words inside a longer word do not count."""
    assert {kind for kind, judge in JUDGES.items() if judge(text)} == set(kinds.split()) - {"-"}


@pytest.mark.parametrize("text, spoken, right", rows("listening_cases"))
def test_d4_backchannel_during_playout(text, spoken, right):
    """D4: nods, names, praise, the agent's own words; any wish takes the turn."""
    said = text.removeprefix(ASKED)
    assert only_listens(said, spoken, asked=said != text) is (right == "listens")


@given(st.lists(st.sampled_from(NODS), min_size=1, max_size=6), st.sampled_from(" ,.…-"))
def test_d4_backchannel_in_any_order_is_backchannel(phrases, mark):
    """D4: however often, and with any marks between."""
    text = f"{mark} ".join(phrases)
    assert is_backchannel(text)
    assert not is_backchannel(f"{text} דירה") and not is_backchannel(f"דירה {text}")


@given(st.lists(st.sampled_from(NODS), max_size=4), st.sampled_from(phrases_of("listening/stops")))
def test_d4_an_interruption_behind_backchannel_is_heard(phrases, interruption):
    """D4: "כן, אבל" takes the turn."""
    assert is_interrupt(" ".join([*phrases, interruption, "דירה"]))
    assert not is_backchannel(" ".join([*phrases, interruption]))


@given(
    st.lists(st.sampled_from(NODS), max_size=3),
    st.sampled_from(WISHES),
    st.lists(st.sampled_from(NODS), max_size=3),
)
def test_d4_a_wish_among_nods_takes_the_floor(before, wish, behind):
    """D4: nods around a wish do not hide it."""
    assert not only_listens(" ".join([*before, wish, *behind]), "הקומה נמוכה והנוף פתוח", asked=False)


@given(st.text(max_size=60), st.text(max_size=60), st.booleans())
def test_d4_any_words_during_playout_are_judged(text, spoken, asked):
    """D4: any transcript; backchannel to a question is backchannel to anything."""
    listens = only_listens(text, spoken, asked=asked)
    assert not (listens and is_interrupt(text))


@given(st.text(max_size=60))
def test_d4_any_text_is_judged(text):
    """D4: any transcript."""
    assert not (is_backchannel(text) and is_interrupt(text))
