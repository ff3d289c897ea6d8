"""Numbers that are read out digit by digit: telephones, star numbers, identity numbers, codes."""

import re

from server.hebrew.numbers import LONGEST_NUMBER, dictated, dictated_groups

# Prefix letters are said with the first digit: ל-050 is לאפס.
_PREFIX = r"(?:(?<!\w)(?P<prefix>[ובלהמשכ]{1,3})[-־–]?)?"
_DASH = "[-–־ ]?"
_INTERNATIONAL = re.compile(
    rf"{_PREFIX}(?<![\w+])(?P<plus>\+|00)?972{_DASH}\(?0?\)?(?P<area>\d{{1,2}}){_DASH}"
    rf"(?P<three>\d{{3}}){_DASH}(?P<four>\d{{4}})(?!\d)"
)
_NATIONAL = re.compile(
    rf"{_PREFIX}(?<!\d)(?<!\d[.,:/-])\(?(?P<area>0(?:[57]\d|[2-489]))\)?{_DASH}"
    rf"(?P<three>\d{{3}}){_DASH}(?P<four>\d{{4}})(?!\d)"
)
_FREE = re.compile(
    rf"{_PREFIX}(?<![\d.,:/])1[-–]?(?P<hundreds>[5-9])00[-–]?(?P<three>\d{{3}})[-–]?(?P<last>\d{{3}})(?!\d)"
)
_STAR = re.compile(rf"{_PREFIX}(?<![\d*])(?:\*(?P<behind>\d{{3,6}})|(?P<before>\d{{3,6}})\*)(?![\d*])")
_CODES = "תעודת זהות|זהות|חברה פרטית|קוד|הקוד|סיסמה|הסיסמה|דרכון|חשבון|עוסק מורשה|הזמנה|אסמכתה"
_NAMED = re.compile(
    rf"(?<![א-ת])(?P<name>[ובלהמשכ]?(?:{_CODES})(?:\s+(?:מספר|הוא|היא|שלך|שלכם))*[\s:]+)"
    r"(?P<code>\d{4,})(?![\d,.]*\d)"
)
_CHAIN = re.compile(r"(?<![\w.,:/-])\d+(?:[-–]\d+){2,}(?![\d.,:/]*\d)")
_ENDLESS = re.compile(rf"{_PREFIX}(?P<digits>\d{{{LONGEST_NUMBER + 1},}})")


def dictated_numbers(text: str) -> str:
    """``text`` with such numbers in words, commas where people take a breath."""
    text = _INTERNATIONAL.sub(_international, text)
    text = _NATIONAL.sub(lambda m: _said(m, dictated_groups([m["area"], m["three"], m["four"]])), text)
    text = _FREE.sub(_free, text)
    text = _STAR.sub(lambda m: _said(m, f"כוכבית {dictated(m['behind'] or m['before'])}"), text)
    text = _NAMED.sub(lambda m: m["name"] + _said(m, dictated(m["code"])), text)
    text = _CHAIN.sub(lambda m: _said(m, dictated_groups(re.split("[-–]", m[0]))), text)
    return _ENDLESS.sub(lambda m: _said(m, dictated(m["digits"])), text)


def _international(match: re.Match[str]) -> str:
    country = {"+": "פלוס ", "00": f"{dictated('00')} "}.get(match["plus"], "") + dictated("972")
    return _said(match, f"{country}, {dictated_groups([match['area'], match['three'], match['four']])}")


def _free(match: re.Match[str]) -> str:
    """1-800: אחת שמונה מאות."""
    number = dictated_groups([match["three"], match["last"]])
    return _said(match, f"אחת {dictated(match['hundreds'])} מאות, {number}")


def _said(match: re.Match[str], words: str) -> str:
    """``words`` behind their prefix, and apart from a word that touches the end."""
    prefix = match.groupdict().get("prefix") or ""
    return prefix + words + (" " if match.string[match.end() : match.end() + 1].isalnum() else "")
