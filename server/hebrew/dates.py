"""Dates and hours as they are said: שנים עשר במרץ אלפיים עשרים ושש, רבע לחמש, שמונה בערב."""

import re
from dataclasses import dataclass

from server.hebrew.gender import Gender
from server.hebrew.nouns import counted_at, label_before
from server.hebrew.numbers import cardinal, ordinal

MONTHS = "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר".split()
# Prefix letters in front of figures, as in ב-15 and ב15.
PREFIX = r"(?:(?<![\w\"'״׳])(?P<prefix>[ובלהמשכ]{1,3})[-־–—]?)?"
_DATE_PREFIX = rf"(?:{PREFIX[:-1]}(?=\d)|(?<![\d.,:/-]))"
_DAYS = dict(zip("אבגדהוש", "ראשון שני שלישי רביעי חמישי שישי שבת".split(), strict=True))
_SCALE = re.compile(r"\s*(?:אלף|מיליון|מליון|מיליארד)")
_OF_A_MONTH = re.compile(rf"\s+[בל]?(?:{'|'.join(MONTHS)}|חודש)(?!\w)")
_FAR = 60  # characters; what tells a date from a decimal is not farther from it
_DAY_STARTS, _DAY_ENDS = 7, 18  # hours whose part of the day goes without saying
_HALVES_UP_TO = 10  # 3/4 and 9/10 are parts of something
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
# Words before a day and a month with a slash between, which else are a house and a flat.
_BEFORE_SLASH = re.compile(
    r"(?<![א-ת])[ושהבלמכ]{0,2}(?:מועד|עד|אחרי|לפני|בין|או|היום|מחר|מחרתיים|הבא|הקרוב|פגישה|ביקור|סיור|"
    r"נפגש|נפגשים|ניפגש|קבענו|נקבע|נקבעה)\s+$"
)
_BEHIND_DATE = re.compile(r",?\s+(?:ב-?\d{1,2}:|בשעה|בשעות|בבוקר|בצהריים|בערב|אחר הצהריים|לפני הצהריים)")
_WORD_BEFORE = re.compile(r"[^\W\d]['׳’\"״]?\s+$")
_OF_A_DATE = re.compile(r"(?:תאריך|מועד|כניסה|פינוי)[^.!?\n]*$")
_ADDRESS = re.compile(r"(?<![א-ת])[ובלהמש]{0,2}(?:כתובת|דירה|קומה|רחוב)(?![א-ת])")
_STREET_BEFORE = re.compile(r"(?:רחוב|שדרות|סמטת|דרך|כיכר)(?:\s+[^\W\d]+){1,3}\s+$")

_PARTS_OF_DAY = "בוקר|צהריים|צוהריים|ערב|לילה"
_PART = rf"(?:(?:אחרי?|לפני|לפנות)\s+)?[בה]{{0,2}}(?:{_PARTS_OF_DAY})(?![א-ת])"
_PART_BEHIND = re.compile(rf"(?:\s+[א-ת]+){{0,2}}?\s+{_PART}")
_PART_BEFORE = re.compile(rf"(?<![א-ת]){_PART}[^,.;:!?\n]*$")
_HOUR = r"(?:[01]?\d|2[0-4])"
_NO_MORE = r"(?![\d:%]|[.,]\d|\s*[-–]\s*\d)"
_UNTIL = rf"(?:\s+{_PART})?\s+עד\s+(?:ה?שעה\s+)?"
_ANOTHER = rf"\s*[-–]\s*|{_UNTIL}|(?:\s+{_PART})?\s+(?:או\s+)?[ובל]{{0,2}}[-־–]?"


def _clock(name: str) -> str:
    return rf"(?<![\d:.])(?P<{name}>{_HOUR}):(?P<{name}_minute>[0-5]\d)(?::[0-5]\d)?(?![\d:])"


def _bare_hour(name: str) -> str:
    return rf"(?P<{name}>{_HOUR})(?:\.(?P<{name}_minute>[0-5]\d))?"


_HOURS = re.compile(rf"{PREFIX}{_clock('first')}(?:(?P<between>{_ANOTHER}){_clock('second')})?")
_AT_HOUR = re.compile(
    rf"(?P<cue>[ובלהמש]{{0,2}}שע(?:ה|(?P<hours>ות))\s+(?:בין\s+)?){PREFIX}{_bare_hour('first')}"
    rf"(?:(?P<between>\s*[-–]\s*|{_UNTIL}|(?(hours)\s+ל[-־–]?|(?!))){_bare_hour('second')})?{_NO_MORE}"
)
_FROM_HOUR = re.compile(
    rf"(?<![\w\"'״׳])(?P<prefix>[וש]?מ)[-־–]?(?P<first>[5-9]|1[0-2])(?P<between>{_UNTIL})"
    rf"(?P<second>1[3-9]|2[0-4]){_NO_MORE}"
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
    """Hours in figures in words, on a clock of twelve hours: 17:30 is חמש וחצי.

    With the part of the day in the evening, at night and early in the morning, and where both ends of a range
    have one name, unless the text says it itself. 5:30 without a zero may be any of the two and gets none.
    """
    return _FROM_HOUR.sub(_from_hour, _AT_HOUR.sub(_at_hour, _HOURS.sub(_hours, text)))


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
    if prefix[-1:] in ("ב", "ה", "מ") or _BEFORE_DATE.search(before):
        return True
    with_zeros = len(match["day"]) == len(match["month"]) == 2 and "0" in (match["day"][0], match["month"][0])
    if match["sep"] == "/" and not day < month <= _HALVES_UP_TO and not with_zeros:
        return prefix != "" or _no_address(before, text[match.end() :])
    return with_zeros or (day > len(MONTHS) and (prefix != "" or before.endswith("עד ")))


def _no_address(before: str, behind: str) -> bool:
    """Whether a slash parts a day and a month: not behind a name, as in ביאליק 5/3, nor near an address."""
    if _BEFORE_SLASH.search(before) or _BEHIND_DATE.match(behind):
        return True
    near_an_address = _ADDRESS.search(before) and not _OF_A_DATE.search(before)
    return not (near_an_address or _WORD_BEFORE.search(before))


def day_of_month(prefix: str, day: int) -> str:
    """With its prefix: בחמישה עשר; behind an article an ordinal: החמישי."""
    if prefix.endswith("ה"):
        return prefix[:-1] + ordinal(day, Gender.MASCULINE)
    return prefix + cardinal(day, Gender.MASCULINE)


def _in_calendar(day: int, month: int) -> bool:
    return 1 <= day <= 31 and 1 <= month <= len(MONTHS)


@dataclass(frozen=True)
class _Hour:
    """``hour`` of 0 to 24; ``sure`` unless it may be meant on a clock of twelve."""

    hour: int
    minute: int
    sure: bool

    @classmethod
    def read(cls, match: re.Match[str], name: str) -> "_Hour":
        hour, minute = match[name], match.groupdict().get(f"{name}_minute")
        return cls(int(hour), int(minute or 0), len(hour) == 2 or hour == "0")

    @property
    def part_of_day(self) -> str:
        """בבוקר; "" for midnight, which has a name."""
        hour = self.hour % 24
        if hour == self.minute == 0:
            return ""
        starts = {22: "בלילה", 18: "בערב", 14: "אחר הצהריים", 12: "בצהריים", 4: "בבוקר", 0: "בלילה"}
        return next(part for start, part in starts.items() if hour >= start)

    @property
    def words_of_its_part(self) -> tuple[str, ...]:
        """What a text may call it."""
        if self.hour % 24 < _DAY_STARTS:
            return ("בוקר", "לילה")
        return ("ערב", "לילה") if self.hour >= _DAY_ENDS else ("בוקר", "צהריים", "צוהריים", "ערב")

    @property
    def is_late_or_early(self) -> bool:
        return self.sure and not _DAY_STARTS <= self.hour < _DAY_ENDS


def _hours(match: re.Match[str]) -> str:
    first = _Hour.read(match, "first")
    prefix = match["prefix"] or ""
    if not match["second"]:
        return prefix + _said_once(first, match, match.end())
    return prefix + _said_twice(first, _Hour.read(match, "second"), match)


def _at_hour(match: re.Match[str]) -> str:
    """Behind שעה; a number that counts something is none: בשעה 3 אנשים."""
    text, first, before = match.string, _Hour.read(match, "first"), match["cue"] + (match["prefix"] or "")
    counts = counted_at(text, match.end(), label_before=True) is not None
    if not match["second"]:
        return match[0] if counts else before + _said_once(first, match, match.end())
    if counts:
        rest = text[match.start("between") : match.end()]
        return before + _said_once(first, match, match.start("between")) + rest
    return before + _said_twice(first, _Hour.read(match, "second"), match)


def _from_hour(match: re.Match[str]) -> str:
    """מ-9 עד 17, when that is no count, no days of a month and no floors."""
    text, end = match.string, match.end()
    if counted_at(text, end) or _SCALE.match(text, end) or _OF_A_MONTH.match(text, end):
        return match[0]
    if label_before(text, match.start()):
        return match[0]
    return match["prefix"] + _said_twice(_Hour.read(match, "first"), _Hour.read(match, "second"), match)


def _said_once(hour: _Hour, match: re.Match[str], end: int) -> str:
    words = hour_words(hour.hour, hour.minute)
    needed = hour.is_late_or_early and not _is_said(hour, match.string, match.start(), end)
    return f"{words} {hour.part_of_day}".rstrip() if needed else words


def _said_twice(first: _Hour, second: _Hour, match: re.Match[str]) -> str:
    """Both ends; the part of the day once if they share it."""
    text, between = match.string, match["between"]
    same_name = _on_clock(first.hour) == _on_clock(second.hour) and first.part_of_day != second.part_of_day
    parts = []
    for hour, end in ((first, match.start("between")), (second, match.end())):
        needed = same_name or hour.is_late_or_early
        said = _is_said(hour, text, match.start(), end)
        parts.append(f" {hour.part_of_day}".rstrip() if needed and not said else "")
    if first.part_of_day == second.part_of_day and parts[1]:
        parts[0] = ""
    between = between.rstrip("-־–") if between.strip(" -–") else " עד "
    words = [hour_words(hour.hour, hour.minute) for hour in (first, second)]
    return words[0] + parts[0] + between + words[1] + parts[1]


def _is_said(hour: _Hour, text: str, start: int, end: int) -> bool:
    """Whether the text before ``start`` or behind ``end`` says the part of the day that ``hour`` is in."""
    said = (_PART_BEFORE.search(text, max(0, start - _FAR), start), _PART_BEHIND.match(text, end))
    return any(any(word in match[0] for word in hour.words_of_its_part) for match in said if match)


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
