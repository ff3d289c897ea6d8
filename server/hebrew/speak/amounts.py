"""One amount in any notation: 1,250,000 or 1 250 000 or 1.25 מיליון, 3 1/2, 4,5, 850K."""

import re
from dataclasses import dataclass

from server.hebrew.speak.nouns import counted_at
from server.hebrew.speak.numbers import FIGURES, Amount
from server.hebrew.speak.place import BEHIND_SCALE, SCALE, SCALES, Place

# An amount in any notation, without the noun it counts.
AMOUNT = rf"(?:{FIGURES}(?: 1/2)?)(?: ?{SCALE})?"

_MONEY = r"(?:[₪$€£]|ש\"ח|שח(?!\w)|NIS|ILS|שקל|דולר|אירו)"
_BEHIND_MONEY = re.compile(rf" *{_MONEY}")
_SHARE_OR_MONEY = re.compile(r" *[%₪]")
_SPACED = re.compile(r"[1-9]\d{0,2}(?:[ ']\d{3})+(?![\d.,/:-]*\d)")
_POINTS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+(?![\d.,]*\d)")
_COMMA = re.compile(r"(?P<whole>\d{1,3}),(?P<part>\d{1,2})(?![\d,])")
_MIXED = re.compile(r"(?:(?P<whole>\d{1,3}) +)?(?P<part>1/2|1/4|3/4)(?![\d/]|[.,]\d)")
_FIGURES = re.compile(FIGURES)
_AND_PART = re.compile(r" +ו(?P<part>חצי|רבע)(?!\w)")
_PARTS = {"1/2": "5", "1/4": "25", "3/4": "75", "חצי": "5", "רבע": "25"}
_SCALE_BEHIND = re.compile(rf" *(?P<scale>{SCALE})")
# Abbreviations of money in thousands and millions; "מ'" is a million only before a currency.
_SCALED_MONEY = re.compile(r" *(?:(?P<thousands>אל?ש\"ח)|(?P<millions>מל?ש\"ח))(?!\w)")
_MILLION_OF_MONEY = re.compile(rf" *מ'(?= ?{_MONEY})")
# Bidirectional text puts the minus of 3,042- ₪ here.
_MINUS_BEFORE_MONEY = re.compile(rf"-(?= ?{_MONEY})(?! ?[₪$€£] ?\d)")
_MILLION = 6
_THOUSAND = 3


@dataclass(frozen=True, slots=True)
class Written:
    """An amount times 10 to the ``scale``, ending at ``end``. ``money``: implied by an abbreviation."""

    amount: Amount
    scale: int
    end: int
    money: str = ""
    minus: bool = False


def amount_at(place: Place) -> Written | None:
    """The amount written at ``place``; None without figures."""
    found = _spaced(place) or _with_points(place) or _with_comma(place) or _mixed(place) or _figures(place)
    return found and _scaled(place.text, *found)


def _scaled(text: str, amount: Amount, end: int) -> Written:
    if money := _SCALED_MONEY.match(text, end):
        return Written(amount, _THOUSAND if money["thousands"] else _MILLION, money.end(), "₪")
    if million := _MILLION_OF_MONEY.match(text, end):
        return Written(amount, _MILLION, million.end())
    if minus := _MINUS_BEFORE_MONEY.match(text, end):
        return Written(amount, 0, minus.end(), minus=True)
    scale = _SCALE_BEHIND.match(text, end)
    return Written(amount, SCALES[scale["scale"]], scale.end()) if scale else Written(amount, 0, end)


def _spaced(place: Place) -> tuple[Amount, int] | None:
    """Blanks or apostrophes between thousands, with a currency or a counted noun."""
    match = _SPACED.match(place.text, place.at)
    if not match:
        return None
    end = match.end()
    sure = place.money or match[0].count(" ") > 1 or "'" in match[0] or _BEHIND_MONEY.match(place.text, end)
    if not (sure or _of_something(place.text, end)):
        return None
    return Amount(int(re.sub(r"\D", "", match[0]))), end


def _of_something(text: str, end: int) -> bool:
    counted = counted_at(text, end)
    return BEHIND_SCALE.match(text, end) is not None or (counted is not None and not counted.singular)


def _with_points(place: Place) -> tuple[Amount, int] | None:
    """Points between thousands: 1.890.000. With a single point only money, which has no three decimals."""
    match = _POINTS.match(place.text, place.at)
    if not match:
        return None
    if match[0].count(".") < 2 and not place.money and not _BEHIND_MONEY.match(place.text, match.end()):
        return None
    return Amount(int(match[0].replace(".", ""))), match.end()


def _with_comma(place: Place) -> tuple[Amount, int] | None:
    """A decimal comma: 2,9 מיליון, 4,5 חדרים. A half only before a noun that can be halved."""
    match = _COMMA.match(place.text, place.at)
    if not match:
        return None
    end = match.end()
    half = match["part"] == "5" and counted_at(place.text, end) is not None
    if not (half or _SHARE_OR_MONEY.match(place.text, end) or BEHIND_SCALE.match(place.text, end)):
        return None
    return Amount(int(match["whole"]), match["part"]), end


def _mixed(place: Place) -> tuple[Amount, int] | None:
    match = _MIXED.match(place.text, place.at)
    return (Amount(int(match["whole"] or 0), _PARTS[match["part"]]), match.end()) if match else None


def _figures(place: Place) -> tuple[Amount, int] | None:
    match = _FIGURES.match(place.text, place.at)
    if not match:
        return None
    amount = Amount.read(match[0])
    if amount.part or not (part := _AND_PART.match(place.text, match.end())):
        return amount, match.end()
    return Amount(amount.whole, _PARTS[part["part"]]), part.end()
