"""Hebrew lines → details, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.engines.mind import script_he as he
from server.engines.mind.numbers_he import number_word, read_number, say_rooms, say_shekels
from server.engines.mind.understand import Understood, keys_of, typed, understand

LINES = [  # line, the question it answers, what is in it
    ("אני רוצה לקנות דירה", "intent", {"intent": "buy"}),
    ("קנייה", "intent", {"intent": "buy"}),
    ("שלום, אני מחפשת דירה להשכרה", "intent", {"intent": "rent", "topic": "hello"}),
    ("בעצם לשכור", "city", {"intent": "rent"}),
    ("לא לקנות, לשכור", "intent", {"intent": "rent", "yes": False}),
    ("אני רוצה לקנות דירה בתל אביב", "intent", {"intent": "buy", "city": "תל אביב"}),
    ('ת"א', "city", {"city": "תל אביב"}),
    ("בתל-אביב", "city", {"city": "תל אביב"}),
    ("בבאר שבע", "rooms", {"city": "באר שבע"}),
    ("קרית גת", "city", {"city": "קריית גת"}),
    ("לא בחיפה, בחולון", "city", {"city": "חולון", "yes": False}),
    ("שלושה חדרים", "rooms", {"rooms": 3}),
    ("3 חדרים", "rooms", {"rooms": 3}),
    ("שלושה חדרים וחצי", "rooms", {"rooms": 3.5}),
    ("3.5", "rooms", {"rooms": 3.5}),
    ("ארבע וחצי", "rooms", {"rooms": 4.5}),
    ("חדר וחצי", "rooms", {"rooms": 1.5}),
    ("שני חדרים בחדרה", "city", {"rooms": 2, "city": "חדרה"}),
    ("דירת ארבעה חדרים בבאר שבע", "intent", {"rooms": 4, "city": "באר שבע"}),
    ("לא, ארבעה חדרים", "budget", {"rooms": 4, "yes": False}),
    ("חמישים חדרים", "rooms", {}),
    ("שני מיליון", "budget", {"budget": 2_000_000}),
    ("שני מיליון וחצי שקל", "budget", {"budget": 2_500_000}),
    ("שניים וחצי מיליון", "budget", {"budget": 2_500_000}),
    ("עד מיליון שמונה מאות אלף", "budget", {"budget": 1_800_000}),
    ("מיליון ומאתיים", "budget", {"budget": 1_200_000}),
    ("5000 שקל", "budget", {"budget": 5_000}),
    ('1,500,000 ש"ח', "budget", {"budget": 1_500_000}),
    ("חמשת אלפים חמש מאות", "budget", {"budget": 5_500}),
    ("ארבע וחצי אלף", "budget", {"budget": 4_500}),
    ("שנים עשר אלף", "budget", {"budget": 12_000}),
    ("שלושה חדרים עד שני מיליון שקל", "rooms", {"rooms": 3, "budget": 2_000_000}),
    ("כן", "confirm", {"yes": True}),
    ("כן, נכון", "confirm", {"yes": True}),
    ("לא נכון", "confirm", {"yes": False}),
    ("דנה", "name", {"name": "דנה"}),
    ("קוראים לי משה כהן", "name", {"name": "משה כהן"}),
    ("שמי יעל", "city", {"name": "יעל"}),
    ("קוזימה", "name", {"name": "קוזימה"}),
    ("דנה", "city", {}),
    ("0501234567", "phone", {"phone": "0501234567"}),
    ("אפס חמש אפס, אחת שתיים שלוש, ארבע חמש שש שבע", "phone", {"phone": "0501234567"}),
    ("+972-50-1234567", "phone", {"phone": "0501234567"}),
    ("למספר הזה", "callback", {"this_number": True}),
    ("כמה זה עולה?", "rooms", {"topic": "price"}),
    ("מה הכתובת", "rooms", {"topic": "address"}),
    ("אפשר לדבר עם נציג?", "city", {"topic": "agent"}),
    ("תודה, להתראות", "city", {"topic": "goodbye"}),
    ("תודה", "city", {"topic": "thanks"}),
    ("לא הבנתי", "city", {"topic": "repeat", "yes": False}),
    ("אפשר לחזור על זה", "city", {"topic": "repeat"}),
    ("לא משנה", "rooms", {"topic": "skip", "yes": False}),
    ("רגע", "rooms", {"topic": "wait"}),
    ("בלה בלה", "city", {}),
    ("", "city", {}),
]


@pytest.mark.parametrize("line, asked, details", LINES, ids=[f"{line}|{asked}" for line, asked, _ in LINES])
def test_line(line: str, asked: str, details: dict[str, object]) -> None:
    assert understand(line, asked) == Understood(**details)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "keys, asked, intent, details",
    [
        ("1", "intent", None, {"intent": "buy"}),
        ("2", "intent", None, {"intent": "rent"}),
        ("7", "intent", None, {}),
        ("3", "city", None, {"city": "חיפה"}),
        ("9", "city", None, {}),
        ("4", "rooms", None, {"rooms": 4}),
        ("0", "rooms", None, {}),
        ("5000", "budget", "rent", {"budget": 5_000}),
        ("2", "budget", "buy", {"budget": 2_000_000}),
        ("5", "budget", "rent", {"budget": 5_000}),
        ("1", "name", None, {"topic": "skip"}),
        ("1", "callback", None, {"yes": True}),
        ("0501234567", "callback", None, {"phone": "0501234567"}),
        ("12", "phone", None, {}),
        ("2", "confirm", None, {"yes": False}),
    ],
)
def test_keys(keys: str, asked: str, intent: str | None, details: dict[str, object]) -> None:
    assert typed(keys, asked, intent) == Understood(**details)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text, keys",
    [("1", "1"), ("050-123#", "050123"), ("#", None), ("3 חדרים", None), ("", None), ("٣", None)],
)
def test_what_counts_as_keys(text: str, keys: str | None) -> None:
    assert keys_of(text) == keys


def test_every_city_is_understood_with_every_prefix() -> None:
    for city in he.CITIES:
        for line in (city, f"ב{city}", f"אני מחפש דירה ב{city}", f"דירת שלושה חדרים ב{city}"):
            assert understand(line, "city").city == city, line


@pytest.mark.parametrize(
    "amount, words",
    [
        (2_000, "אלפיים שקל"),
        (5_500, "חמשת אלפים וחמש מאות שקל"),
        (12_000, "שנים עשר אלף שקל"),
        (850_000, "שמונה מאות וחמישים אלף שקל"),
        (1_000_000, "מיליון שקל"),
        (2_500_000, "שני מיליון וחצי שקל"),
        (1_800_000, "מיליון ושמונה מאות אלף שקל"),
        (2_345_678, "שני מיליון שלוש מאות ארבעים וחמישה אלף שש מאות שבעים ושמונה שקל"),
    ],
)
def test_money_in_words(amount: int, words: str) -> None:
    assert say_shekels(amount) == words


def test_rooms_agree_in_gender() -> None:
    spoken = {1: "חדר אחד", 1.5: "חדר וחצי", 2: "שני חדרים", 2.5: "שניים וחצי חדרים", 3: "שלושה חדרים"}
    assert {rooms: say_rooms(rooms) for rooms in spoken} == spoken


@given(st.integers(1, 999_999_999))
def test_money_is_read_back_as_it_was_said(amount: int) -> None:
    words = [number_word(word) for word in say_shekels(amount).removesuffix(" שקל").split()]
    assert None not in words
    assert (
        amount >= 1_000_000 and amount % 1_000_000 < 1_000 or read_number([w for w in words if w]) == amount
    )


@given(st.text(), st.sampled_from([*he.ASK, "done"]))
def test_any_text_is_taken(text: str, asked: str) -> None:
    understood = understand(text, asked)
    assert understood.name is None or not any(c.isdigit() for c in understood.name)
