"""E3: the agent's own words are recognised, and the caller's are never mistaken for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.understand.echo import is_echo_of, is_tail_of, is_whole_echo_of
from tests.hebrew.tables import rows


@pytest.mark.parametrize("spoken, heard, whose", rows("echo_cases"))
def test_e3_echo_or_caller(spoken, heard, whose):
    """E3: a fuzzy match of three words; one more word, another number, a yes or a no is the caller's."""
    assert is_echo_of(heard, spoken) is (whose == "echo")


@pytest.mark.parametrize("spoken, heard, whose", [row for row in rows("echo_cases") if row[2] == "caller"])
def test_e3_what_is_the_callers_is_no_whole_echo_either(spoken, heard, whose):
    assert not is_whole_echo_of(heard, spoken)


OFFER = "יש לנו דירה יפה בחיפה. לקבוע לך ביקור עם הסוכן ביום שלישי בבוקר?"


@pytest.mark.parametrize(
    "heard, whole",
    {
        "all of it": (OFFER, True),
        "a sentence": ("לקבוע לך ביקור עם הסוכן ביום שלישי בבוקר", True),
        "one word lost": ("לקבוע ביקור עם הסוכן ביום שלישי בבוקר", True),
        "the other sentence": ("יש לנו דירה יפה בחיפה", True),
        "a part": ("ביקור עם הסוכן ביום שלישי", False),
        "a word misheard": ("לקבוע לך ביקוש עם הסוכל ביום שיכי בבוקר", False),
        "another day": ("לקבוע לך ביקור עם הסוכן ביום רביעי בבוקר", False),
        "a yes": ("כן לקבוע לך ביקור עם הסוכן ביום שלישי בבוקר", False),
    }.values(),
)
def test_e3_later_only_a_whole_sentence_of_the_agent_is_echo(heard, whole):
    """E3: a caller may take up part of an offer, or correct a word of it."""
    assert is_whole_echo_of(heard, OFFER) is whole


WHEN = "מתי נוח לקבוע פגישה, מחר בבוקר או מחר בערב?"
LIKE = "מה חשוב לך יותר, מרפסת או דירה עם גינה?"
HELP = "הבנתי אותך היטב. אפשר לעזור לך היום במשהו נוסף?"


@pytest.mark.parametrize(
    "heard, spoken, tail",
    [
        ("לעזור לך היום במשהו נוסף", HELP, True),
        ("לעזור לך היום", HELP, True),  # the last two words were lost
        ("אפשר לעזור לך", HELP, False),
        ("הבנתי אותך היטב", HELP, False),
        ("במשהו נוסף", HELP, False),
        ("מחר בבוקר או מחר בערב", WHEN, True),
        ("או מחר בערב", WHEN, False),
        ("פגישה מחר בבוקר", WHEN, False),  # who leaves out the "or" has chosen
        ("לקבוע פגישה מחר בערב", WHEN, False),
        ("ביום שני בבוקר", "מתי נוח להיפגש, ביום שני בבוקר או ביום שלישי בערב?", False),
        ("דירה עם גינה", LIKE, False),
        ("מרפסת או דירה עם גינה", LIKE, True),
        ("דירה של שלושה חדרים בחדרה", "דירה של שלושה חדרים בחיפה?", False),
        ("נפגשים מחר בשעה", "נפגשים מחר בשעה חמש.", False),
        ("", HELP, False),
        ("לעזור לך היום", " ", False),
    ],
)
def test_e3_right_after_playout_only_its_end_is_echo(heard, spoken, tail):
    """E3: but not the last thing offered, or one of several."""
    assert is_tail_of(heard, spoken) is tail


def test_e3_the_share_is_of_the_words_heard():
    """E3: one word of five may be misheard, not two; none if all words must match."""
    ours = "הסוכן יתקשר מהמשרד בצהריים לתאם"
    assert is_echo_of("הסוכן יתקשר מהמשרה בצהריים לתאם", ours)
    assert not is_echo_of("הסוכן יתקשר מהמשרה בצהריים לתאם", ours, 1.0)
    assert not is_echo_of("הסוכן התקשר מהמשרה בצהריים לתאם", ours)
    assert is_echo_of("הסוכן התקשר מהמשרה בצהריים לתאם", ours, 0.6)


def test_e3_only_a_few_of_the_agents_words_may_be_lost():
    """E3: words picked out of a long reply are the caller's."""
    ours = "אחרי הפגישה הסוכן שלנו ישלח אליך הצעה מסודרת במייל"
    assert is_echo_of("אחרי הפגישה שלנו ישלח הצעה מסודרת", ours)
    assert not is_echo_of("אחרי הסוכן אליך במייל", ours)
    assert not is_echo_of("אחרי הפגישה אליך הצעה מסודרת", ours)
    long = f"{ours} ועוד היום נתאם ביקור נוסף"
    assert is_echo_of("אחרי הפגישה ישלח אליך הצעה מסודרת במייל ועוד היום נתאם ביקור", long)
    assert not is_echo_of("אחרי הפגישה אליך הצעה מסודרת במייל ועוד היום נתאם ביקור", long)


words = st.lists(st.sampled_from("דירה בית 3 ארבעה לא כן תל אביב חדרים מרפסת לנו יש".split()), max_size=12)


@given(words, words, words)
def test_e3_every_part_of_the_agents_words_is_echo(before, part, behind):
    """E3: from three words on, wherever they stood; never fewer."""
    spoken = " ".join([*before, *part, *behind])
    if len(part) < 3:
        assert not is_echo_of(" ".join(part), spoken)
    elif not any(word in "3 ארבעה" for word in part):  # figures in a row are one number when spoken
        assert is_echo_of(" ".join(part), spoken)


@given(st.text(max_size=60), st.text(max_size=60))
def test_e3_any_text_is_judged(text, spoken):
    """E3: any transcript."""
    assert is_echo_of(text, spoken) in (True, False)
    assert is_whole_echo_of(text, spoken) in (True, False)
    assert is_echo_of(text, spoken) or not is_tail_of(text, spoken)
