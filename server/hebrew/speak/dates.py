"""Spoken dates: שנים עשר במרץ אלפיים עשרים ושש. In a range both ends are days."""

import re

from server.hebrew.data import pattern_of
from server.hebrew.speak.nouns import counted_at, label_before
from server.hebrew.speak.numbers import cardinal, ordinal
from server.hebrew.speak.place import BEHIND_SCALE, DASH, MONTH, MONTHS, PREFIXED, Place, Said
from server.hebrew.understand.gender import Gender

_THIS_CENTURY = 70  # 69 is 2069, 70 is 1970
_HALVES_UP_TO = 10  # 3/4 and 9/10 are fractions
_LAST_ORDINAL = 10

_YEAR = r"(?:(?:19|20)\d\d|\d\d)"
_END = r"(?![\d/]|[.-]\d)"
_FULL = re.compile(
    rf"(?P<day>\d{{1,2}})(?P<sep>[./-])(?P<month>\d{{1,2}})(?P=sep)(?P<year>{_YEAR})(?![\d/]|[.]\d)"
)
_ISO = re.compile(r"(?P<year>(?:19|20)\d\d)-(?P<month>\d{2})-(?P<day>\d{2})(?!\d)")
_SHORT = re.compile(r"(?P<day>\d{1,2})(?P<sep>[./])(?P<month>\d{1,2})(?![\d/:%]|[.,]\d)")
_DAYS_OF = re.compile(
    rf"(?P<first>\d{{1,2}}){DASH}(?P<day>\d{{1,2}})(?P<sep>[./])(?P<month>\d{{1,2}})(?:(?P=sep)(?P<year>{_YEAR}))?{_END}"
)
_MONTH_AND_YEAR = re.compile(r"(?P<month>\d{1,2})/(?P<year>20\d\d)(?![\d/]|[.,-]\d)")
_DASH = re.compile(rf"{DASH}(?=\d)")
_FIGURES = re.compile(r"[\d.,]*\d")
_RANGE = re.compile(rf"(?:{DASH}|,? +(?:עד|או|ועד) +(?:ל?ה-?)?| +[לו](?:בין )?-?)(?=\d)")
# The month of a bare day, perhaps behind other days: 3, 4 או 5 ביוני
_OTHER_DAYS = rf"(?:(?:{DASH}|,? +(?:עד|או) +|, ?| +(?:עד )?ו?[בל]?)(?:ה?-)?\d{{1,2}})"
_NAMED_MONTH = re.compile(rf"{_OTHER_DAYS}{{0,3}} +[בל]?(?:{MONTH})(?!\w)")
_THE_MONTH = r" +(?:[בל](?:כל )?|של ה|לכל )חודש(?!\w)"
_OF_THE_MONTH = re.compile(_THE_MONTH)
_MONTH_OF_OTHERS = re.compile(rf"{_OTHER_DAYS}{{1,3}}{_THE_MONTH}")
_DAY = re.compile(r"(?P<day>\d{1,2})(?![\d/:%]|[.,]\d)")

# Words before a day and a month separated by a point, which otherwise is a decimal.
_BEFORE_DATE = re.compile(
    rf"(?:{pattern_of('spoken/date_before')}|יום [א-ו]'"
    rf"|\d[./]\d{{1,2}}(?:[./]\d{{2,4}})?(?: +(?:עד|או|ועד))?)[,:]? +$"
)
_MEASURED = re.compile(
    rf"{PREFIXED}(?:{pattern_of('spoken/price_before')}|מינוס|נקודה|פי|רק|היא|הוא)[ :]+$|[-+*/<>=%] ?$"
)
_CLAUSE = r"(?:[^.!?]|\.(?=\d))*"
# Words near a day and a month behind a prefix that otherwise stands before amounts too (ל-12.5).
_NEAR_DATE = re.compile(rf"{PREFIXED}(?:{pattern_of('spoken/date_near')})(?![א-ת]){_CLAUSE}$")
# Words of measurement: near them a point is a decimal point.
_NEAR_DECIMAL = re.compile(rf"{PREFIXED}(?:{pattern_of('spoken/decimal_near')})(?![א-ת]){_CLAUSE}$")
# Words before a day and a month separated by a slash, which otherwise are house and flat.
_BEFORE_SLASH = re.compile(rf"{PREFIXED}(?:{pattern_of('spoken/date_before_slash')})[,:]? +$")
_BEHIND_DATE = re.compile(
    r",? +(?:ב-?\d{1,2}[:.]\d\d|\d{1,2}:\d\d|בשעה|בשעות|בבוקר|בצהריים|בערב|אחר הצהריים|לפני הצהריים|אחה\"צ)"
)
_WORD_BEFORE = re.compile(r"[^\W\d]['\"]? +$")
_OF_A_DATE = re.compile(r"(?:תאריך|מועד|כניסה|פינוי)[^.!?\n]*$")
_ADDRESS = re.compile(r"(?<![א-ת])[ובלהמש]{0,2}(?:כתובת|דירה|קומה|רחוב)(?![א-ת])")
_STREET_BEFORE = re.compile(r"(?:רחוב|רח'|שדרות|שד'|סמטת|דרך|כיכר)(?: +[^\W\d]+'?){1,3} +$")
_ALWAYS = re.compile(r"24/7(?![\d/.])")


def always(place: Place) -> Said:
    """24/7."""
    match = _ALWAYS.match(place.text, place.at)
    return (f"{place.prefix}עשרים וארבע שבע", match.end()) if match else None


def full_date(place: Place) -> Said:
    """Day, month and year, perhaps with a second date behind a dash: 1.9.26-31.8.27."""
    if not place.bare or place.inside:
        return None
    match = _full(place.text, place.at)
    if not match:
        return None
    said = day_of_month(place.prefix, int(match["day"])) + _month_and_year(match)
    joint = _DASH.match(place.text, match.end())
    second = _full(place.text, joint.end()) if joint else None
    if not second:
        return said, match.end()
    return f"{said} עד {day_of_month('', int(second['day']))}{_month_and_year(second)}", second.end()


def _full(text: str, at: int) -> re.Match[str] | None:
    match = _ISO.match(text, at) or _FULL.match(text, at)
    return match if match and _in_calendar(match) else None


def days_of_a_date(place: Place) -> Said:
    """A range of days in one month: 1-5.9.2026; not a range of decimals: 3-4.5 חדרים."""
    match = _DAYS_OF.match(place.text, place.at) if place.bare else None
    if not match or not _in_calendar(match) or _counts(place, match.end()):
        return None
    first = int(match["first"])
    if not 0 < first < int(match["day"]) or not (
        match["year"] or _is_date(place, match["sep"], first, match)
    ):
        return None
    return f"{_day_range(place.prefix, first, int(match['day']))}{_month_and_year(match)}", match.end()


def short_date(place: Place) -> Said:
    """Day and month, perhaps with a second date behind a dash: 15.4-20.4."""
    if not place.bare or place.inside:
        return None
    match = _SHORT.match(place.text, place.at)
    if not match or not _in_calendar(match):
        return None
    second = _second_date(place.text, match)
    if not _means_date(place, match, second):
        return None
    said = day_of_month(place.prefix, int(match["day"])) + _month_and_year(match)
    if second and _DASH.match(place.text, match.end()):
        return f"{said} עד {day_of_month('', int(second['day']))}{_month_and_year(second)}", second.end()
    return said, match.end()


def month_and_year(place: Place) -> Said:
    """Month and year: 4/2026 is April 2026."""
    match = _MONTH_AND_YEAR.match(place.text, place.at) if place.bare else None
    if not match or not 1 <= int(match["month"]) <= len(MONTHS):
        return None
    return f"{place.prefix}{MONTHS[int(match['month']) - 1]} {cardinal(int(match['year']))}", match.end()


def day_of_a_named_month(place: Place) -> Said:
    """A day of a named month: 15 במרץ, ב-5 לחודש; each of several days: 3-7 ביוני, בין ה-3 ל-26 בנובמבר."""
    match = _DAY.match(place.text, place.at) if place.bare else None
    if not match or not 1 <= int(match["day"]) <= 31:
        return None
    day, end = int(match["day"]), match.end()
    if _OF_THE_MONTH.match(place.text, end):
        return _day_of_the_month(place.prefix, day), end
    if _MONTH_OF_OTHERS.match(place.text, end):
        return _day_of_the_month(place.prefix, day), end
    if not _NAMED_MONTH.match(place.text, end):
        return None
    joint = _DASH.match(place.text, end)
    second = _DAY.match(place.text, joint.end()) if joint else None
    if second and day < int(second["day"]) <= 31:
        return _day_range(place.prefix, day, int(second["day"])), second.end()
    return day_of_month(place.prefix, day), end


def _second_date(text: str, first: re.Match[str]) -> re.Match[str] | None:
    """The other date of a range, written in the same way."""
    joint = _RANGE.match(text, first.end())
    second = (_SHORT.match(text, joint.end()) or _FULL.match(text, joint.end())) if joint else None
    return second if second and second["sep"] == first["sep"] and _in_calendar(second) else None


def _means_date(place: Place, match: re.Match[str], second: re.Match[str] | None) -> bool:
    """Whether the figures are a date, not a decimal, a fraction, or house and flat."""
    if any(_counts(place, one.end()) for one in (match, second) if one):
        return False
    if _other_end_counts(place, match.end()):
        return False
    if _STREET_BEFORE.search(place.before) or (place.prefix in ("", "ה") and _is_labelled(place)):
        return False
    if second and _DASH.match(place.text, match.end()) and _is_later(match, second):
        return True
    return _is_date(place, match["sep"], int(match["day"]), match)


def _is_labelled(place: Place) -> bool:
    return label_before(place.text, place.start) and not _BEFORE_DATE.search(place.before)


def _other_end_counts(place: Place, end: int) -> bool:
    """Whether the other number of the range has a unit: מ-1.6 ל-1.75 מיליון."""
    joint = _RANGE.match(place.text, end)
    number = _FIGURES.match(place.text, joint.end()) if joint else None
    return number is not None and _counts(place, number.end())


def _is_later(first: re.Match[str], second: re.Match[str]) -> bool:
    dates = [(int(one["month"]), int(one["day"])) for one in (first, second)]
    return dates[0] < dates[1] and (
        max(int(first["day"]), int(second["day"])) > len(MONTHS) or dates[0][0] == dates[1][0]
    )


def _is_date(place: Place, sep: str, day: int, match: re.Match[str]) -> bool:
    """Whether the words around indicate a date."""
    before, prefix = place.before, place.prefix
    behind = _BEHIND_DATE.match(place.text, match.end()) is not None
    if _NEAR_DECIMAL.search(before) and not behind and sep == ".":
        return False
    if behind or prefix[-1:] in ("ב", "ה", "מ") or _BEFORE_DATE.search(before):
        return True
    if (prefix.endswith("ל") or before.endswith("עד ")) and _NEAR_DATE.search(before):
        return True
    with_zeros = len(match["day"]) == len(match["month"]) == 2 and "0" in (match["day"][0], match["month"][0])
    if sep == "/" and not day < int(match["month"]) <= _HALVES_UP_TO and not with_zeros:
        return prefix != "" or _no_address(before, place.text[match.end() :])
    until = before.endswith("עד ") or (prefix != "" and not prefix.endswith("כ"))
    bare = sep == "." and place.prefix == "" and place.text[match.end() : match.end() + 1] != ","
    return with_zeros or (day > len(MONTHS) and (until or (bare and not _MEASURED.search(before))))


def _no_address(before: str, behind: str) -> bool:
    """Whether a slash separates day and month: not behind a name (ביאליק 5/3), nor near an address."""
    if _BEFORE_SLASH.search(before) or _BEHIND_DATE.match(behind):
        return True
    near_an_address = _ADDRESS.search(before) and not _OF_A_DATE.search(before)
    return not (near_an_address or _WORD_BEFORE.search(before))


def _counts(place: Place, end: int) -> bool:
    """Whether a unit, scale or noun is at ``end``. Behind a word for dates only listed nouns count."""
    found = counted_at(place.text, end)
    is_noun = found is not None and not (found.guessed and _BEFORE_DATE.search(place.before))
    return is_noun or BEHIND_SCALE.match(place.text, end) is not None


def _month_and_year(match: re.Match[str]) -> str:
    year = match.groupdict().get("year")
    words = f" ב{MONTHS[int(match['month']) - 1]}"
    if not year:
        return words
    short = 2000 if int(year) < _THIS_CENTURY else 1900
    return f"{words} {cardinal(int(year) + short if len(year) == 2 else int(year))}"


def _day_range(prefix: str, first: int, last: int) -> str:
    return f"{day_of_month(prefix, first)} עד {day_of_month('ה' if prefix.endswith('ה') else '', last)}"


def _day_of_the_month(prefix: str, day: int) -> str:
    """A day before לחודש: בחמישי לחודש, בחמישה עשר לחודש."""
    if prefix.endswith("ב") and day <= _LAST_ORDINAL:
        return prefix + ordinal(day, Gender.MASCULINE).removeprefix("ה")
    return day_of_month(prefix, day)


def day_of_month(prefix: str, day: int) -> str:
    """A day with its prefix: בחמישה עשר; with an article an ordinal: החמישי."""
    if prefix.endswith("ה"):
        return prefix[:-1] + ordinal(day, Gender.MASCULINE)
    return prefix + cardinal(day, Gender.MASCULINE)


def _in_calendar(match: re.Match[str]) -> bool:
    return 1 <= int(match["day"]) <= 31 and 1 <= int(match["month"]) <= len(MONTHS)
