"""Dates and hours as they are said: שנים עשר במרץ אלפיים עשרים ושש, רבע לחמש."""

import re

from server.hebrew.gender import Gender
from server.hebrew.nouns import counted_at, label_before
from server.hebrew.numbers import cardinal, ordinal

MONTHS = "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר".split()
# Prefix letters in front of figures, as in ב-15 and ב15.
PREFIX = r"(?:(?<![\w\"'״׳])(?P<prefix>[ובלהמשכ]{1,3})[-־–—]?)?"
_DATE_PREFIX = rf"(?:{PREFIX[:-1]}(?=\d)|(?<![\d.,:/-]))"
_DAYS = dict(zip("אבגדהוש", "ראשון שני שלישי רביעי חמישי שישי שבת".split(), strict=True))
_SCALE = re.compile(r"\s*(?:אלף|מיליון|מליון|מיליארד)")
_FAR = 60  # characters; what tells a date from a decimal is not farther from it
_THIS_CENTURY = 70  # 69 is 2069, 70 is 1970

_FULL_DATE = re.compile(
    rf"{_DATE_PREFIX}(?P<day>\d{{1,2}})(?P<sep>[./-])(?P<month>\d{{1,2}})(?P=sep)"
    r"(?P<year>\d{4}|\d{2})(?![\d/]|[.-]\d)"
)
_ISO_DATE = re.compile(rf"{_DATE_PREFIX}(?P<year>\d{{4}})-(?P<month>\d{{2}})-(?P<day>\d{{2}})(?!\d)")
_SHORT_DATE = re.compile(
    rf"{_DATE_PREFIX}(?P<day>\d{{1,2}})(?P<sep>[./])(?P<month>\d{{1,2}})(?![\d/:%]|[.,-]\d)"
)
# Words before a day and a month with a point between, which else is a decimal.
_BEFORE_DATE = re.compile(
    r"(?:תאריך|יום|מיום|ביום|כניסה|פינוי|החל|ראשון|שני|שלישי|רביעי|חמישי|שישי|שבת|\d[./]\d{1,2}\s+עד)[,:]?\s+$"
)
_STREET_BEFORE = re.compile(r"(?:רחוב|שדרות|סמטת|דרך|כיכר)(?:\s+[^\W\d]+){1,3}\s+$")

_HOUR = r"(?:[01]?\d|2[0-4])"
_CLOCK = rf"(?<![\d:.])({_HOUR}):([0-5]\d)(?::[0-5]\d)?(?![\d:])"
_HOURS = re.compile(rf"{PREFIX}{_CLOCK}(?:\s*[-–]\s*{_CLOCK})?")
_AT_HOUR = re.compile(
    rf"(?P<cue>[ובהלמש]{{0,2}}שע(?:ה|ות)\s+(?:בין\s+)?){PREFIX}({_HOUR})(?:\.([0-5]\d))?"
    rf"(?:\s*[-–]\s*({_HOUR})(?:\.([0-5]\d))?)?(?![\d:%]|[.,]\d|\s*[-–]\s*\d)"
)
_WEEKDAYS = re.compile(
    r"(?P<cue>(?<!\w)[ובלהמש]{0,2}(?:יום|ימי|ימים)\s+)([א-וש])['׳’](?:\s?[-–]\s?([א-וש])['׳’])?(?!\w)"
)


def spoken_weekdays(text: str) -> str:
    """Days that are letters in words: יום א' is יום ראשון."""
    return _WEEKDAYS.sub(_weekdays, text)


def spoken_dates(text: str) -> str:
    """Dates in figures in words; what is no date of a calendar stays."""
    text = _ISO_DATE.sub(_full_date, text)
    text = _FULL_DATE.sub(_full_date, text)
    return _SHORT_DATE.sub(_short_date, text)


def spoken_hours(text: str) -> str:
    """Hours in figures in words, on a clock of twelve hours: 17:30 is חמש וחצי."""
    return _AT_HOUR.sub(_at_hour, _HOURS.sub(_hours, text))


def _weekdays(match: re.Match[str]) -> str:
    days = [_DAYS[letter] for letter in match.groups()[1:] if letter]
    return match["cue"] + " עד ".join(days)


def _full_date(match: re.Match[str]) -> str:
    day, month, year = (int(match[name]) for name in ("day", "month", "year"))
    if not _in_calendar(day, month):
        return match[0]
    if len(match["year"]) == 2:
        year += 2000 if year < _THIS_CENTURY else 1900
    return f"{day_of_month(match['prefix'] or '', day)} ב{MONTHS[month - 1]} {cardinal(year)}"


def _short_date(match: re.Match[str]) -> str:
    day, month = int(match["day"]), int(match["month"])
    if not _in_calendar(day, month) or not _means_date(match, day, month):
        return match[0]
    return f"{day_of_month(match['prefix'] or '', day)} ב{MONTHS[month - 1]}"


def _means_date(match: re.Match[str], day: int, month: int) -> bool:
    """Not a decimal, a fraction, or the number of a house and a flat."""
    text, prefix = match.string, match["prefix"] or ""
    if counted_at(text, match.end()) or _SCALE.match(text, match.end()):
        return False
    before = text[max(0, match.start() - _FAR) : match.start()]
    if _STREET_BEFORE.search(before) or label_before(text, match.start()):
        return False
    if match["sep"] == "/" and not day < month <= 10:
        return True
    if prefix[-1:] in ("ב", "ה", "מ") or _BEFORE_DATE.search(before):
        return True
    with_zeros = len(match["day"]) == len(match["month"]) == 2 and "0" in (match["day"][0], match["month"][0])
    return with_zeros or (day > len(MONTHS) and (prefix != "" or before.endswith("עד ")))


def day_of_month(prefix: str, day: int) -> str:
    """With its prefix: בחמישה עשר; behind an article an ordinal: החמישי."""
    if prefix.endswith("ה"):
        return prefix[:-1] + ordinal(day, Gender.MASCULINE)
    return prefix + cardinal(day, Gender.MASCULINE)


def _in_calendar(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= len(MONTHS)


def _hours(match: re.Match[str]) -> str:
    words = (match["prefix"] or "") + hour_words(int(match[2]), int(match[3]))
    return f"{words} עד {hour_words(int(match[4]), int(match[5]))}" if match[4] else words


def _at_hour(match: re.Match[str]) -> str:
    if counted_at(match.string, match.end(), label_before=True):
        return match[0]
    words = match["cue"] + (match["prefix"] or "") + hour_words(int(match[3]), int(match[4] or 0))
    return f"{words} עד {hour_words(int(match[5]), int(match[6] or 0))}" if match[5] else words


def hour_words(hour: int, minute: int) -> str:
    """From 0:00 to 24:59, as people say it."""
    if hour % 24 == minute == 0:
        return "חצות"
    now, following = _on_clock(hour), _on_clock(hour + 1)
    to_next = {40: "עשרים", 45: "רבע", 50: "עשרה", 55: "חמישה"}
    if minute in to_next:
        return f"{to_next[minute]} ל{following}"
    return now + _minutes_past(minute)


def _on_clock(hour: int) -> str:
    return cardinal((hour - 1) % 12 + 1)


def _minutes_past(minute: int) -> str:
    match minute:
        case 0:
            return ""
        case 1:
            return " ודקה"
        case 15:
            return " ורבע"
        case 30:
            return " וחצי"
        case few if few <= 10:
            return f" ו{cardinal(few, before_noun=True)} דקות"
        case round_or_teen if round_or_teen <= 20:
            return f" ו{cardinal(round_or_teen)}" + ("" if round_or_teen == 20 else " דקות")
    return f" {cardinal(minute)}"
