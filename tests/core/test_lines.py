"""The agent's fixed lines."""

import pytest

from server.core import lines
from server.hebrew.gender import Gender

CALLERS = (None, *Gender)


def test_e1_wording_varies_and_every_third_offers_a_person():
    """E1: no two clarifications in a row are the same; after three in a row a call back is offered."""
    asked = [lines.unclear(times) for times in range(1, 10)]
    assert asked[0] == "אפשר לנסח שוב במשפט קצר?"
    assert [line == lines.OFFER_CALL_BACK for line in asked] == [False, False, True] * 3
    assert all(before != after for before, after in zip(asked, asked[1:], strict=False))


def test_e4_nothing_new_to_say_has_two_wordings():
    """E4: the line of the contract, then another."""
    him = Gender.MASCULINE
    said = [lines.in_gender(lines.already_said(turn), him, him) for turn in range(4)]
    assert said[0] == said[2] == "הבנתי. תרצה שאפרט או להתקדם?"
    assert said[1] == said[3] != said[0]


def test_all_lines_are_worth_making_before_the_first_call():
    """B5, B6: greeting and hint too, unless they are off."""
    made = lines.all_lines("שלום", "רגע", Gender.FEMININE)
    spoken = {*map(lines.unclear, range(1, 7)), *map(lines.already_said, range(4))}
    spoken |= {*map(lines.mind_failed, range(1, 7)), *map(lines.still_there, range(4))}
    spoken |= {lines.NOBODY_THERE, lines.GOODBYE, lines.TIME_IS_UP, lines.HANDING_OVER, lines.NO_PERSON}
    spoken |= {lines.OFFER_PERSON, lines.GO_AHEAD, lines.MESSAGE_TAKEN, lines.NO_MESSAGE}
    spoken |= {lines.CLOSING_HAND_OVER, lines.CLOSING_CALL_BACK, lines.APOLOGY_TRANSFER}
    spoken |= {lines.APOLOGY, lines.BUSY, lines.NO_ANSWER, lines.APOLOGY_HIDDEN, lines.NO_ANSWER_HIDDEN}
    spoken |= {lines.GIVING_UP, lines.GIVING_UP_HIDDEN}
    spoken |= {lines.DEAF_HAND_OVER, lines.DEAF_KEYS, lines.DEAF_KEYS_HIDDEN, lines.NOTED_GOODBYE}
    spoken |= {lines.CLOSING_HIDDEN, lines.WHICH_NUMBER, lines.MESSAGE_NUMBER, lines.MESSAGE_KEPT}
    forms = {lines.in_gender(line, Gender.FEMININE, to) for line in spoken for to in CALLERS}
    assert set(made) == {"שלום", "רגע", *forms}
    assert len(made) == len(set(made))
    assert set(made) - set(lines.all_lines("", " ", Gender.FEMININE)) == {"שלום", "רגע"}
    assert all(line.strip() for line in lines.all_lines("", " ", Gender.FEMININE))


def test_f3_no_line_to_a_hidden_number_promises_a_call_back():
    """F3, E1, F4: nobody could make it."""
    hidden = (lines.GIVING_UP_HIDDEN, lines.CLOSING_HIDDEN, lines.MESSAGE_NUMBER, lines.MESSAGE_KEPT)
    assert not any("נחזור" in line or "נתקשר" in line for line in hidden)


@pytest.mark.parametrize("agent", Gender)
def test_no_line_is_made_with_its_choices_still_open(agent):
    """Gender: no bracket is ever spoken, and no line of the other gender is made."""
    made = lines.all_lines("", "", agent)
    assert not any(set(line) & set("{}[]|") for line in made)
    said = lines.in_gender(lines.GO_AHEAD, agent, None)
    other = {*Gender} - {agent}
    assert said in made and lines.in_gender(lines.GO_AHEAD, other.pop(), None) not in made


@pytest.mark.parametrize(
    "line, agent, caller, said",
    [
        ("{מעבירה|מעביר} לנציג", Gender.FEMININE, None, "מעבירה לנציג"),
        ("{מעבירה|מעביר} לנציג", Gender.MASCULINE, Gender.FEMININE, "מעביר לנציג"),
        ("[תרצו|תרצי|תרצה] עוד?", Gender.FEMININE, None, "תרצו עוד?"),
        ("[תרצו|תרצי|תרצה] עוד?", Gender.MASCULINE, Gender.FEMININE, "תרצי עוד?"),
        ("[תרצו|תרצי|תרצה] עוד?", Gender.FEMININE, Gender.MASCULINE, "תרצה עוד?"),
        ("{א|ב} [ג|ד|ה] {ו|ז} [ח|ט|י]", Gender.MASCULINE, Gender.MASCULINE, "ב ה ז י"),
        ("אין כאן מה לבחור.", Gender.MASCULINE, Gender.FEMININE, "אין כאן מה לבחור."),
    ],
)
def test_gender_the_agents_own_and_the_callers(line, agent, caller, said):
    """Gender: the agent's is a knob, the caller's is theirs to show; until then it is the plural."""
    assert lines.in_gender(line, agent, caller) == said


def test_f1_the_question_whether_they_are_there_varies():
    """F1: the first prompt is the contract's; the next is another."""
    asked = [lines.still_there(before) for before in range(3)]
    assert asked[0] == asked[2] == "אנחנו עדיין על הקו?"
    assert asked[1] != asked[0]


def test_g2_a_mind_that_keeps_failing_is_not_the_same_line_for_ever():
    """G2: another line, then the call back, and so on."""
    said = [lines.mind_failed(n) for n in range(1, 5)]
    assert said == [lines.MIND_FAILED, lines.MIND_FAILED_AGAIN, lines.OFFER_CALL_BACK, lines.MIND_FAILED]
