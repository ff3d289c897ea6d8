"""F7: requests to wait, and promises to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.understand.waiting import asks_to_wait, says_to_wait
from tests.hebrew.tables import phrases_of, rows

CASES = rows("waiting_cases")
MOMENTS, BUSY = phrases_of("waiting/moment"), phrases_of("waiting/busy")
POLITE = phrases_of("courtesy", "listening/nods")


@pytest.mark.parametrize("text, act", CASES)
def test_f7_requests_and_promises_to_wait(text, act):
    """F7: a request is no question and no complaint; a promise holds now."""
    assert (asks_to_wait(text), says_to_wait(text)) == (act == "asks", act == "waits")


@given(st.sampled_from([text for text, _ in CASES]), st.sampled_from([",", ".", "…", " -", "!"]))
def test_f7_punctuation_is_the_recognisers(text, mark):
    """F7: punctuation does not change a request."""
    assert asks_to_wait(text.replace(",", mark)) is asks_to_wait(text.replace(",", "")) is asks_to_wait(text)


@given(st.sampled_from(MOMENTS), st.lists(st.sampled_from(POLITE), max_size=3))
def test_f7_courtesy_does_not_change_a_request(moment, around):
    """F7: courtesy in any order around it; courtesy alone is no request."""
    for place in range(len(around) + 1):
        assert asks_to_wait(" ".join([*around[:place], moment, *around[place:]]))
    assert not asks_to_wait(" ".join(around))


@given(st.sampled_from(MOMENTS), st.sampled_from(BUSY), st.sampled_from(["", "אני ", "אני רק "]))
def test_f7_what_one_does_is_no_request_by_itself(moment, busy, who):
    """F7: "אני בודק כמה אפשרויות" is a statement; with "רגע" before or behind, it asks for time."""
    assert asks_to_wait(f"{moment}, {who}{busy}")
    assert who == "" or asks_to_wait(f"{who}{busy} {moment}")
    assert not asks_to_wait(f"{who}{busy}")


@given(st.text(max_size=60))
def test_f7_any_text_is_judged(text):
    """F7: any transcript or reply."""
    assert asks_to_wait(text) in (True, False) and says_to_wait(text) in (True, False)
