"""Part 7: the gender that the caller's own speech shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.data import lines_of
from server.hebrew.gender import shown_gender
from tests.hebrew.tables import rows


@pytest.mark.parametrize("text, gender", rows("gender_cases"))
def test_the_callers_own_speech_shows_it(text, gender):
    """Only what is said of oneself; nothing when it contradicts itself."""
    shown = shown_gender(text)
    assert (shown.value if shown else "none") == gender


PAIRS = [line.split(" / ") for name in ("gender_pairs", "gender_pairs_alone") for line in lines_of(name)]


@pytest.mark.parametrize("masculine, feminine", PAIRS)
def test_every_pair_shows_both(masculine, feminine):
    assert shown_gender(f"אני {masculine}").value == "masculine"
    assert shown_gender(f"אני גם {feminine} היום").value == "feminine"
    assert shown_gender(f"אני {masculine} או שאני {feminine}") is None
    assert shown_gender(f"הוא {masculine} והיא {feminine}") is None


@given(st.text(max_size=60))
def test_any_text_is_judged(text):
    shown_gender(text)


KIN = [line.split(" / ") for line in lines_of("gender_pairs_kin")]


@pytest.mark.parametrize("masculine, feminine", KIN)
def test_kin_is_the_caller_only_when_nobody_else_is_counted(masculine, feminine):
    """ "אני אמא לשלושה" is she who speaks; "אני אמא ושני ילדים" are those who will live there."""
    for form, gender in ((masculine, "masculine"), (feminine, "feminine")):
        assert shown_gender(f"אני {form}").value == gender
        assert shown_gender(f"אני {form} לשלושה").value == gender
        assert shown_gender(f"אני {form} של דנה").value == gender
        assert shown_gender(f"אני {form} בן 40").value == gender
        for others in ("שלי ואחותי", "ושני ילדים", "והשותף", "בן ובת", "שני ילדים"):
            assert shown_gender(f"אני {form} {others}") is None
        assert shown_gender(f"אנחנו שלושה אני {form}") is None
