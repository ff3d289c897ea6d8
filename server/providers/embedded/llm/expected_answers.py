"""The expected answers to each question: hints for a cloud STT, the grammar of the embedded one."""

from functools import cache
from itertools import product

from server.hebrew.speak.numbers import cardinal
from server.hebrew.understand.gender import Gender
from server.providers.embedded.llm import script_he as he
from server.providers.embedded.llm.numbers_he import say_rooms, say_shekels
from server.turns.effects import Expected

_ALWAYS = ("נציג", "לדבר עם נציג", "תודה", "להתראות", "לא הבנתי", "אפשר לחזור", "רגע")
_QUESTIONS = ("כמה זה עולה", "מה הכתובת")
_I = ("אני רוצה", "אני מחפש", "אני מחפשת", "אנחנו מחפשים")
_BUY = ("לקנות", "לקנות דירה", "קנייה", "לקנייה", "דירה לקנייה")
_RENT = ("לשכור", "לשכור דירה", "שכירות", "לשכירות", "דירה לשכירות", "להשכרה", "דירה להשכרה")
_OFFER = ("למכור", "למכור דירה", "למכור את הדירה", "להשכיר", "להשכיר דירה", "להשכיר את הדירה")
_OWN = ("יש לי דירה למכירה", "יש לי דירה להשכרה", "למכור דירה")
_YES_NO = ("כן", "לא", "כן נכון", "לא נכון", "נכון", "בסדר", "בטח", "בדיוק")
_SKIP = ("לא יודע", "לא יודעת", "לא משנה")
_HUNDREDS_OF_THOUSANDS = range(500_000, 5_000_001, 100_000)
_RENTS = (*range(2_000, 10_001, 500), *range(11_000, 16_000, 1_000))


@cache
def expected_after(question: str, intent: str | None) -> Expected:
    """The expected input. ``question``: a key of ``script_he.ASK``, or ``done``; else raises KeyError."""
    own, digits = {
        "intent": (_intents() + _flats_in_cities(), 1),
        "offer": (_OFFER, 1),
        "city": (_cities() + _SKIP, 1),
        "rooms": (_rooms() + _SKIP, 1),
        "budget": (_budgets(intent) + _SKIP, None),
        "name": (_names(), 1),
        "callback": (_YES_NO + ("למספר הזה", "כן למספר הזה", "מספר אחר", "למספר אחר"), None),
        "phone": (("למספר הזה", *_SKIP), 10),
        "confirm": (_YES_NO + _corrections(), 1),
        "fix": (_cities() + _rooms() + _budgets(intent) + ("לקנות", "לשכור"), None),
        "done": (("לא", "לא תודה", "כן", "תודה רבה"), None),
    }[question]
    return Expected(tuple(dict.fromkeys(own + _ALWAYS + _QUESTIONS)), digits)


def _intents() -> tuple[str, ...]:
    wishes = tuple(f"{me} {want}" for me in _I for want in ("דירה", *_BUY, *_RENT) if _sounds_right(me, want))
    hello = tuple(f"שלום {wish}" for wish in wishes if wish.startswith("אני רוצה"))
    return _BUY + _RENT + _OWN + wishes + hello + ("שלום", "דירה", "בעצם לקנות", "בעצם לשכור")


def _sounds_right(me: str, want: str) -> bool:
    return "דירה" in want if me != "אני רוצה" else want.startswith(("לקנות", "לשכור", "דירה"))


def _flats_in_cities() -> tuple[str, ...]:
    openers = ("אני מחפש דירה", "אני מחפשת דירה", "אני רוצה לקנות דירה", "אני רוצה לשכור דירה")
    return tuple(f"{opener} ב{city}" for opener, city in product(openers, he.CITIES))


def _cities() -> tuple[str, ...]:
    return tuple(prefix + city for prefix, city in product(("", "ב"), he.CITIES))


def _rooms() -> tuple[str, ...]:
    spoken = tuple(say_rooms(half / 2) for half in range(2, 13))
    half_last = tuple(f"{say_rooms(rooms)} וחצי" for rooms in range(2, 6))
    short = tuple(cardinal(rooms, Gender.MASCULINE) + half for rooms in range(2, 7) for half in ("", " וחצי"))
    return spoken + half_last + short + tuple(f"לא {rooms}" for rooms in spoken)


def _corrections() -> tuple[str, ...]:
    return tuple(f"לא {say_rooms(rooms)}" for rooms in (2, 3, 4, 5)) + tuple(
        f"לא ב{city}" for city in he.CITIES
    )


def _budgets(intent: str | None) -> tuple[str, ...]:
    amounts = _RENTS if intent in ("rent", "let") else _HUNDREDS_OF_THOUSANDS
    spoken = tuple(say_shekels(amount) for amount in amounts)
    return spoken + tuple(money.removesuffix(" שקל") for money in spoken)


def _names() -> tuple[str, ...]:
    return tuple(opener + name for opener, name in product(("", "קוראים לי ", "שמי "), he.NAMES))
