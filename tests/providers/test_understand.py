"""Hebrew lines → details, as tables."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hebrew.speak.numbers import cardinal
from server.providers.embedded.llm import script_he as he
from server.providers.embedded.llm.amounts import amounts_of
from server.providers.embedded.llm.numbers_he import number_at, say_rooms, say_shekels
from server.providers.embedded.llm.telephones import telephone_in
from server.providers.embedded.llm.tokens import tokens_of
from server.providers.embedded.llm.understand import Understood, keys_of, typed, understand

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
    ("זה לא רלוונטי", "budget", {"topic": "skip", "yes": False}),
    ("זה כבר לא רלוונטי", "budget", {"topic": "refusal", "yes": False}),
    ("לא רלוונטי", "intent", {"topic": "refusal", "yes": False}),
    ("רגע", "rooms", {"topic": "wait"}),
    ("בלה בלה", "city", {}),
    ("", "city", {}),
]


@pytest.mark.parametrize("line, asked, details", LINES, ids=[f"{line}|{asked}" for line, asked, _ in LINES])
def test_line(line: str, asked: str, details: dict[str, object]) -> None:
    assert understand(line, asked) == Understood(**details)  # type: ignore[arg-type]


READINGS: list[
    tuple[str, str, str | None, str, object]
] = [  # F8, and its kinds: line, asked, known, detail, value
    ("2 עד 3 מיליון", "budget", "buy", "budget", 3_000_000),
    ("בין מיליון וחצי לשני מיליון", "budget", "buy", "budget", 2_000_000),
    ("מיליון שמונה מאות עד שניים", "budget", "buy", "budget", 2_000_000),
    ("מיליון שמונה מאות עד תשע מאות", "budget", "buy", "budget", 1_900_000),
    ("2-2.5 מיליון", "budget", "buy", "budget", 2_500_000),
    ("אלף שמונה מאות", "budget", "buy", "budget", 1_800_000),
    ("אלף שמונה מאות", "budget", "rent", "budget", 1_800),
    ("אחד שמונה", "budget", "buy", "budget", None),
    ("500 אלף דולר", "budget", "buy", "budget", None),
    ("500 אלף דולר", "budget", "buy", "foreign", True),
    ("בין 6 ל-7 אלף", "budget", "rent", "budget", 7_000),
    ("4500 גג 5000", "budget", "rent", "budget", 5_000),
    ('6000 ש"ח פלוס ועד בית 300', "budget", "rent", "budget", 6_000),
    ("5000 וארנונה 400 לחודשיים", "budget", "rent", "budget", 5_000),
    ("שלושת אלפים, לא, שלושת אלפים חמש מאות", "budget", "rent", "budget", 3_500),
    ("שני מיליון במקום מיליון וחצי קומה 4", "budget", "buy", "rooms", None),
    ("3 או 4", "rooms", "buy", "rooms", 4),
    ("3-4", "rooms", "buy", "rooms", 4),
    ("שלוש ארבע", "rooms", "buy", "rooms", 4),
    ("3/4 חדרים", "rooms", "buy", "rooms", 4),
    ("ארבע, קומה 2", "rooms", "buy", "rooms", 4),
    ("ארבע, יש לנו שלושה ילדים", "rooms", "buy", "rooms", 4),
    ('4 חדרים, 100 מ"ר', "rooms", "buy", "rooms", 4),
    ("קומה 2", "rooms", "buy", "rooms", None),
    ("שלושה חדרי שינה", "rooms", "buy", "rooms", None),
    ("שלושה חדרים עד מיליון", "rooms", "buy", "budget", 1_000_000),
    ("אפס חמישים ושתיים, שלוש ארבע חמש, שש שבע, שמונה תשע", "phone", None, "phone", "0523456789"),
    ("אפס חמש אפס שלוש פעמים שבע שתיים שתיים שתיים שתיים", "phone", None, "phone", "0507772222"),
    ("052 פעמיים שבע 34 כפול חמש 12", "phone", None, "phone", None),
    ("052 פעמיים שבע 34 כפול חמש אחת", "phone", None, "phone", "0527734551"),
    ("אפס חמש אפס שלושה אפסים 12 34", "phone", None, "phone", "0500001234"),
    ("פלוס 972 52 345 67 89", "phone", None, "phone", "0523456789"),
    ("052345678", "phone", None, "phone", None),
    ("אפס חמישים שתיים, עשרים שלוש ארבעים חמש שישים שבע", "phone", None, "phone", None),
    ("יש לי דירה להשכרה", "intent", None, "intent", "let"),
    ("יש לי דירה למכירה", "intent", None, "intent", "sell"),
    ("דירה להשכרה שלי", "intent", None, "intent", "let"),
    ("אני רוצה למכור", "intent", None, "intent", "sell"),
    ("משכיר", "intent", None, "intent", "let"),
    ("בעל נכס", "intent", None, "owner", True),
    ("יש לכם דירה להשכרה?", "intent", None, "intent", "rent"),
    ("יש לי שאלה על דירה למכירה", "intent", None, "intent", "buy"),
    ("בעל הבית שלי מוכר ואני צריך לשכור", "intent", None, "intent", "rent"),
    ("להשכרה", "offer", None, "intent", "let"),
    ("להשכרה", "fix", "sell", "intent", "let"),
    ("אני גר בחיפה", "city", None, "city", None),
    ("חיפה, לא עכו", "city", None, "city", "חיפה"),
]


@pytest.mark.parametrize(("line", "asked", "known", "detail", "value"), READINGS)
def test_f8_a_number_counts_for_what_it_belongs_to(
    line: str, asked: str, known: Any, detail: str, value: object
) -> None:
    """E6, F8: amounts of a line are not added up, and sellers are not taken for buyers."""
    assert getattr(understand(line, asked, known), detail) == value


@given(
    st.integers(2, 18),
    st.integers(1, 4),
    st.sampled_from(("{} עד {}", "{}-{}", "בין {} ל-{}", "{} או {}", "{}/{}")),
)
def test_a_range_has_an_upper_end(low: int, more: int, said: str) -> None:
    """In thousands, in millions, and of rooms; never the sum."""
    line = said.format(f"{low / 2:g}", f"{(low + more) / 2:g}")
    upper = (low + more) / 2
    assert understand(f"{line} מיליון", "budget", "buy").budget == upper * 1_000_000
    assert understand(f"{line} אלף", "budget", "rent").budget == upper * 1_000
    assert understand(line, "rooms").rooms == (upper if upper <= 10 else None)


GROUPS = st.lists(st.integers(1, 3), min_size=7, max_size=7)


@given(
    st.sampled_from(("05", "07")),
    st.integers(2, 8),
    st.integers(0, 9_999_999),
    GROUPS,
    st.booleans(),
    st.randoms(),
)
def test_a_telephone_is_noted_as_it_was_said_or_asked_again(
    start: str, third: int, rest: int, groups: list[int], pauses: bool, chance: Any
) -> None:
    """In any grouping of digits; pauses between groups remove all doubt."""
    number, said, at = f"{start}{third}{rest:07}", [], 0
    for size in groups + [1] * 10:
        group = number[at : at + size]
        at += size
        if group:
            whole = group[0] != "0" and chance.random() < 0.7
            said.append(cardinal(int(group)) if whole else " ".join(cardinal(int(digit)) for digit in group))
    heard = telephone_in(tokens_of((", " if pauses else " ").join(said)))
    assert heard == number or (heard is None and not pauses)


@given(st.text(alphabet="0123456789 ,.-/+אבגדחמשתיםו", max_size=40))
def test_no_line_breaks_the_reading_of_amounts(text: str) -> None:
    for amount in amounts_of(tokens_of(text)):
        assert amount.upper >= 0


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
        ("3", "intent", None, {"intent": "sell"}),
        ("2", "offer", None, {"intent": "let"}),
        ("050123456", "phone", None, {}),
    ],
)
def test_keys(keys: str, asked: str, intent: str | None, details: dict[str, object]) -> None:
    assert typed(keys, asked, intent) == Understood(**details)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text, keys",
    [
        ("1", "1"),
        ("050-123#", "050123"),
        ("#", None),
        ("3 חדרים", None),
        ("3-4", None),
        ("5000 6000", None),
        ("", None),
        ("٣", None),
    ],
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
    """A bare number behind a million is short for more, and is left out here."""
    tokens = tokens_of(say_shekels(amount).removesuffix(" שקל"))
    number = number_at(tokens, 0)
    assert number is not None
    alone = amount >= 1_000_000 and 0 < amount % 1_000_000 < 1_000
    assert alone or (number.value, number.end) == (amount, len(tokens))


@given(st.text(), st.sampled_from([*he.ASK, "done"]))
def test_any_text_is_taken(text: str, asked: str) -> None:
    understood = understand(text, asked)
    assert understood.name is None or not any(c.isdigit() for c in understood.name)
