"""Digits and signs to Hebrew words, so that nothing in a text is silently dropped.

A safety net: counts are feminine (שלוש), as in counting; numbers that agree with their noun are
written out before the text gets here.
"""

import re
import unicodedata

from server.engines.voice.letters import GERESH, GERSHAYIM

_FEMININE = "אפס אחת שתיים שלוש ארבע חמש שש שבע שמונה תשע עשר".split()
_MASCULINE = "אפס אחד שניים שלושה ארבעה חמישה שישה שבעה שמונה תשעה עשרה".split()
_BEFORE_NOUN = "- - - שלושת ארבעת חמשת ששת שבעת שמונת תשעת עשרת".split()
_TENS = "- - עשרים שלושים ארבעים חמישים שישים שבעים שמונים תשעים".split()
_LARGEST = 999_999_999

_SIGNS = {
    "₪": "שקלים", "$": "דולר", "€": "אירו", "£": "פאונד", "%": "אחוז", "&": "וגם", "+": "פלוס", "=": "שווה",
    "@": "שטרודל", "*": "כוכבית", "#": "סולמית", "°": "מעלות", "×": "כפול", "÷": "חלקי",
}  # fmt: skip
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))
_SIGN_BEFORE_NUMBER = re.compile(r"([₪$€£])\s*(\d[\d,.]*)")
_NUMBER = re.compile(r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.(?P<part>\d+))?")
_PHONE = re.compile(r"\b0\d{1,2}-?\d{3}-?\d{4}\b")
_FULL_HOUR = re.compile(r"\b([01]?\d|2[0-3]):00\b")
_PREFIX_HYPHEN = re.compile(r"(?<!\w)([ובלהמשכ]{1,3})[-־–](?=\w)")
_GERESH_SIGN = re.compile(r"(?<=[א-ת])([\u0591-\u05c7]*)['‘’´`]")
_GERSHAYIM_SIGN = re.compile(r"(?<=[א-ת\u0591-\u05c7])(?:[\"“”„]|''|׳׳)(?=[א-ת])")


def spelled_out(text: str) -> str:
    """``text`` with digits and signs as Hebrew words and one sign each for geresh and gershayim.

    Never fails. Compatibility forms (full-width digits, ½, ligatures) are taken apart first.
    """
    text = unicodedata.normalize("NFKC", text)
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    text = _GERSHAYIM_SIGN.sub(GERSHAYIM, text)
    text = _GERESH_SIGN.sub(rf"\1{GERESH}", text)
    text = _SIGN_BEFORE_NUMBER.sub(r"\2 \1", text)
    text = _PHONE.sub(lambda m: _apart(m, _digit_by_digit(m.group())), text)
    text = _FULL_HOUR.sub(r"\1", text)
    text = _NUMBER.sub(_number_match, text)
    text = _SIGN.sub(lambda m: f" {_SIGNS[m.group()]} ", text)
    return _PREFIX_HYPHEN.sub(r"\1", text)


def number_words(number: int) -> str:
    """The cardinal, feminine: 121 is מאה עשרים ואחת. 0…999,999,999; ValueError beyond."""
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"no words for {number}")
    if number == 0:
        return _FEMININE[0]
    millions, rest = divmod(number, 1_000_000)
    thousands, units = divmod(rest, 1000)
    parts = []
    if millions:
        parts.append({1: "מיליון", 2: "שני מיליון"}.get(millions) or f"{_below_1000(millions, False)} מיליון")
    if thousands:
        parts.append(_thousands(thousands))
    if units:
        joined = "ו" if parts and (units <= 20 or units % 100 == 0) else ""
        parts.append(joined + _below_1000(units, True))
    return " ".join(parts)


def _thousands(count: int) -> str:
    if count <= 2:
        return ("אלף", "אלפיים")[count - 1]
    if count <= 10:
        return f"{_BEFORE_NOUN[count]} אלפים"
    return f"{_below_1000(count, False)} אלף"


def _below_1000(number: int, feminine: bool) -> str:
    hundreds, rest = divmod(number, 100)
    parts = []
    if hundreds:
        parts.append({1: "מאה", 2: "מאתיים"}.get(hundreds) or f"{_FEMININE[hundreds]} מאות")
    if rest:
        small = _below_100(rest, feminine)
        joined = "ו" if parts and (rest <= 20 or rest % 10 == 0) else ""
        parts.append(joined + small)
    return " ".join(parts)


def _below_100(number: int, feminine: bool) -> str:
    words = _FEMININE if feminine else _MASCULINE
    if number <= 10:
        return words[number]
    tens, unit = divmod(number, 10)
    if tens == 1:
        first = {1: "אחת" if feminine else "אחד", 2: "שתים" if feminine else "שנים"}.get(unit, words[unit])
        return f"{first} {'עשרה' if feminine else 'עשר'}"
    return f"{_TENS[tens]} ו{words[unit]}" if unit else _TENS[tens]


def _digit_by_digit(digits: str) -> str:
    """Three at a time, as numbers are dictated."""
    names = [_FEMININE[int(d)] for d in digits if d.isdecimal()]
    groups = max(1, len(names) // 3)  # a digit or two left over join the last group
    ends = [*range(3, 3 * groups, 3), len(names)]
    return ", ".join(" ".join(names[start:end]) for start, end in zip([0, *ends], ends, strict=False))


def _number_match(match: re.Match[str]) -> str:
    whole, part = match.group("whole").replace(",", ""), match.group("part")
    dictated = len(whole) > len(str(_LARGEST)) or (len(whole) > 1 and int(whole[0]) == 0)
    words = _digit_by_digit(whole) if dictated else number_words(int(whole))
    if part:
        dictated = len(part) > 2 or int(part[0]) == 0
        words += " נקודה " + (_digit_by_digit(part) if dictated else number_words(int(part)))
    return _apart(match, words)


def _apart(match: re.Match[str], words: str) -> str:
    """``words`` with spaces where a letter touches the number, but not where a sign does."""
    before = match.string[: match.start()][-1:]
    after = match.string[match.end() :][:1]
    return (" " if before.isalnum() else "") + words + (" " if after.isalnum() else "")
