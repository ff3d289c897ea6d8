"""Numbers read digit by digit: telephones, star numbers, codes, references."""

import re

from server.hebrew.data import pattern_of
from server.hebrew.speak.nouns import UNITS, counted_at, counted_in_the_singular
from server.hebrew.speak.numbers import LONGEST_NUMBER, cardinal, dictated, dictated_groups
from server.hebrew.speak.place import BEHIND_SCALE, MONTH, PREFIXED, Place, Said
from server.hebrew.understand.gender import Gender

_GAP = r"(?: ?[-./] ?| )?"
_GROUPS = re.compile(r"\d+")
_COMPACT = 7  # digits of a telephone number behind its area code: three and four
_LONGEST_GROUP = 4
_LONG = 5  # digits of a number that is no quantity
_LETTERS = 2  # B.A., Ph.D.
_COUNTED_CODE = 3  # digits of a code short enough to be said as a number: B12, iPhone 15

ISRAELI = rf"\(?(?P<area>0(?:[57]\d|[2-489]))\)?(?P<rest>(?:{_GAP}\d){{7}})(?!\d|[.,]\d)"
_ISRAEL = re.compile(ISRAELI)
_AREA_LAST = re.compile(r"(?P<rest>[2-9]\d{6})-(?P<area>0(?:[57]\d|[2-489]))(?!\d)")
_ABROAD = re.compile(
    rf"(?P<plus>00)?(?:(?P<israel>972){_GAP}\(?0?\)?|(?P<country>\d{{1,3}}))(?P<rest>(?:{_GAP}\(?\d\)?){{7,12}})(?P<behind>\+)?(?!\d)"
)
_FREE = re.compile(r"1-?(?P<hundreds>[5-9]\d\d)(?P<rest>(?:-? ?\d){6})(?!\d)")
_ROUND = re.compile(r"[1-9]\d0")
_MASKED = re.compile(r"\d{4}(?:[- ]?[*xX]{4}){1,3}[- ]?\d{4}(?!\d)")
_HIDDEN = re.compile(r"\*{2,}")
_STAR = re.compile(r"(?P<digits>\d{1,6})(?P<behind>(?<=\d{3})\*)?(?![\d*])")
_STAR_SAID = re.compile(r"(?<![א-ת])[ובלהמ]{0,2}כוכבית $")
_STARS = re.compile(r"([2-5]) ?\*(?!\d)")
_HOTEL = re.compile(r"(?<![א-ת])[ובלהמש]{0,3}(?:מלון|מלונות|בדירוג|דרגת)(?: +[א-ת]+){0,2} +$")
_DIGITS = re.compile(r"\d+(?![\d,.:/]*\d)")
_CHAIN = re.compile(r"\d+(?:-\d+){2,}(?![.,:/]?\d)")
_ZERO_IN_CHAIN = re.compile(r"\d+-0\d{3,}(?![.,:/-]?\d)")
_TOO_LONG_FOR_A_PART = re.compile(r"(?!\d+00/\d+00)\d{4,}/\d{3,}(?![.,:/-]?\d)")  # 2026/1320
_GROUPED = re.compile(r"\d{2,}(?:[ -]\d{2,}){1,3}(?![.,:/]?\d)")
_SINGLE = re.compile(r"\d{3,}(?![.,:/]?\d)")
_ENDLESS = re.compile(rf"\d{{{LONGEST_NUMBER + 1},}}")

# Words between the name and the number.
_BETWEEN = r"(?: +\(?[א-ת\"'.]+| +[בל]-?[A-Za-z]+| ?- ?| *\([^)\d]*\)){0,5}"
_NAMED = re.compile(
    rf"(?<![א-תA-Za-z\"'])[ובלהמשכ]{{0,3}}(?:{pattern_of('spoken/codes')})(?:'|(?![א-ת\"']))"
    rf"{_BETWEEN}[ :#*x(-]*$"
)
_NUMBERED_THING = re.compile(
    rf"(?<![א-ת\"'])[ובלהמשכ]{{0,3}}(?:{pattern_of('spoken/numbered')})(?![א-ת\"'])"
    rf"(?: +\(?(?:{pattern_of('spoken/number_links')})(?![א-ת\"'])){{0,4}}[ :#*x(-]*$"
)
# Five digits or more behind "number of": מס' משלם 123456
_NUMBER_OF = re.compile(r"(?<![א-ת])[ובלהמש]{0,2}(?:מספר|מס')(?: +[א-ת\"']+){0,2}[ :(]+$")
# An amount, although it stands behind a word for numbered things: הזמנה של 1500, חשבון על סך 2500
_OF = re.compile(
    rf"{PREFIXED}(?:של|סך|ע\"ס|עד|כולל|מעל|לפחות|בערך|בן|בת|תוך|עוד|עולה|עלה|שנת|שנה|{MONTH})[ :]*$"
)
_NUMBERED = re.compile(r"(?:מספר|מס'|המסתיים|מסתיים|מסתיימת|שמסתיים|האחרונות|אחרונות)[ :]*$")
_EXAMPLE = re.compile(r"(?<![א-ת])(?:למשל|לדוגמה|לדוגמא|כמו)[ :]+$")
_DIGITS_ASKED = re.compile(r"(?<![א-ת])[ובלהמש]{0,2}(?:ספרות|קוד|סיסמה|תעודת זהות|מספר)(?![א-ת])")
_YEAR_OR_ROUND = re.compile(r"(?:19|20)\d\d|\d+0")
_PRESS = re.compile(r"(?:הקיש\w*|הקש\w*|לחצ\w*|לחץ|להקיש|ללחוץ|מקישים)(?:/י)?[ :]+$")

_ENGINE_OIL = re.compile(r"(?P<first>\d{1,2})(?P<letter>W)-(?P<second>\d\d)(?!\d)")
_HIDDEN_LETTERS = re.compile(r"^[xX]{3,}-?")  # xxxx-1290
_PARTED_DIGITS = re.compile(r"\d+(?![\d.])")
# A reference that begins with digits: 12A-345, 4471-AB. Hours and measures have other letters.
_REFERENCE = re.compile(
    r"(?P<digits>\d+)(?:(?P<joined>[A-Z]{1,3})|[-/](?P<apart>[A-Z]{1,4}))(?:(?:[-/]|(?<=[A-Z]))[A-Z0-9]+)*(?![A-Za-z0-9])"
)
_NO_REFERENCE = frozenset("AM PM K M W X G D".split())
_LATIN_AND_DIGITS = re.compile(r"[A-Za-z]+|\d+(?:\.\d+)?|_(?=\w)")
_SIGNS_OF_NAMES = {"_": "קו תחתון"}


def telephone(place: Place) -> Said:
    """An Israeli number in any grouping, a foreign one with its plus, 1-800 and the like."""
    text, at = place.text, place.at
    if place.minus or place.money or place.key == "*" or place.inside:
        return None
    if (place.key == "+" or text.startswith(("972", "00972"), at)) and (abroad := _abroad(place)):
        return abroad
    if match := _ISRAEL.match(text, at) or _AREA_LAST.match(text, at):
        return _said(place, dictated_groups([match["area"], *_groups(match["rest"])])), match.end()
    if match := _FREE.match(text, at):
        return _said(place, _free(match)), match.end()
    return None


def _abroad(place: Place) -> Said:
    match = _ABROAD.match(place.text, place.at)
    if not match or not (place.key == "+" or match["israel"]):
        return None
    country = match["israel"] or match["country"]
    plus = "פלוס " if place.key == "+" or match["behind"] else f"{dictated('00')} " if match["plus"] else ""
    return _said(place, f"{plus}{dictated(country)}, {dictated_groups(_groups(match['rest']))}"), match.end()


def _groups(rest: str) -> list[str]:
    """The groups of digits as written; a long group is split into two or three."""
    groups: list[str] = []
    for group in _GROUPS.findall(rest):
        if len(group) <= _LONGEST_GROUP:
            groups.append(group)
        else:
            head = len(group) - _COMPACT if len(group) > _COMPACT else 0
            tail = group[head:]
            split = 3 if len(tail) in (6, 7) else 2
            groups += [part for part in (group[:head], tail[:split], tail[split:]) if part]
    return groups


def _free(match: re.Match[str]) -> str:
    """A toll-free number: 1-800 is אחת שמונה מאות."""
    hundreds = match["hundreds"]
    first = f"{dictated(hundreds[0])} מאות" if hundreds.endswith("00") else dictated(hundreds)
    groups = _groups(match["rest"])
    if all(_ROUND.fullmatch(group) for group in groups):
        return ", ".join([f"אחת {first}", *(cardinal(int(group)) for group in groups)])
    return f"אחת {first}, {dictated_groups(groups)}"


def masked(place: Place) -> Said:
    """The visible digits of a card: 4580-****-****-1234, ****1234."""
    match = _MASKED.match(place.text, place.at)
    if match:
        return _said(place, dictated_groups(_GROUPS.findall(match[0]))), match.end()
    hidden = _HIDDEN.search(place.text, place.start, place.at) if place.key == "*" else None
    digits = _DIGITS.match(place.text, place.at) if hidden else None
    return (_said(place, dictated(digits[0])), digits.end()) if digits else None


def star_number(place: Place) -> Said:
    """A star number: *2700, 2700*, or behind its word כוכבית; not 5*4."""
    match = _STAR.match(place.text, place.at)
    if match and place.bare and place.before.endswith("כוכבית ") and _STAR_SAID.search(place.before):
        return dictated(match["digits"]), match.end()
    if not match or place.minus or place.money or not (place.key == "*" or match["behind"]):
        return None
    return _said(place, f"כוכבית {dictated(match['digits'])}"), match.end()


def hotel(place: Place) -> Said:
    """Stars of a hotel: מלון 5*."""
    match = _STARS.match(place.text, place.at) if place.bare else None
    if not match or not _HOTEL.search(place.before):
        return None
    return f"{place.prefix}{cardinal(int(match[1]), Gender.MASCULINE)} כוכבים", match.end()


def numbered(place: Place) -> Said:
    """A reference, #12345; behind a word for pressing, a key."""
    match = _DIGITS.match(place.text, place.at) if place.key == "#" else None
    if not match:
        return None
    hash_said = "סולמית " if _PRESS.search(place.before) else ""
    return _said(place, hash_said + digits_said(match[0])), match.end()


def named_code(place: Place) -> Said:
    """A code behind a word that names numbers, perhaps with a few words between."""
    if place.minus or place.money or place.key == "+":
        return None
    code = _grouped(place.text, place.at) or _single(place.text, place.at)
    return (_said(place, code[0]), code[1]) if code and _is_named(place, code[1] - place.at) else None


def example(place: Place) -> Said:
    """An example of requested digits: למשל 6118. Years and round numbers may be something else."""
    match = _SINGLE.match(place.text, place.at) if place.bare and not place.prefix else None
    if not match or not _EXAMPLE.search(place.before):
        return None
    if counted_at(place.text, match.end()) or _is_amount(place.text, match.end()):
        return None
    asked = _DIGITS_ASKED.search(place.text, 0, place.start)
    if not asked and (len(match[0]) <= _COUNTED_CODE or _YEAR_OR_ROUND.fullmatch(match[0])):
        return None
    return dictated(match[0]), match.end()


def _is_named(place: Place, length: int) -> bool:
    before = place.before
    long = length >= _LONG and _NUMBER_OF.search(before) is not None
    named = long or _NAMED.search(before) or _NUMBERED_THING.search(before)
    if not named or _OF.search(place.before):
        return False
    return not place.prefix or _NUMBERED.search(place.before) is not None


def _grouped(text: str, at: int) -> Said:
    """Groups read one by one: 482 913, 123-456."""
    match = _GROUPED.match(text, at)
    if not match or _is_amount(text, match.end()):
        return None
    groups = _GROUPS.findall(match[0])
    return (dictated_groups(groups), match.end()) if "-" in match[0] or min(map(len, groups)) > 2 else None


def _single(text: str, at: int) -> Said:
    match = _SINGLE.match(text, at)
    if not match or _is_amount(text, match.end()):
        return None
    return (dictated(match[0]), match.end()) if len(match[0]) > _COUNTED_CODE or match[0][0] == "0" else None


def _is_amount(text: str, end: int) -> bool:
    counted = counted_at(text, end)
    is_counted = counted is not None and (
        counted.unit or not counted.singular or counted_in_the_singular(counted.counted)
    )
    return is_counted or BEHIND_SCALE.match(text, end) is not None


def chain(place: Place) -> Said:
    """Groups that are no range or fraction: 12-345-678, 507-0123456, 2026/1320; not 3-4-5 חדרים."""
    if not place.bare or place.inside:
        return None
    chains = (_CHAIN, _ZERO_IN_CHAIN, _TOO_LONG_FOR_A_PART)
    match = next(filter(None, (one.match(place.text, place.at) for one in chains)), None)
    if not match or (_is_amount(place.text, match.end()) and max(map(len, _GROUPS.findall(match[0]))) < 3):
        return None
    return _said(place, dictated_groups(_GROUPS.findall(match[0]))), match.end()


def endless(place: Place) -> Said:
    """More digits than any number word has."""
    match = _ENDLESS.match(place.text, place.at)
    return (_said(place, dictated(match[0])), match.end()) if match else None


def engine_oil(place: Place) -> Said:
    match = _ENGINE_OIL.match(place.text, place.at)
    if not match:
        return None
    numbers = [cardinal(int(match[name])) for name in ("first", "second")]
    return f"{place.prefix}{numbers[0]} {match['letter']} {numbers[1]}", match.end()


def reference(place: Place) -> Said:
    """Letters and digits separated by signs: 12A-345, 4471-AB."""
    match = _REFERENCE.match(place.text, place.at) if place.bare and not place.inside else None
    if not match or not re.search("[-/]", match[0]):
        return None
    letters = match["joined"] or match["apart"]
    if letters in _NO_REFERENCE or letters in UNITS or (match["apart"] and len(match["digits"]) == 1):
        return None
    parts = _LATIN_AND_DIGITS.findall(match[0])
    said = " ".join(dictated(part) if part.isdigit() else part for part in parts)
    return _said(place, said), match.end()


def latin_code(code: str) -> str:
    """A code with letters unchanged: B12, RU-5583. Digits separated by signs are dictated: Q36-138/9."""
    parts = _LATIN_AND_DIGITS.findall(_HIDDEN_LETTERS.sub("", code))
    if len(_PARTED_DIGITS.findall(code)) > 1:
        return " ".join(dictated(part) if part.isdigit() else part for part in parts if part != "_")
    return " ".join(
        " נקודה ".join(map(digits_said, part.split(".")))
        if part[0].isdigit()
        else _SIGNS_OF_NAMES.get(part, part)
        for part in parts
    )


def dotted(text: str, name: str, end: int) -> tuple[str, int]:
    """B.A. or Node.js, ending at ``end``: letters one by one, or words with "point" between.

    The last point of initials ends a sentence only at the end of the text.
    """
    parts = name.rstrip(".").split(".")
    letters = all(len(part) <= _LETTERS for part in parts)
    point = name.endswith(".") and not (letters and text[end:].strip())
    return (" " if letters else " נקודה ").join(parts), end - point


def digits_said(digits: str) -> str:
    """A short number in words; a longer one, or one with a leading zero, digit by digit."""
    if len(digits) > _COUNTED_CODE or (len(digits) > 1 and digits.startswith("0")):
        return dictated(digits)
    return cardinal(int(digits))


def _said(place: Place, words: str) -> str:
    """``words`` behind the prefix letters: ל-050 is לאפס."""
    return place.prefix + words
