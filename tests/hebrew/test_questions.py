"""E3, F3: questions, and the agent's questions that offer a choice."""

import pytest

from server.hebrew.understand.questions import is_question, offers_a_choice


@pytest.mark.parametrize(
    "text, asks",
    [
        ("מתי יהיה נציג פנוי", True),
        ("אוקיי מה שעות הפעילות שלכם", True),
        ("טוב ומתי תחזרו אליי", True),
        ("אפשר לשאול משהו", True),
        ("שמי דנה כהן בקשר לדירה בהרצל", False),
        ("תגידו לדני שאני מאחר", False),
        ("דנה כהן אפס חמש אפס וכמה שיותר מהר", False),
        ("מתי שנוח לכם, קוראים לי דנה", False),
        ("טוב ומי שפנוי שיחזור אליי", False),
        ("איזה כיף שהתקשרתם, להתראות!", False),
        ("מה שעות הפתיחה", True),
        ("מה שלום יוסי", True),
        ("איזה קומה זה", True),
        ("", False),
    ],
)
def test_f3_a_question_is_no_message(text, asks):
    """F3: a question is answered; a message is saved for the office."""
    assert is_question(text) is asks


@pytest.mark.parametrize(
    "spoken, offers",
    [
        ("מתי נוח להיפגש, ביום שני בבוקר או ביום שלישי בערב?", True),
        ("אפשר לקנות או לשכור. באיזו עיר לחפש?", False),
        ("יש לנו שלוש דירות. לקנות או", True),
        ("האור בדירה נהדר.", False),
        ("", False),
    ],
)
def test_e3_an_offer_names_more_than_one_thing(spoken, offers):
    """E3: a caller who repeats one of them has chosen."""
    assert offers_a_choice(spoken) is offers
