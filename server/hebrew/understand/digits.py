"""The digits at the end of a text, written or spoken: "אפס חמישים ושתיים שלוש" is 0523."""

import re

from server.hebrew.data import lines_of
from server.hebrew.words import without_prefixes, words_of

VALUES = {word: int(value) for value, *words in map(str.split, lines_of("digit_words")) for word in words}
_MAX_SAID = 999  # digits are dictated in groups of at most three
_MOST_DIGITS = 4000  # Python's default limit for int() is a little higher
_MAX_PREFIX_CHARS = 2  # "שבשלוש"
_WRITTEN = re.compile(r"\d+(?:[-־–]\d+)*")
_TO_NOUGHT = frozenset(f"{letter}אפס" for letter in "להבמ")
_BETWEEN = frozenset(lines_of("hesitation")) | {"רגע", "מקף", "קו", "רווח", "ואז", "אז"}
_NOT_DIGITS = re.compile(r"\D")


def value_of(word: str) -> int | None:
    """The value of a number word, with or without "and" before it; None for other words."""
    value = VALUES.get(word)
    return VALUES.get(word[1:]) if value is None and word.startswith("ו") else value


def number_in(word: str) -> int | None:
    """The number that ``word`` is, written or spoken, behind up to two prefix letters; or None."""
    bare = without_prefixes(word, _MAX_PREFIX_CHARS)
    return next((value for rest in bare if (value := _number(rest)) is not None), None)


def _number(word: str) -> int | None:
    return int(word[:_MOST_DIGITS]) if word.isdecimal() else value_of(word)


def digits_at_end(text: str) -> str:
    """The digits that end ``text``, or "". Dates, hours and fractions have none."""
    return said_at_end(text)[1]


def said_at_end(text: str) -> tuple[str, str]:
    """The text before the final digits, and these digits.

    Hesitation between two digits is skipped. A zero may have a prefix ("תחזרו לאפס חמש").
    """
    parts: list[list[str | int]] = []
    tokens = text.split()
    end = len(tokens)
    for place in range(len(tokens) - 1, -1, -1):
        bare = tokens[place].strip(".,;!?()+*-־–")
        part: list[str | int] = [_NOT_DIGITS.sub("", bare)] if _WRITTEN.fullmatch(bare) else _said(bare)
        to_nought = bare in _TO_NOUGHT
        if part or to_nought:
            parts.insert(0, part or [0])
            end = place
        if to_nought or not (part or (parts and bare in _BETWEEN)):
            break
    return " ".join(tokens[:end]), _in_digits([group for part in parts for group in part])


def _said(token: str) -> list[str | int]:
    """The values of a token's words, which a dash may join; empty unless all are digits or groups."""
    values = [value_of(word) for word in words_of(token)]
    return (
        [value for value in values if value is not None and value <= _MAX_SAID] if None not in values else []
    )


def _in_digits(groups: list[str | int]) -> str:
    """The digits of the groups. Spoken groups of one number are added: fifty and two, but five, two."""
    digits, number = "", None
    for group in groups:
        together = said_together(number, group)
        if together is None:
            digits += "" if number is None else str(number)
            number = None if isinstance(group, str) else group
            digits += group if isinstance(group, str) else ""
        else:
            number = together
    return digits + ("" if number is None else str(number))


def said_together(number: int | None, group: str | int) -> int | None:
    """``number`` and ``group`` as one number, or None: 3 and "מאות", 300 and 45, 40 and 5, 3 and "עשרה"."""
    if number is None or isinstance(group, str):
        return None
    tens = number // 10 % 10
    if group == 100 and 3 <= number <= 9:
        return number * 100
    room = 100 if number and number % 100 == 0 else 10 if tens >= 2 and number % 10 == 0 else 1
    teen = group == 10 and tens == 0 and number % 10 > 0
    return number + group if teen or 0 < group < room else None
