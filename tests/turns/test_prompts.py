"""The agent's fixed lines: which is said when, and in whose gender."""

import pytest

from server.hebrew.understand.gender import Gender
from server.settings.prompts_file import lines_of
from server.turns.prompts import all_lines, asking_again, forms_of, in_gender, in_turn, offers, to_caller
from tests.wording import OURS

CALLERS = (None, *Gender)


@pytest.mark.parametrize("wordings", [OURS.unclear, OURS.llm_failed, ("א", "ב"), ("א", "ב", "ג", "ד")])
def test_e1_wording_varies_and_every_third_time_is_an_offer(wordings):
    """E1, G2: the first wording first, no two in a row the same, and none that is never said."""
    assert [offers(times) for times in range(1, 7)] == [False, False, True] * 2
    asked = [asking_again(wordings, times) for times in range(1, 30) if not offers(times)]
    assert asked[0] == wordings[0] and set(asked) == set(wordings)
    assert all(before != after for before, after in zip(asked, asked[1:], strict=False))


def test_the_playbooks_own_words_come_first():
    """G: what its author has written stays, ours are for the second time."""
    him = lines_of("", Gender.MASCULINE)
    assert OURS.unclear[0] == "אפשר לנסח שוב במשפט קצר?"
    assert OURS.llm_failed[0] == "בסדר, איך אוכל לסייע?"
    assert to_caller(in_turn(him.already_said, 0), Gender.MASCULINE) == "הבנתי. תרצה שאפרט או להתקדם?"


def test_every_line_is_made_before_the_first_call():
    """B5, B6: greeting and hint too, unless they are off."""
    made = all_lines("שלום", "רגע", OURS)
    said = (value for value in vars(OURS).values())
    wordings = {line for value in said for line in ((value,) if isinstance(value, str) else value)}
    assert set(made) == {"שלום", "רגע", *(to_caller(line, to) for line in wordings for to in CALLERS)}
    assert len(made) == len(set(made))
    assert set(made) - set(all_lines("", " ", OURS)) == {"שלום", "רגע"}
    assert all(line.strip() for line in all_lines("", " ", OURS))


def test_f3_no_line_to_a_hidden_number_promises_a_call_back():
    """F3, E1, F4: nobody could make it."""
    hidden = (OURS.giving_up_hidden, OURS.closing_hidden, OURS.message_number, OURS.message_kept)
    assert not any("נחזור" in line or "נתקשר" in line for line in hidden)


@pytest.mark.parametrize("agent", Gender)
def test_no_line_is_made_with_its_choices_still_open(agent):
    """Gender: no bracket is ever spoken, and no line of the other gender is made."""
    made = all_lines("", "", lines_of("", agent))
    assert not any(set(line) & set("{}[]|") for line in made)
    other = ({*Gender} - {agent}).pop()
    assert lines_of("", agent).go_ahead in made and lines_of("", other).go_ahead not in made


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
    assert in_gender(line, agent, caller) == said
    assert said in forms_of(line)
