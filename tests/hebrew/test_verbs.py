"""A7: forms of verbs that may end a turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.understand.verbs import verb_in


@pytest.mark.parametrize(
    "form",
    "מחפש מחפשת מחפשים חיפשתי חיפשנו תחפשי אחפש יחפשו הזמנתי הזמינה מזמינים תזמיני קניתי קנתה קונים תקני "
    "בדקתי תבדקי בודקת מצאתי רוצות רצינו גרה גרים נתתי תני".split(),
)
def test_a7_persons_genders_and_tenses(form):
    """A7: generated from the four forms of the list, for any root."""
    verb = verb_in(form)
    assert verb is not None and verb.finite and verb.prefix == ""


@pytest.mark.parametrize(
    "form, prefix",
    [("שקניתי", "ש"), ("כשהזמנתי", "כש"), ("ומצאתי", "ו"), ("ושאמרת", "וש"), ("לכשתגיע", "לכש")],
)
def test_a7_verbs_behind_a_conjunction(form, prefix):
    """A7: "and", "that", "when" are separated from the verb."""
    verb = verb_in(form)
    assert verb is not None and verb.prefix == prefix


@pytest.mark.parametrize("form, waits", [("לשאול", True), ("שאלתי", False), ("רוצה", True), ("הגיע", False)])
def test_a7_what_waits_for_an_object(form, waits):
    """A7: some always, some only in the infinitive."""
    verb = verb_in(form)
    assert verb is not None and verb.waits is waits


@pytest.mark.parametrize("word", ["שבוע", "נשים", "מספר", "שם", "תקווה", "", "ש"])
def test_a7_words_that_are_no_verbs(word):
    """A7: although they look like a form."""
    assert verb_in(word) is None


@given(st.text(max_size=12))
def test_a7_any_word_is_looked_up(word):
    """A7: any transcript."""
    assert verb_in(word) is None or verb_in(word).finite in (True, False)
