"""E2-E4: Hebrew words compared."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.words import asks_to_repeat, fingerprint, is_echo_of, normalise


@pytest.mark.parametrize(
    "text, normal",
    [
        ("שָׁלוֹם", "שלום"),
        ("  מה   שלומך?! ", "מה שלומך"),
        ('מע"מ', "מעמ"),
        ("צ'ק", "צק"),
        ("תל־אביב", "תל אביב"),
        ("Hello, WORLD", "hello world"),
        ("12.5%", "125"),
        ("…", ""),
        ("", ""),
    ],
)
def test_normal_form_is_words_only(text, normal):
    """E2: no niqqud, no punctuation, one blank, lower case."""
    assert normalise(text) == normal


@given(st.text(alphabet="שלום abAB.,-־ִָׁ?", max_size=40))
def test_normal_form_is_stable(text):
    """E2: the normal form of a normal form is itself."""
    assert normalise(normalise(text)) == normalise(text)


def test_e2_same_words_have_the_same_fingerprint():
    """E2: CRC32 of the normal form, whatever the recogniser's punctuation."""
    assert fingerprint("שלום, מה שלומך?") == fingerprint("שָׁלוֹם מה שלומך") == crc32("שלום מה שלומך".encode())
    assert fingerprint("שלום") != fingerprint("שלומי")


SPOKEN = "הבנתי אותך היטב. אפשר לעזור לך היום במשהו נוסף, כמו למצוא דירה?"


@pytest.mark.parametrize(
    "heard, echo",
    {
        "word for word": (SPOKEN, True),
        "a part": ("אפשר לעזור לך היום", True),
        "three words": ("במשהו נוסף כמו", True),
        "two words": ("במשהו נוסף", False),
        "nearly": ("אפשר לעזור לך איום במשהו", True),
        "other words": ("אני מחפש דירה בתל אביב", False),
        "nothing": ("", False),
    }.values(),
)
def test_e3_our_own_words_are_echo(heard, echo):
    """E3: a fuzzy match of at least three words of what we have said."""
    assert is_echo_of(heard, SPOKEN) is echo


def test_e3_nothing_said_is_no_echo():
    """E3: an agent that was silent has no echo, and few words of ours do not make many of the caller's."""
    assert not is_echo_of("אחת שתיים שלוש", "")
    assert not is_echo_of("אחת שתיים שלוש ארבע חמש", "אחת")


@pytest.mark.parametrize(
    "text, asks",
    [
        ("תגידי את זה שוב", True),
        ("עוד פעם בבקשה", True),
        ("מה?", True),
        ("לא שמעתי", True),
        ("סליחה?", True),
        ("חשוב לי לדעת", False),
        ("שובל", False),
        ("תודה", False),
        ("", False),
    ],
)
def test_e4_the_caller_may_ask_to_hear_it_again(text, asks):
    """E4: whole words of a list."""
    assert asks_to_repeat(text) is asks


def test_e3_more_than_we_said_is_not_echo():
    """E3: our question inside a longer answer is the caller's."""
    assert not is_echo_of("לשכור דירה בתל אביב עם מרפסת ושלושה חדרים", "לשכור דירה בתל אביב?")


def test_e3_two_words_of_three_are_not_echo():
    """E3: word for word, not letter for letter."""
    assert not is_echo_of("מה השעה עכשיו", "השעה עכשיו שש בדיוק.")


def test_e4_a_question_with_what_is_no_wish_to_repeat():
    """E4: "מה" asks for a repeat only when it stands alone."""
    assert not asks_to_repeat("מה המחיר של הדירה")
    assert asks_to_repeat("מה?")
