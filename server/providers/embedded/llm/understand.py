"""Reads the details in a caller's Hebrew line: prefixes, spelling variants, figures and words. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from server.hebrew.understand.questions import is_question
from server.hebrew.understand.speech_acts import takes_leave
from server.providers.embedded.llm import callers_he as he
from server.providers.embedded.llm.amounts import Amount, Role, amounts_of
from server.providers.embedded.llm.callers_he import Intent
from server.providers.embedded.llm.numbers_he import MILLION, THOUSAND
from server.providers.embedded.llm.script_he import CITIES, CITY_KEYS, NAMES
from server.providers.embedded.llm.telephones import begins, plain, telephone_in
from server.providers.embedded.llm.tokens import tokens_of, words_in
from server.providers.embedded.llm.wishes import is_owner, leaves_out, refuses, wish_of

_PREFIXES = "בלמהו"
_MOST_ROOMS = 10
_LEAST_BUDGET, _MOST_BUDGET = 1_000, 200_000_000
_LEAST_PRICE, _MOST_RENT = 20_000, 200_000  # the limits of a plausible price and rent
_MILLIONS = 20  # a price below means millions; a rent below a hundred means thousands
_HUNDRED = 100
_KEYS = re.compile(r"[0-9*#\s-]+", re.ASCII)
_MOST_NAME_WORDS, _MOST_NAME_LETTERS = 2, 20


@dataclass(frozen=True)
class Understood:
    """The details of one line; None and False where it has none."""

    intent: Intent | None = None
    city: str | None = None
    rooms: float | None = None
    budget: int | None = None
    name: str | None = None
    phone: str | None = None
    this_number: bool = False
    other_number: bool = False
    yes: bool | None = None
    topic: str | None = None  # a key of ``callers_he.TOPIC_WORDS``, or "refusal"
    owner: bool = False  # the caller has a flat and has not said what for
    foreign: bool = False  # an amount in foreign currency, which is not taken as a budget


def keys_of(text: str) -> str | None:
    """The digits of a line typed on the keypad; None when it is anything else."""
    grouped = re.search(r"[0-9][\s-]+[0-9]", text) and not text.startswith("0")  # "3-4" is speech
    if grouped or not _KEYS.fullmatch(text):
        return None
    return re.sub(r"[^0-9]", "", text) or None


def understand(text: str, asked: str, intent: Intent | None = None) -> Understood:
    """Reads a line that answers the question ``asked``: a bare number or name is the detail asked for.

    ``intent``: the known deal. It tells whether a budget of "two" is thousands or millions, and who owns.
    """
    tokens = tokens_of(text)
    words = words_in(tokens)
    city, rest = _city(tokens)
    phone = telephone_in(tokens)
    amounts = [] if phone or begins(tokens) else amounts_of(rest)
    wish = wish_of(tokens, owner=asked == "offer" or intent in ("sell", "let"))
    budget, foreign = _budget(amounts, wish or intent, bare=asked == "budget")
    topic = _topic(text, words, asked)
    return Understood(
        intent=wish,
        city=city,
        rooms=_rooms(amounts, bare=asked == "rooms"),
        budget=budget,
        name=_name(words, asked, topic),
        phone=phone,
        this_number=_says_any(words, he.THIS_NUMBER),
        other_number=_says_any(words, he.OTHER_NUMBER),
        yes=_yes(words),
        topic=topic,
        owner=wish is None and is_owner(tokens),
        foreign=foreign,
    )


def typed(keys: str, asked: str, intent: Intent | None = None) -> Understood:
    """Reads keypad digits as the answer to the question ``asked``."""
    if asked in ("intent", "offer"):
        return Understood(intent=_TYPED_WISHES[asked].get(keys))
    if asked == "city":
        return Understood(city=CITY_KEYS.get(keys))
    if asked == "rooms":
        return Understood(rooms=float(keys) if len(keys) <= 2 and 1 <= int(keys) <= _MOST_ROOMS else None)
    if asked == "budget":
        return Understood(budget=_shekels(float(keys[:12]), intent))
    if asked == "name":
        return Understood(topic="skip" if keys == "1" else None)
    if asked in ("callback", "phone") and (phone := plain(keys)):
        return Understood(phone=phone)
    return Understood(yes={"1": True, "2": False}.get(keys) if asked != "phone" else None)


_TYPED_WISHES: dict[str, dict[str, Intent]] = {
    "intent": {"1": "buy", "2": "rent", "3": "sell", "4": "let"},
    "offer": {"1": "sell", "2": "let"},
}


def _city(tokens: Sequence[str]) -> tuple[str | None, list[str]]:
    """The last city that is not denied, and the line without cities: some have numbers in their names."""
    found, denied, rest, start = None, None, [], 0
    while start < len(tokens):
        length, city = _city_at(tokens, start)
        if city is None:
            rest.append(tokens[start])
        elif not _lives_there(tokens[:start]):
            if found and tokens[max(0, start - 1) : start] == ["לא"]:
                denied = city
            else:
                found = city
        start += length
    return found or denied, rest


def _city_at(tokens: Sequence[str], start: int) -> tuple[int, str | None]:
    for length in (3, 2, 1):
        span = tokens[start : start + length]
        city = _city_named(" ".join(span)) if len(span) == length else None
        if city:
            return length, city
    return 1, None


def _lives_there(before: Sequence[str]) -> bool:
    return any(token in he.LIVING_IN for token in before[-2:])


def _city_named(name: str) -> str | None:
    names = _cities()
    if name in names:
        return names[name]
    return names.get(name[1:]) if name[:1] and name[0] in _PREFIXES else None


@cache
def _cities() -> dict[str, str]:
    return {name: city for city, others in CITIES.items() for name in (city, *others)}


def _rooms(amounts: Sequence[Amount], *, bare: bool) -> float | None:
    """The rooms, named as such, or a bare number if rooms were asked for; of a choice, the last."""
    named = [amount.last for amount in amounts if amount.role is Role.ROOMS]
    alone = [amount.last for amount in amounts if amount.role is Role.BARE and bare]
    return next((rooms for rooms in reversed(named or alone) if _is_rooms(rooms)), None)


def _is_rooms(rooms: float) -> bool:
    return 1 <= rooms <= _MOST_ROOMS and rooms * 2 == int(rooms * 2)


def _budget(amounts: Sequence[Amount], intent: Intent | None, *, bare: bool) -> tuple[int | None, bool]:
    """The upper limit in shekels, and whether an amount was foreign. One behind "עד" wins, else the last.

    None for an ambiguous amount: "אחד שמונה".
    """
    sums = [amount for amount in amounts if _is_sum(amount, bare=bare)]
    if sum(amount.upper < _MILLIONS for amount in sums) > 1:
        return None, False
    best = next((one for one in reversed(sums) if one.ceiling), sums[-1] if sums else None)
    foreign = best is None and any(amount.role is Role.FOREIGN for amount in amounts)
    return (None if best is None else _shekels(best.upper, intent)), foreign


def _is_sum(amount: Amount, *, bare: bool) -> bool:
    alone = bare or (amount.ceiling and amount.upper >= _LEAST_BUDGET)
    return amount.role is Role.MONEY or (amount.role is Role.BARE and alone)


def _shekels(number: float, intent: Intent | None) -> int | None:
    """Expands a small number to thousands, or to millions of a price; None for an implausible amount."""
    price = intent in ("buy", "sell")
    if price and number < _LEAST_PRICE:
        number *= MILLION if number < _MILLIONS else THOUSAND
    elif number < (THOUSAND if intent is None else _HUNDRED):
        number *= THOUSAND
    most = _MOST_RENT if intent in ("rent", "let") else _MOST_BUDGET
    return round(number) if _LEAST_BUDGET <= number <= most else None


def _yes(words: Sequence[str]) -> bool | None:
    """The first yes or no word decides: "לא נכון" is a no, and so is "לא, ארבעה"."""
    return next((word in he.YES for word in words if word in he.YES or word in he.NO), None)


def _topic(text: str, words: Sequence[str], asked: str) -> str | None:
    line = " ".join(words)
    if takes_leave(text):
        return "goodbye"
    if leaves_out(text, asked):
        return "skip"
    if refuses(text, asked):
        return "refusal"
    for topic, phrases in he.TOPIC_WORDS.items():
        if any(phrase in line and _counts(phrase, topic, line) for phrase in phrases):
            return topic
    return "question" if is_question(text) or text.rstrip().endswith("?") else None


def _counts(phrase: str, topic: str, line: str) -> bool:
    """Whether ``phrase`` stands for ``topic`` in this line."""
    if line == phrase:
        return True
    if topic in he.LINE_END:
        return line.endswith(f" {phrase}")
    return phrase not in he.WHOLE_LINE and f" {phrase} " in f" {line} "


def _says_any(words: Sequence[str], phrases: Sequence[str]) -> bool:
    line = " ".join(words)
    return any(phrase in line for phrase in phrases)


def _name(words: Sequence[str], asked: str, topic: str | None) -> str | None:
    """A name behind an opener; if a name was asked for, also a short line or a known name."""
    line = " ".join(words)
    for opener in he.NAME_OPENERS + (he.NAME_OPENERS_WHEN_ASKED if asked == "name" else ()):
        if f" {opener} " in f" {line} ":
            behind = f" {line} ".split(f" {opener} ", 1)[1].split()
            return _plain_name([word for word in behind if word not in he.NO_NAME][:_MOST_NAME_WORDS])
    if asked != "name" or topic:
        return None
    alone = [word for word in words if word not in he.NO_NAME]
    if len(alone) <= _MOST_NAME_WORDS and _yes(alone) is None:
        return _plain_name(alone)
    return next((word for word in alone if word in NAMES), None)


def _plain_name(words: Sequence[str]) -> str | None:
    name = " ".join(words)
    return name if 1 < len(name) <= _MOST_NAME_LETTERS and not any(c in "0123456789." for c in name) else None
