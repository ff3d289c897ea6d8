"""Hebrew number words: read from a caller's words, and written for the voice. Pure."""

import re
from collections.abc import Sequence

from server.hebrew.gender import Gender
from server.hebrew.numbers import cardinal
from server.hebrew.speakable import speakable

_UNITS = ("אפס", "אחד", "שניים", "שלושה", "ארבעה", "חמישה", "שישה", "שבעה", "שמונה", "תשעה", "עשרה")
_FEMININE = ("אפס", "אחת", "שתיים", "שלוש", "ארבע", "חמש", "שש", "שבע", "שמונה", "תשע", "עשר")
_CONSTRUCT = ("", "", "", "שלושת", "ארבעת", "חמשת", "ששת", "שבעת", "שמונת", "תשעת", "עשרת")
_TENS = ("", "", "עשרים", "שלושים", "ארבעים", "חמישים", "שישים", "שבעים", "שמונים", "תשעים")

_VALUES: dict[str, float] = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: value for value, word in enumerate(_FEMININE)},
    **{word: value for value, word in enumerate(_CONSTRUCT) if word},
    **{word: 10 * value for value, word in enumerate(_TENS) if word},
    **{
        "שני": 2,
        "שתי": 2,
        "שנים": 2,
        "שתים": 2,
        "חמשה": 5,
        "ששה": 6,
        "מאה": 100,
        "מאתיים": 200,
        "מאתים": 200,
    },
}
_DIGIT_WORDS = {word: str(value) for value, word in enumerate(_FEMININE[:10])}
_DIGIT_WORDS |= {word: str(value) for value, word in enumerate(_UNITS[:10])}
_SCALES = {"אלף": 1_000, "אלפים": 1_000, "מיליון": 1_000_000, "מליון": 1_000_000, "מיליונים": 1_000_000}
_TWO_THOUSAND = "אלפיים"
_HUNDREDS = "מאות"
_HALF = "חצי"
_MILLION = 1_000_000
_FIGURE = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_MOST_FIGURES = 12
_PREFIXES = "ובלכמ"


def number_word(token: str) -> str | None:
    """``token`` as a known number word or figure, without a prefix; None when it is neither."""
    for word in (token, token[1:] if token[:1] and token[0] in _PREFIXES else ""):
        known = word in _VALUES or word in _SCALES or word in (_TWO_THOUSAND, _HUNDREDS, _HALF)
        if word and (known or (_FIGURE.fullmatch(word) and len(word) <= _MOST_FIGURES)):
            return word
    return None


def read_number(words: Sequence[str]) -> float:
    """The value of words that ``number_word`` gave, as in ``שני מיליון וחצי``; 0 for none."""
    total = current = 0.0
    scale = 1
    for word in words:
        if word == _TWO_THOUSAND:
            total, current, scale = total + 2_000, 0.0, 1_000
        elif word in _SCALES:
            scale = _SCALES[word]
            total, current = total + (current or 1) * scale, 0.0
        elif word == _HUNDREDS:
            current = (current or 1) * 100
        elif word == _HALF and scale > 1 and not current:
            total += scale / 2
        elif word == _HALF:
            current += 0.5
        else:
            current += _VALUES[word] if word in _VALUES else float(word)
    if scale == 1_000_000 and 100 <= current < 1_000:
        current *= 1_000  # "a million eight hundred" leaves the thousand out
    return total + current


def read_digits(tokens: Sequence[str]) -> str:
    """The figures and single-digit words of ``tokens`` in a row, as in a spoken phone number."""
    return "".join(t if t.isascii() and t.isdigit() else _DIGIT_WORDS.get(t, "") for t in tokens)


def say_rooms(rooms: float) -> str:
    """``שלושה וחצי חדרים``; halves, from one half to ten."""
    return speakable(f"{rooms:g} חדרים")


def say_shekels(amount: int) -> str:
    """``שני מיליון וחצי שקל``; from 1 to 999,999,999."""
    millions, rest = divmod(amount, _MILLION)
    if millions and rest == _MILLION // 2:
        return f"{cardinal(amount - rest)} וחצי שקל"
    return f"{cardinal(amount, Gender.MASCULINE)} שקל"
