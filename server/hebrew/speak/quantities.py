"""Numbers with their nouns, in agreement: שני חדרים, שתי דירות, מיליון ושמונה מאות אלף שקלים."""

import re
from dataclasses import dataclass

from server.hebrew.data import pattern_of
from server.hebrew.speak.amounts import AMOUNT, Written, amount_at
from server.hebrew.speak.counted import alone, counted_words
from server.hebrew.speak.nouns import (
    UNITS,
    Found,
    counted_at,
    counted_in_the_singular,
    gender_before,
    gender_of_all,
    label_before,
    listed_before,
)
from server.hebrew.speak.numbers import Amount, amount_words, cardinal, dictated, ordinal
from server.hebrew.speak.place import BEHIND_SCALE, DASH, PREFIXED, SCALE, SCALES, Place, Said
from server.hebrew.understand.gender import Gender

_LAST_FEW = 10  # from eleven on some measures are in the singular
_FIRST_YEAR = 1000
_DICTATED_FROM = 7  # digits of a bare number that is not round, too long for a quantity
_MOST_ALTERNATIVES = 5  # numbers that may share one noun: 3, 4, 5 או 6 חדרים

_DASH = re.compile(DASH)
_SHARED_UNIT = re.compile(
    r" ?(?:[%₪$€°]|ש\"ח|NIS|מ\"ר|מ'|ק\"ג|ס\"מ|[A-Za-z]{1,3}(?![A-Za-z]))?(?= ?- ?[₪$€]?\d)"
)
# Another number with the same noun: 3 או 4 חדרים, 2 מתוך 4 חדרים, מ-3 ל-5 חדרים.
_LISTED = r", ?(?=(?:[\d.½]+, ?)*[\d.]+,? +(?:או +|עד +|ו-?)\d)"  # a comma inside a list
_JOINT = rf" +(?:או|עד|על|מתוך|ועד) +|,(?=\d)|{_LISTED}|/|{DASH}| ?[xX×*+] ?| +(?:עד +)?[ול](?:בין )?-?"
_SAME_NOUN = re.compile(rf"(?:{_JOINT}){AMOUNT}")
# פי 2, the children of זוג + 2, and people counted without a noun
_MASCULINE_BEHIND = re.compile(
    rf"{PREFIXED}(?:פי +|זוג(?:ות)? ?(?:\+|פלוס) ?"
    rf"|(?:{pattern_of('spoken/people_before')}) +(?:רק +|בערך +)?)$"
)
_FOR_PEOPLE = re.compile(
    rf"{PREFIXED}(?:{pattern_of('spoken/places_for_people')})(?: +[א-ת]{{2,}}){{0,2}} +$"
)
_FRESH = re.compile(rf"(?:^|[,.:;(+&!?\n\"] *|{PREFIXED}(?:{pattern_of('spoken/counted_before')}) +)$")
_FIRST_OF_LIST = re.compile(r" +[א-ת]+(?:, ?| )ו?-?\d+ [א-ת]")  # 1 מגבת, 1 חלוק
_MORE = re.compile(r"\+(?= ?[א-ת])")
_FLOOR = re.compile(r"(?<![א-ת])[ובלמש]{0,2}(?:קומה|מפלס|קומת|חניון|מרתף)(?: מספר)? +$")
_BEHIND_MINUS = re.compile(r"-(?![\w-])(?! \d)")
# 90 ₪/חודש; but in "מבוגר: 90 ₪ / ילד: 44 ₪" another price follows.
_PER = re.compile(r" ?/ ?(?=[א-ת]|m2)(?![א-ת ]+(?:\([^()]*\))? ?: )")
_RESOLUTIONS = frozenset((2, 4, 5, 8))
_MINUS = "מינוס "
_COUNTED = re.compile(r"(?<![\d.,:/-])\d{1,4}(?= )(?![^.!?\n]*[.!?\n])")
_PRESS = re.compile(r"(?:הקיש|הקש|לחצ|לחץ|להקיש|ללחוץ|מקישים|השיבו)[^.!?]*$")
_MAY_BE_PREFIXED = re.compile(r" +(?:[ובלמשכ]|[א-ת]+י(?![א-ת]))")
_ENDS_WITH_SCALE = re.compile(rf"{SCALE}$")
_PART_OF = re.compile(r" +מה")
_LIST = re.compile(
    r"\d{1,2}(?:\.5)?(?:(?P<sep>[-/,])\d{1,2}(?:\.5)?(?:(?P=sep)\d{1,2}(?:\.5)?){0,4})(?![\d.,/-]*\d)"
)
_ONE = re.compile(r"\d+(?:\.\d+)?")
_THIRDS = {"1/3": "שליש", "2/3": "שני שלישים"}
_THIRD = re.compile(r"[12]/3(?![\d/]|[.,]\d)")
_SLASH = re.compile(r"(?P<first>\d{1,3}(?:\.\d)?)/(?P<second>\d{1,3})(?![\d/])")
_RATIO = re.compile(r"(?P<first>\d{1,3}) ?: ?(?P<second>\d{1,3})(?![\d:.,/-]*\d)")
_RATIO_BEFORE = re.compile(rf"{PREFIXED}(?:יחס|צריכה|צריכת|קנה מידה|סיכוי)(?: +[א-ת]+){{0,2}}:? +$")
_LAST_HOUR, _LAST_MINUTE = 24, 59
_PLUS_ONE = re.compile(r"(?P<first>[12]) ?\+ ?1(?![\d.,:/-]*\d)")
_PRICE = re.compile(r"(?P<whole>\d{1,3}(?:,\d{3})?|\d{4})\.(?P<part>[1-9]\d)(?![\d/%:]|[.,-]\d)")
_RATE_BEFORE = re.compile(r"(?<![א-ת])[ובלהמש]{0,2}(?:מדד|שער|ריבית|ממוצע|ציון)(?![א-ת])")
_PRICE_BEFORE = re.compile(
    rf"{PREFIXED}(?:{pattern_of('spoken/price_before')})(?![א-ת])(?:[^.!?]|\.(?=\d)){{0,20}}$"
)
_MEGA = re.compile(r" ?(?:Mbps|Gbps|מגה|גיגה)(?!\w)")
_PRESSURE = re.compile(r"(?<![א-ת])[ובהלש]{0,2}לחץ(?: ה?דם)?(?: +[א-ת]+){0,3}:? +$")
_VERSION = re.compile(r"(?![1-9]\d{0,2}(?:\.\d{3})+(?![\d.]))\d{1,4}(?:\.\d{1,4}){2,}(?![\d.]*\d)")


@dataclass(frozen=True)
class _Amounts:
    """An amount at ``place``, or a range of two, with the noun it counts."""

    place: Place
    low: Written
    high: Written | None
    found: Found | None
    end: int

    @property
    def scale(self) -> int:
        return self.high.scale if self.high else self.low.scale

    @property
    def exact(self) -> bool:
        """Whether this is a single whole number without a scale."""
        return self.high is None and not self.low.scale and not self.low.amount.part


def quantity(place: Place) -> Said:
    """A number, or a range of two, with its noun."""
    low = amount_at(place)
    if low is None:
        return None
    amounts = _with_noun(place, low, _other_end(place, low))
    if _is_code(amounts):
        return place.prefix + dictated(place.text[place.at : low.end].replace(".", "")), low.end
    words, end = _words(amounts)
    per = _PER.match(place.text, end)
    return (f"{words} ל", per.end()) if per else (words, end)


def _other_end(place: Place, low: Written) -> Written | None:
    """The greater number of a range: 10%-20%, ₪1.2M-1.5M."""
    shared = _SHARED_UNIT.match(place.text, low.end)
    joint = _DASH.match(place.text, shared.end() if shared else low.end)
    if joint is None or (shared and shared[0].strip().isalpha() and not _is_unit(shared[0].strip())):
        return None
    if joint[0].startswith(" ") and _is_label(place):
        return None  # קומה 3 - 4 חדרים
    high = amount_at(_behind_joint(place, joint.end()))
    if high is None or not _ascending(low, high):
        return None
    return high


def _is_unit(letters: str) -> bool:
    """Whether the letters are a unit, not a name that begins with a figure: 7UP."""
    return letters in UNITS or letters in SCALES or letters in ("NIS", "ILS")


def _behind_joint(place: Place, at: int) -> Place:
    money = place.text[at : at + 1] if place.text[at : at + 1] in "₪$€£" else ""
    return Place(place.text, at, at + len(money), money=money or place.money)


def _ascending(low: Written, high: Written) -> bool:
    scale = low.scale or (high.scale if low.amount.whole < _FIRST_YEAR else 0)
    return low.amount.times(scale) < high.amount.times(high.scale)


def _with_noun(place: Place, low: Written, high: Written | None) -> _Amounts:
    last = high or low
    if place.money or last.money:
        return _Amounts(
            place, low, high, Found(UNITS[place.money or last.money], last.end, unit=True), last.end
        )
    exact = high is None and not low.scale and not low.amount.part
    one = exact and low.amount.whole == 1
    fresh = one and (
        place.prefix[-1:] in ("ו", "ל", "כ")
        or _FRESH.search(place.before) is not None
        or _FIRST_OF_LIST.match(place.text, last.end) is not None
    )
    found = counted_at(place.text, last.end, one=one, label_before=_is_label(place), unlisted=fresh)
    if found and found.guessed and _is_apart(place, last.end):
        found = None
    few = exact and low.amount.whole <= _LAST_FEW
    if found and found.singular and few and not one and not counted_in_the_singular(found.counted):
        found = None  # a singular noun not counted by this number: הרצל 5 בניין ב
    return _Amounts(place, low, high, found, found.end if found else last.end)


def _is_apart(place: Place, end: int) -> bool:
    """Whether the unlisted word at ``end`` is not counted: למקום ה-3 בתחרות; הקישו 2 למכירות."""
    if place.prefix.endswith("ה"):
        return _MAY_BE_PREFIXED.match(place.text, end) is not None
    return place.text[end : end + 2] == " ל" and _PRESS.search(place.before) is not None


def _is_label(place: Place) -> bool:
    """Whether the number names the word before it. With a prefix it counts: חניה ל-2 רכבים."""
    return place.prefix in ("", "ה") and label_before(place.text, place.start)


def _is_code(amounts: _Amounts) -> bool:
    """Whether the figures are a code: 007, 1234567 without a noun."""
    figures = amounts.place.text[amounts.place.at : amounts.low.end].partition(".")[0]
    if len(figures) > 1 and figures.startswith("0") and figures.isdecimal():
        return amounts.high is None
    bare = amounts.exact and amounts.found is None and figures.isdecimal()
    return bare and len(figures) >= _DICTATED_FROM and not figures.endswith("000")


def _words(amounts: _Amounts) -> tuple[str, int]:
    place, low = amounts.place, amounts.low
    prefix, number = place.prefix, low.amount.whole
    if amounts.found:
        return _with_its_noun(amounts, amounts.found)
    minus, end = _minus(amounts)
    if amounts.exact and prefix.endswith("ה") and number < _FIRST_YEAR and not minus:
        return prefix[:-1] + ordinal(number, gender_before(place.text, place.start)), end
    if more := _more(place.text, amounts):
        return more
    if _is_resolution(amounts):
        return f"{prefix}{cardinal(number)} K", end
    return f"{prefix}{minus}{alone(low, amounts.high, _gender(amounts))}", end


def _with_its_noun(amounts: _Amounts, found: Found) -> tuple[str, int]:
    counted, low, high, prefix = found.counted, amounts.low, amounts.high, amounts.place.prefix
    minus = _MINUS if amounts.place.minus or low.minus else ""
    if high or low.scale:
        few = (
            high and not (high.scale or low.scale) and high.amount.whole <= _LAST_FEW and not high.amount.part
        )
        noun = counted.few if few else counted.many
        return f"{prefix}{minus}{alone(low, high, counted.gender, before_noun=True)} {noun}", found.end
    definite = prefix.endswith("ה") and not found.unit and low.amount.whole > 1 and amounts.exact
    if not (definite or found.definite):
        return f"{prefix}{minus}{counted_words(low.amount, counted)}", found.end
    has_article = found.definite or (found.guessed and counted.few.startswith("ה"))
    noun = counted.few if has_article else f"ה{counted.few}"
    number = cardinal(low.amount.whole, counted.gender, before_noun=True, definite=True)
    return f"{prefix.removesuffix('ה')}{number} {noun}", found.end


def _minus(amounts: _Amounts) -> tuple[str, int]:
    """The minus before the number; or behind a floor, where bidirectional text puts it."""
    place, end = amounts.place, amounts.end
    if place.minus:
        return _MINUS, end
    behind = _BEHIND_MINUS.match(place.text, end) if _FLOOR.search(place.before) else None
    return (_MINUS, behind.end()) if behind else ("", end)


def _more(text: str, amounts: _Amounts) -> tuple[str, int] | None:
    """An open range: 3+ חדרים."""
    plus = _MORE.match(text, amounts.end) if amounts.exact else None
    found = counted_at(text, plus.end()) if plus else None
    if found is None:
        return None
    return f"{amounts.place.prefix}{counted_words(amounts.low.amount, found.counted)} ומעלה", found.end


def _is_resolution(amounts: _Amounts) -> bool:
    """Whether this is the resolution of a screen, 4K, not four thousand."""
    low, text = amounts.low, amounts.place.text
    written = amounts.high is None and text[low.end - 1 : low.end] in ("K", "k")
    return written and not low.amount.part and low.amount.whole in _RESOLUTIONS


def _gender(amounts: _Amounts) -> Gender:
    """The gender of the noun at a next number (שלושה או ארבעה חדרים) or before (חדרים: 3), or of people."""
    place, before = amounts.place, amounts.place.before
    if _MASCULINE_BEHIND.search(before):
        return Gender.MASCULINE
    if place.prefix.endswith("ל") and amounts.exact and _FOR_PEOPLE.search(before):
        return Gender.MASCULINE
    if _is_label(place):
        return Gender.FEMININE
    end = amounts.end
    for _ in range(_MOST_ALTERNATIVES):
        if not (another := _SAME_NOUN.match(place.text, end)):
            break
        end = another.end()
        if found := counted_at(place.text, end):
            return found.counted.gender
        if _ENDS_WITH_SCALE.search(another[0]):
            return Gender.MASCULINE
    if some := gender_of_all(place.text, amounts.end):
        return some
    if place.prefix.startswith("ו") and (counted := _counted_before(place)):
        return counted
    one = amounts.exact and amounts.low.amount.whole == 1
    return (None if place.prefix else listed_before(place.text, place.start, one=one)) or Gender.FEMININE


def _counted_before(place: Place) -> Gender | None:
    """The gender of the noun counted before: שולחן אחד בחוץ ושניים בפנים."""
    numbers = [*_COUNTED.finditer(place.before)]
    found = counted_at(place.before, numbers[-1].end(), one=True) if numbers else None
    return found.counted.gender if found and not found.unit else None


def alternatives(place: Place) -> Said:
    """Alternatives with one noun, whose gender they share: 2/3 חדרים, 3-4-5 חדרים, 3,4,5 חדרים."""
    match = _LIST.match(place.text, place.at) if place.bare else None
    found = counted_at(place.text, match.end()) if match else None
    if not match or not found or found.unit or found.singular or _PART_OF.match(place.text, match.end()):
        return None
    amounts = [Amount.read(figures) for figures in _ONE.findall(match[0])]
    sep = match["sep"].strip()
    rising = all(low.times(0) < high.times(0) for low, high in zip(amounts, amounts[1:], strict=False))
    if (
        not rising
        or (sep == "/" and len(amounts) == 2 and amounts[1].whole - amounts[0].whole > 1)
        or (sep != "/" and len(amounts) == 2)
    ):
        return None
    *words, last = [amount_words(amount, found.counted.gender) for amount in amounts]
    if not amounts[-1].part:
        last = cardinal(amounts[-1].whole, found.counted.gender, before_noun=True)
    either = " או " if sep == "/" else ", "
    return f"{place.prefix}{', '.join(words)}{either}{last} {found.counted.few}", found.end


def ratio(place: Place) -> Said:
    """A ratio: 1:4 is one to four."""
    match = _RATIO.match(place.text, place.at) if place.bare else None
    if not match:
        return None
    first, second = int(match["first"]), int(match["second"])
    clock = len(match["second"]) == 2 and first <= _LAST_HOUR and second <= _LAST_MINUTE
    if clock and not _RATIO_BEFORE.search(place.before):
        return None
    return f"{place.prefix}{cardinal(first)} ל{cardinal(second)}", match.end()


def price(place: Place) -> Said:
    """A price without a currency: עולה 59.90, ב-59.90."""
    match = _PRICE.match(place.text, place.at) if place.bare else None
    if not match or counted_at(place.text, match.end()) or BEHIND_SCALE.match(place.text, match.end()):
        return None
    of_shops = place.prefix[-1:] == "ב" and match["part"] in ("90", "99", "95")
    if not (of_shops or _PRICE_BEFORE.search(place.before)) or _RATE_BEFORE.search(place.before):
        return None
    if match["part"] in ("00", "50"):
        return None
    whole = Amount.read(match["whole"]).whole
    return f"{place.prefix}{cardinal(whole)} {cardinal(int(match['part']))}", match.end()


def plus_one(place: Place) -> Said:
    """The offer 1+1, without its noun."""
    match = _PLUS_ONE.match(place.text, place.at) if place.bare else None
    if not match or counted_at(place.text, match.end(), one=True):
        return None
    return f"{place.prefix}{cardinal(int(match['first']), Gender.MASCULINE)} פלוס אחד", match.end()


def third(place: Place) -> Said:
    """Thirds: 1/3, 2/3."""
    match = _THIRD.match(place.text, place.at) if place.bare else None
    if not match:
        return None
    found = counted_at(place.text, match.end())
    if match[0].startswith("2") and found and found.singular and not found.definite:
        return f"{place.prefix}שני שלישי", match.end()
    return place.prefix + _THIRDS[match[0]], match.end()


def out_of(place: Place) -> Said:
    """Two numbers with a slash, as "of" or "over": קומה 3/5, 4.8/5, 130/85. Reads up to the second number."""
    match = _SLASH.match(place.text, place.at) if place.bare else None
    if not match:
        return None
    amount = Amount.read(match["first"])
    if _MEGA.match(place.text, match.end()):
        return f"{place.prefix}{amount_words(amount, Gender.MASCULINE)} על ", match.start("second")
    if _PRESSURE.search(place.before):
        between = "על"
    elif _FLOOR.search(place.before) or (amount.part and match["second"] in ("5", "10")):
        between = "מתוך"
    else:
        return None
    return f"{place.prefix}{amount_words(amount)} {between} ", match.start("second")


def points(place: Place) -> Said:
    """The number of a section or version: 5.2.1."""
    match = _VERSION.match(place.text, place.at) if place.bare else None
    if not match:
        return None
    return place.prefix + " נקודה ".join(cardinal(int(part)) for part in match[0].split(".")), match.end()
