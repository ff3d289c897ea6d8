"""D4, E1, F3: plain answers, alone and to a question of the agent."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from server.hebrew.understand.answers import is_no, is_yes
from tests.hebrew.tables import phrases_of, rows

ROWS = rows("answer_cases")
YES = phrases_of("answers/yes")
NO = phrases_of("answers/no")
WILLING = phrases_of("answers/willing")
AROUND = [*phrases_of("answers/around"), "אחי", "מאמי שלי", "המפקד", "ברוך השם", "בלי עין הרע"]
QUESTIONS = sorted({question for question, _, _ in ROWS})


@pytest.mark.parametrize("question, text, answer", ROWS)
def test_d4_what_is_answered(question, text, answer):
    """D4, F3: every row, with its question ("-": none known)."""
    asked = "" if question == "-" else question
    assert (is_yes(text, asked), is_no(text, asked)) == (answer == "yes", answer == "no")


@given(st.lists(st.sampled_from(YES + WILLING), min_size=1, max_size=3), st.sampled_from(AROUND))
def test_d4_a_yes_stays_one_whoever_it_is_said_to(phrases, around):
    """D4: forms of address, religious phrases, points of view and repetition do not change it."""
    assume(sum(map(len, map(str.split, phrases))) < 10)
    assert is_yes(" ".join([*phrases, around])) and is_yes(" ".join([around, *phrases]))
    assert not is_yes(around) and not is_no(around)


@given(st.lists(st.sampled_from(NO), min_size=1, max_size=2), st.sampled_from(AROUND))
def test_d4_a_no_stays_one_whoever_it_is_said_to(phrases, around):
    assume(sum(map(len, map(str.split, phrases))) < 10)
    assert is_no(" ".join([*phrases, around])) and is_no(" ".join([around, *phrases]))


@given(st.lists(st.sampled_from(YES), min_size=1), st.lists(st.sampled_from(NO), min_size=1))
def test_d4_yes_and_no_together_are_neither(yes, no):
    text = " ".join(yes) + " אבל " + " ".join(no)
    assert not is_yes(text) and not is_no(text)


@given(st.sampled_from(YES + NO), st.sampled_from(QUESTIONS))
def test_f3_what_else_is_said_is_for_the_llm(phrase, question):
    """F3: with a condition or a wish behind the word it is no plain answer, whatever the question."""
    for more in ("אבל רק אחרי החגים", "אם זה בחינם", "ומה המחיר"):
        assert not is_yes(f"{phrase} {more}", question) and not is_no(f"{phrase} {more}", question)


@given(st.text(max_size=60), st.one_of(st.sampled_from(QUESTIONS), st.text(max_size=60)))
def test_d4_any_text_is_judged(text, question):
    """D4: any transcript, any question; no text is both a yes and a no."""
    assert not (is_yes(text, question) and is_no(text, question))
