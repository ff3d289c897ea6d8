"""E4, F2, F3: speech acts of a caller."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.understand.speech_acts import asks_to_repeat, says_goodbye, takes_leave, wants_person
from tests.hebrew.tables import rows


@pytest.mark.parametrize("text, act", rows("goodbye_cases"))
def test_f2_leave_is_taken_by_all_of_the_words(text, act):
    """F2: a rule ends a call only for a goodbye; thanks and a wish count where no LLM listens."""
    assert says_goodbye(text) is (act == "goodbye")
    assert takes_leave(text) is (act in ("goodbye", "leave"))


@pytest.mark.parametrize("text, act", rows("person_cases"))
def test_f3_a_person_is_asked_for(text, act):
    """F3: by rule only as the whole turn; not declined, asked about or reported."""
    assert wants_person(text) is (act == "person")


@pytest.mark.parametrize("text, act", rows("repeat_cases"))
def test_e4_the_caller_may_ask_to_hear_it_again(text, act):
    """E4: by its constructions; a wish to be called back is none."""
    assert asks_to_repeat(text) is (act == "repeat")


@given(st.text(max_size=60))
def test_f2_any_text_is_judged(text):
    """F2: any transcript; words about something else are no goodbye."""
    says_goodbye(text), wants_person(text), asks_to_repeat(text)
    assert not says_goodbye(f"דירה {text} מרפסת")
