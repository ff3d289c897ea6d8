"""A caller's Hebrew line → the details in it. Pure; tolerant of prefixes, spellings, figures and words."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from server.engines.mind import script_he as he
from server.engines.mind.numbers_he import number_word, read_digits, read_number
from server.hebrew.speech_acts import takes_leave

Intent = Literal["buy", "rent"]

_GONE = re.compile(r"[\u0591-\u05c7'\"׳״`]|(?<=\d),(?=\d{3})")  # niqqud, gershayim, thousands separators
_LETTERS = re.compile(r"[^א-ת0-9.]+")
_STOP = re.compile(r"\.(?!\d)|(?<!\d)\.")
_PREFIXES = "בלמהו"
_ROOM = ("חדר", "חדרים", "חדרי")
_MOST_ROOMS = 10
_LEAST_BUDGET, _MOST_BUDGET = 1_000, 200_000_000
_MONEY = ("שקל", "שקלים", "שח", "מיליון", "מליון", "אלף", "אלפים", "אלפיים", "תקציב", "התקציב")
_PHONE = re.compile(r"0\d{8,9}", re.ASCII)
_KEYS = re.compile(r"[0-9*#\s-]+", re.ASCII)
_MOST_NAME_WORDS, _MOST_NAME_LETTERS = 2, 20


@dataclass(frozen=True)
class Understood:
    """What one line says; None and False where it says nothing."""

    intent: Intent | None = None
    city: str | None = None
    rooms: float | None = None
    budget: int | None = None
    name: str | None = None
    phone: str | None = None
    this_number: bool = False
    other_number: bool = False
    yes: bool | None = None
    topic: str | None = None  # a key of ``script_he.TOPIC_WORDS``


def words_of(text: str) -> list[str]:
    """Hebrew words and figures of ``text``, in one spelling, without marks."""
    plain = _GONE.sub("", unicodedata.normalize("NFKC", text))
    return _STOP.sub(" ", _LETTERS.sub(" ", plain)).split()


def keys_of(text: str) -> str | None:
    """The digits of a line typed on the keypad; None when it is anything else."""
    if not _KEYS.fullmatch(text):
        return None
    return re.sub(r"[^0-9]", "", text) or None


def understand(text: str, asked: str, intent: Intent | None = None) -> Understood:
    """Read a line that answers the question ``asked``: alone, a number or a name means what was asked for.

    ``intent`` is what is known: it says whether "two" of budget are thousands or millions.
    """
    words = words_of(text)
    city, rest = _city(words)
    rooms, rest = _rooms(rest, bare=asked == "rooms")
    phone = _phone(words)
    wanted = _intent(words) or intent
    topic = _topic(words)
    return Understood(
        intent=_intent(words),
        city=city,
        rooms=rooms,
        budget=None if phone else _budget(rest, wanted, bare=asked == "budget"),
        name=_name(words, asked, topic),
        phone=phone,
        this_number=_says_any(words, he.THIS_NUMBER),
        other_number=_says_any(words, he.OTHER_NUMBER),
        yes=_yes(words),
        topic=topic,
    )


def typed(keys: str, asked: str, intent: Intent | None = None) -> Understood:
    """Read keypad digits as the answer to the question ``asked``."""
    if asked == "intent":
        return Understood(intent="buy" if keys == "1" else "rent" if keys == "2" else None)
    if asked == "city":
        return Understood(city=he.CITY_KEYS.get(keys))
    if asked == "rooms":
        return Understood(rooms=float(keys) if len(keys) <= 2 and 1 <= int(keys) <= _MOST_ROOMS else None)
    if asked == "budget":
        return Understood(budget=_amount(float(keys[:12]), intent))
    if asked == "name":
        return Understood(topic="skip" if keys == "1" else None)
    if asked in ("callback", "phone") and _PHONE.fullmatch(keys):
        return Understood(phone=keys)
    return Understood(yes={"1": True, "2": False}.get(keys) if asked != "phone" else None)


def _city(words: list[str]) -> tuple[str | None, list[str]]:
    """The last city of the line, and the line without it: some cities have numbers in their names."""
    found, rest, start = None, [], 0
    while start < len(words):
        for length in (3, 2, 1):
            span = words[start : start + length]
            city = _city_named(" ".join(span)) if len(span) == length else None
            if city:
                found, start = city, start + length
                break
        else:
            rest.append(words[start])
            start += 1
    return found, rest


def _city_named(name: str) -> str | None:
    names = _cities()
    if name in names:
        return names[name]
    return names.get(name[1:]) if name[:1] and name[0] in _PREFIXES else None


@cache
def _cities() -> dict[str, str]:
    return {name: city for city, others in he.CITIES.items() for name in (city, *others)}


def _rooms(words: list[str], *, bare: bool) -> tuple[float | None, list[str]]:
    """Rooms said with the word, or alone when asked; and the line without them."""
    for at, word in enumerate(words):
        if word not in _ROOM and word[1:] not in _ROOM:
            continue
        start = at
        while start and number_word(words[start - 1]):
            start -= 1
        end = at + 1
        if end < len(words) and number_word(words[end]) == "חצי":
            end += 1
        numbers = [n for n in map(number_word, words[start:end]) if n]
        spoken_one = word == "חדר" and start == at
        rooms = read_number(numbers) + (1 if spoken_one else 0)
        return _sane_rooms(rooms), words[:start] + words[end:]
    if bare:
        numbers = [n for n in map(number_word, words) if n]
        return _sane_rooms(read_number(numbers)), []
    return None, words


def _sane_rooms(rooms: float) -> float | None:
    return rooms if 1 <= rooms <= _MOST_ROOMS and rooms * 2 == int(rooms * 2) else None


def _budget(words: list[str], intent: Intent | None, *, bare: bool) -> int | None:
    if not bare and not any(word.lstrip("ו") in _MONEY for word in words):
        return None
    return _amount(read_number([n for n in map(number_word, words) if n]), intent)


def _amount(number: float, intent: Intent | None) -> int | None:
    """Shekels; a small number is short for thousands, or millions when buying."""
    if 0 < number < 20 and intent == "buy":
        number *= 1_000_000
    elif 0 < number < 1_000:
        number *= 1_000
    return int(number) if _LEAST_BUDGET <= number <= _MOST_BUDGET else None


def _phone(words: list[str]) -> str | None:
    digits = read_digits(words)
    if digits.startswith("972"):
        digits = "0" + digits[3:]
    return digits if _PHONE.fullmatch(digits) else None


def _intent(words: list[str]) -> Intent | None:
    """The last one that is not denied: "לא לקנות, לשכור" is to rent."""
    found: Intent | None = None
    for before, word in zip(["", *words], words, strict=False):
        if before != "לא" and (word in he.BUY or word in he.RENT):
            found = "buy" if word in he.BUY else "rent"
    return found


def _yes(words: list[str]) -> bool | None:
    """The first word that is a yes or a no: "לא נכון" is a no, and so is "לא, ארבעה"."""
    return next((word in he.YES for word in words if word in he.YES or word in he.NO), None)


def _topic(words: list[str]) -> str | None:
    line = " ".join(words)
    if takes_leave(line):
        return "goodbye"
    for topic, phrases in he.TOPIC_WORDS.items():
        if any(line == phrase or _counts(phrase, topic, line) for phrase in phrases):
            return topic
    return None


def _counts(phrase: str, topic: str, line: str) -> bool:
    """Whether ``phrase`` means ``topic`` as a part of ``line``."""
    if topic in he.LINE_END:
        return line.endswith(f" {phrase}")
    return phrase not in he.WHOLE_LINE and f" {phrase} " in f" {line} "


def _says_any(words: Sequence[str], phrases: Sequence[str]) -> bool:
    line = " ".join(words)
    return any(phrase in line for phrase in phrases)


def _name(words: list[str], asked: str, topic: str | None) -> str | None:
    """A name behind its opener anywhere; when it was asked for, also a known one, or whatever is short."""
    line = " ".join(words)
    for opener in he.NAME_OPENERS + (he.NAME_OPENERS_WHEN_ASKED if asked == "name" else ()):
        if f" {opener} " in f" {line} ":
            name = f" {line} ".split(f" {opener} ", 1)[1].split()[:_MOST_NAME_WORDS]
            return _plain_name(name)
    if asked != "name" or topic:
        return None
    known = [word for word in words if word in he.NAMES]
    if known:
        return known[0]
    return _plain_name(words) if len(words) <= _MOST_NAME_WORDS and _yes(words) is None else None


def _plain_name(words: list[str]) -> str | None:
    name = " ".join(words)
    return name if 1 < len(name) <= _MOST_NAME_LETTERS and not any(c in "0123456789." for c in name) else None
