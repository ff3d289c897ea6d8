"""Hebrew number words: read from a caller's words, and written for the voice. Pure."""

import re
from collections.abc import Sequence

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


def say_digits(digits: str) -> str:
    """One word a digit, with a breath after the third and the sixth."""
    words = [_FEMININE[int(digit)] for digit in digits]
    return ", ".join(" ".join(group) for group in (words[:3], words[3:6], words[6:]) if group)


def say_rooms(rooms: float) -> str:
    """``שלושה חדרים וחצי``; halves, from one half to ten."""
    whole, half = int(rooms), rooms % 1 > 0
    if whole == 0:
        return "חצי חדר"
    if whole == 1:
        return "חדר וחצי" if half else "חדר אחד"
    count = "שני" if whole == 2 else _UNITS[whole]
    return f"{count} חדרים" + (" וחצי" if half else "")


def say_shekels(amount: int) -> str:
    """``שני מיליון וחצי שקל``; from 1 to 999,999,999."""
    millions, rest = divmod(amount, 1_000_000)
    parts = []
    if millions:
        parts.append("מיליון" if millions == 1 else f"{_counted(millions)} מיליון")
    if millions and rest == 500_000:
        parts.append("וחצי")
    else:
        thousands, units = divmod(rest, 1_000)
        parts += ([_thousands(thousands)] if thousands else []) + ([_below_thousand(units)] if units else [])
        if len(parts) > 1 and " ו" not in parts[-1]:
            parts[-1] = "ו" + parts[-1]
    return " ".join(parts) + " שקל"


def _thousands(count: int) -> str:
    if count == 1:
        return "אלף"
    if count == 2:
        return "אלפיים"
    return f"{_CONSTRUCT[count]} אלפים" if count <= 10 else f"{_below_thousand(count)} אלף"


def _counted(count: int) -> str:
    return "שני" if count == 2 else _below_thousand(count)


def _below_thousand(count: int) -> str:
    hundreds, rest = divmod(count, 100)
    parts = []
    if hundreds:
        parts.append({1: "מאה", 2: "מאתיים"}.get(hundreds, f"{_FEMININE[hundreds]} מאות"))
    if 10 < rest < 20:
        parts.append(f"{'שנים' if rest == 12 else _UNITS[rest - 10]} עשר")
    else:
        tens, unit = divmod(rest, 10) if rest > 10 else (0, rest)
        parts += [word for word in (_TENS[tens], _UNITS[unit] if unit else "") if word]
    if len(parts) > 1:
        parts[-1] = "ו" + parts[-1]
    return " ".join(parts)
