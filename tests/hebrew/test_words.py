"""E2, D4: comparison of Hebrew words."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.words import fingerprint, normalise, spellings, words_of


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
    """E2: CRC32 of the normal form, whatever the punctuation."""
    assert fingerprint("שלום, מה שלומך?") == fingerprint("שָׁלוֹם מה שלומך") == crc32("שלום מה שלומך".encode())
    assert fingerprint("שלום") != fingerprint("שלומי")


@pytest.mark.parametrize(
    "text, words",
    [
        ("רגע…לא", ["רגע", "לא"]),
        ("תל-אביב, ו־בית", ["תל", "אביב", "ו", "בית"]),
        ("אהההה אוקייי", ["אה", "אוקי"]),
        ("12.5 ו-1,000", ["125", "ו", "1000"]),
        ("0005", ["0005"]),
        ('מע"מ', ["מעמ"]),
        ("", []),
    ],
)
def test_d4_words_are_parted_and_not_drawn_out(text, words):
    """D4: dashes, dots and drawn-out vowels do not make other words."""
    assert words_of(text) == words


@pytest.mark.parametrize(
    "one, other", [("2.5 מיליון", "25 מיליון"), ("בין 1-2", "בין 12"), ("ב-17:30", "ב-1730")]
)
def test_b3_what_stands_inside_a_number_counts(one, other):
    """B3, E2: a reply to one amount is not given to another."""
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(one + "?")


@pytest.mark.parametrize(
    "word, written",
    [
        ("מצוין", {"מצוין", "מצויין"}),
        ("מעוניין", {"מעוניין", "מעונין"}),
        ("הכול", {"הכול", "הכל"}),
        ("וודאי", {"וודאי", "ודאי"}),
        ("כן", {"כן"}),
        ("ביי", {"ביי"}),  # with one letter less it is the letter B
        ("מוותר", {"מוותר"}),  # "allowed"
    ],
)
def test_d4_a_word_of_a_list_needs_one_spelling(word, written):
    """D4: written in full, it is found in all spellings."""
    assert set(spellings(word)) == written
