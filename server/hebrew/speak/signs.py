"""The words for signs outside numbers; some signs are dropped."""

import re

from server.hebrew.speak.nouns import UNITS_ALONE

_SIGNS = {
    "&": "וגם", "+": "פלוס", "=": "שווה", "@": "שטרודל", "×": "כפול", "÷": "חלקי", "±": "פלוס מינוס",
    "№": "מספר",
    **{sign: words for sign, words in UNITS_ALONE.items() if len(sign) == 1},
}  # fmt: skip
_BEFORE_A_NUMBER = {"~": "בערך", "≈": "בערך", "≥": "לפחות", "≤": "עד", ">": "מעל", "<": "פחות מ"}
_KEYS = {"*": "כוכבית", "#": "סולמית"}
_GAPS = ("/", "_")
_DIGIT_NEXT = re.compile(r" ?[₪$€]?\d")
AND = "ו"
_HEBREW_BEFORE = re.compile(r"[א-ת] ?$")
_HEBREW_BEHIND = re.compile(r" ?[א-ת]{2}")
_LATIN_BEFORE = re.compile(r"[A-Za-z] ?$")
_LATIN_BEHIND = re.compile(r" ?[A-Za-z]")
_WORD = re.compile(r"\w")


def sign_said(line: str, match: re.Match[str]) -> str:
    """The words for the groups ``sign`` and ``sign_prefix``; "" for a dropped sign (stars around words)."""
    sign, prefix = match["sign"], match["sign_prefix"] or ""
    before, after = line[: match.start()][-1:], line[match.end() :][:1]
    if sign == "&" and not prefix and _HEBREW_BEFORE.search(line, 0, match.start()):
        if _HEBREW_BEHIND.match(line, match.end()):
            return " " * before.isalnum() + AND
    if (
        sign == "&"
        and _LATIN_BEFORE.search(line, 0, match.start())
        and _LATIN_BEHIND.match(line, match.end())
    ):
        return _apart(before, "and", after)
    if words := _SIGNS.get(sign):
        return _apart(before if not prefix else "", prefix + words, after)
    if sign in _BEFORE_A_NUMBER:
        return prefix + (_BEFORE_A_NUMBER[sign] if _DIGIT_NEXT.match(line, match.end()) else "")
    if sign[0] in _KEYS:
        alone = len(sign) == 1 and (before.isdigit() or not (_WORD.match(before) or _WORD.match(after)))
        return _apart(before, prefix + _KEYS[sign], after) if alone else prefix
    inside = sign[0] in _GAPS and before.isalnum() and after.isalnum()
    return prefix + " " * inside


def _apart(before: str, words: str, after: str) -> str:
    return " " * before.isalnum() + words + " " * (after.isalnum() or after in _SIGNS)
