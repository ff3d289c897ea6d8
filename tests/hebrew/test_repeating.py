"""E4: requests to repeat, by Hebrew constructions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.data import lines_of
from server.hebrew.families import slots_of
from server.hebrew.understand.repeating import asks_to_repeat
from tests.hebrew.tables import phrases_of

VERBS = [line.split() for line in lines_of("repeat/tell")]
AGAIN = phrases_of("repeat/again")
MANNERS = phrases_of("repeat/manner:how")
GOT = ["שמעתי", "הבנתי", "קלטתי", "תפסתי"]


@pytest.mark.parametrize("infinitive, stem, told", VERBS)
def test_e4_a_verb_of_telling_in_every_form_that_asks_it_of_us(infinitive, stem, told):
    """E4: "again" and a manner, with or without an object between; the forms are generated, not listed."""
    for form in (
        *(form for (form,) in slots_of(f"ת{stem}+")[0].phrases),
        f"אפשר {infinitive}",
        f"את יכולה {infinitive}",
    ):
        assert asks_to_repeat(f"{form} שוב")
        assert asks_to_repeat(f"{form} לי בבקשה את המספר עוד פעם")
        assert asks_to_repeat(f"סליחה {form} את זה לאט")
        assert not asks_to_repeat(f"{form} לו שוב")
        assert not asks_to_repeat(f"{form} שאני רוצה לבוא שוב")
    assert asks_to_repeat(f"איזה רחוב {told}")


@pytest.mark.parametrize("infinitive", [infinitive for infinitive, *_ in VERBS])
def test_e4_not_what_somebody_else_repeats(infinitive):
    """E4: nor a refusal."""
    for around in ("אני רוצה {} שוב תודה", "נמאס לי {} שוב", "אין צורך {} שוב", "הבת שלי צריכה {} שוב"):
        assert not asks_to_repeat(around.format(infinitive))


@pytest.mark.parametrize("again", AGAIN)
def test_e4_again_with_an_item_of_ours(again):
    """E4: "שוב את המספר", "המספר שוב"; not an action done again."""
    for item in ("המספר", "את הכתובת", "שם הרחוב"):
        assert asks_to_repeat(f"{again} {item}")
        assert asks_to_repeat(f"סליחה, {item} {again} בבקשה") or item == "שם הרחוב"
    assert not asks_to_repeat(f"אני רוצה להזמין {again} את אותו דבר")
    assert not asks_to_repeat(f"זה התקלקל {again}")


@pytest.mark.parametrize("manner", MANNERS)
def test_e4_slower_louder_clearer(manner):
    assert asks_to_repeat(f"תדברי {manner} בבקשה")
    assert not asks_to_repeat(f"הרכב נוסע {manner}")


@pytest.mark.parametrize("verb", GOT)
def test_e4_words_of_the_agent_that_were_missed(verb):
    """E4: only the agent's words: "לא שמעתי מכם" is a complaint."""
    for rest in ("", "אותך", "את השעה", "מה אמרת", "כלום"):
        assert asks_to_repeat(f"סליחה לא {verb} {rest}")
    for rest in ("על זה", "למה ביטלתם"):
        assert not asks_to_repeat(f"לא {verb} {rest}")
    assert not asks_to_repeat(f"{verb} אותך מצוין")


@given(st.text("אבהויכלמשתמהרעפ ?", max_size=40))
def test_e4_any_words_are_judged(words):
    asks_to_repeat(words)
