"""A7, D4, E1, E4, F2, F3: any transcript is judged, in linear time."""

from time import process_time

import pytest

from server.hebrew.understand.answers import is_yes
from server.hebrew.understand.backchannel import is_backchannel, is_interrupt, only_listens
from server.hebrew.understand.finished import ending_of
from server.hebrew.understand.gender import shown_gender
from server.hebrew.understand.speech_acts import asks_to_repeat, says_goodbye, wants_person
from server.hebrew.understand.waiting import asks_to_wait

JUDGES = {
    "answers": lambda text: is_yes(text, "לשלוח לך את החשבונית?"),
    "listens": lambda text: only_listens(text, "הדירה בקומה שלישית ויש", asked=False),
    "nods": is_backchannel, "interrupts": is_interrupt, "ending": ending_of, "gender": shown_gender,
    "repeat": asks_to_repeat, "goodbye": says_goodbye, "person": wants_person, "wait": asks_to_wait,
}  # fmt: skip
SAID = ["כן", "לא", "אני", "שנה כל היום", "רגע", "תגידי לי שוב", "לא שמעתי אותך", "חמש"]
ODD = ["", " ", "…", "<dear>", "[name]", "טוב*", "ל…", "תמשיך+", "מותק~", "_", "|", "?", "כן|לא", "\x00"]
WORDS = 10_000
MOST_S = 1.0  # of the processor's time; it takes a fifth of that, and many seconds if words cost words


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@pytest.mark.parametrize("said", SAID)
def test_a7_a_long_text_takes_no_longer_for_each_of_its_words(judge, said):
    """A7: a recogniser that repeats one phrase over and over."""
    words = f"{said} " * (WORDS // len(said.split()))
    started = process_time()
    judge(words)
    assert process_time() - started < MOST_S


@pytest.mark.parametrize("judge", JUDGES.values(), ids=JUDGES)
@pytest.mark.parametrize("text", [*ODD, "1" * 5000])
def test_d4_any_text_is_judged(judge, text):
    """D4: also the marks of the list files, and a number too long to read."""
    assert judge(text) == judge(text)
    assert not says_goodbye(text) and not wants_person(text)
