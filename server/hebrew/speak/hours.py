"""Spoken hours: רבע לחמש, שמונה בערב; opening hours, hours with a point, AM and PM."""

import re
from dataclasses import dataclass

from server.hebrew.data import pattern_of
from server.hebrew.speak.nouns import UNITS, counted_at, label_before
from server.hebrew.speak.numbers import cardinal
from server.hebrew.speak.place import BEHIND_SCALE, MONTH, PREFIXED, Place, Said
from server.hebrew.understand.gender import Gender

_FAR = 60  # characters back in which the part of the day is searched
_DAY_STARTS, _DAY_ENDS = 7, 18  # between these hours the part of the day is not spoken
_NOON = 12
_FEW = 10

_PARTS_OF_DAY = "בוקר|צהריים|צוהריים|ערב|לילה"
_PART = rf"(?:(?:אחרי?|לפני|לפנות) +)?[בה]{{0,2}}(?:{_PARTS_OF_DAY})(?![א-ת])|אחה\"צ|לפנה\"צ"
_PART_BEHIND = re.compile(rf"(?: +[א-ת]+){{0,2}}? +(?:{_PART})")
_PART_BEFORE = re.compile(rf"(?<![א-ת])(?:{_PART})[^,.;:!?\n]*$")
_OF_A_MONTH = re.compile(rf" +[בל]?(?:{MONTH}|חודש)(?!\w)")
_HOUR = r"(?:[01]?\d|2[0-4])"
_AM_PM = r"(?: ?(?P<{0}_half>[AaPp])(?:[Mm]|\.[Mm]\.)(?![A-Za-z]))?"
_NO_MORE = r"(?![\d:%]|[.,]\d| ?- ?\d)"


def _clock(name: str, mark: str) -> str:
    return (
        rf"(?P<{name}>{_HOUR}){mark}(?P<{name}_minute>[0-5]\d)(?::[0-5]\d)?(?!\d|[:.]\d){_AM_PM.format(name)}"
    )


def _bare(name: str) -> str:
    return rf"(?P<{name}>{_HOUR})(?:[.:](?P<{name}_minute>[0-5]\d))?(?!\d|[:.,]\d){_AM_PM.format(name)}"


_UNTIL = rf"(?: +(?:{_PART}))? +ו?עד +(?:ל?ה?שעה +)?(?:ה-)?"
_ANOTHER = rf"(?P<between> ?- ?|{_UNTIL}|(?: +(?:{_PART}))? +(?:או +)?[ובל]{{0,2}}-?)"
_TO = rf"(?P<between> ?- ?|{_UNTIL}| +ל-?)"
_COLONS = re.compile(
    rf"{_clock('first', ':')}(?:{_ANOTHER}{_clock('second', ':')}|(?P<dash> ?- ?){_bare('late')}{_NO_MORE})?"
)
_POINTS = re.compile(rf"{_clock('first', '[.]')}(?:{_TO}{_clock('second', '[.]')})?")
_BARE = re.compile(rf"{_bare('first')}(?:{_TO}{_bare('second')})?{_NO_MORE}")
_HALF_DAY = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<first_minute>(?!))?{_AM_PM.format('first')[:-1]}(?:{_ANOTHER}(?P<second>\d{{1,2}})"
    rf"(?P<second_minute>(?!))?{_AM_PM.format('second')[:-1]})?"
)
_SPAN = re.compile(r" +שעות(?!\w)")

_AT = re.compile(r"(?<![א-ת])[ובלהמש]{0,2}שע(?:ה|(?P<many>ות))(?: +[א-ת]+)?:? +(?:בין +)?$")
_OPEN = re.compile(
    rf"(?:{PREFIXED}(?:{pattern_of('spoken/hours_open')})(?: +[א-ת]{{2,}}){{0,3}}|(?<!\w)[א-ו]'?"
    rf"|{PREFIXED}(?:ראשון|שני|שלישי|רביעי|חמישי|שישי|שבת|מוצאי שבת|מוצ\"ש|ערבי? חג(?:ים)?)):? *,? *$"
)
# Other hours in a list with this one: 16.45, 10.50 ו-10:55
_ONE_OF_LIST = r"\d{1,2}[.:][0-5]\d"
_LIST_JOINT = r"(?:, ?| ?ו-?| או )"
_LIST_BEFORE = re.compile(rf"((?<![\d.,]){_ONE_OF_LIST}(?:{_LIST_JOINT}| $))+$")
_LIST_BEHIND = re.compile(rf"({_LIST_JOINT} *[ובל]{{0,2}}-?{_ONE_OF_LIST}(?![\d.,:]\d|\d))+")
_NEAR_HOURS = re.compile(rf"{PREFIXED}(?:{pattern_of('spoken/hours_near')})(?![א-ת])[^!?]*$")


@dataclass(frozen=True)
class _Hour:
    """``hour``: 0 to 24. ``sure``: not on a 12-hour clock. ``named``: with AM or PM."""

    hour: int
    minute: int
    sure: bool
    named: bool = False

    @classmethod
    def read(cls, match: re.Match[str], name: str) -> "_Hour":
        groups = match.groupdict()
        figures, minute, half = match[name], groups.get(f"{name}_minute"), groups.get(f"{name}_half")
        hour = int(figures)
        if half and hour <= _NOON:
            hour = hour % _NOON + (_NOON if half in "Pp" else 0)
        return cls(hour, int(minute or 0), len(figures) == 2 or figures == "0" or bool(half), bool(half))

    @property
    def part_of_day(self) -> str:
        """The spoken part of the day, like בבוקר; empty for midnight, which has a name of its own."""
        hour = self.hour % 24
        if hour == self.minute == 0:
            return ""
        starts = {22: "בלילה", 18: "בערב", 14: "אחר הצהריים", 12: "בצהריים", 4: "בבוקר", 0: "בלילה"}
        return next(part for start, part in starts.items() if hour >= start)

    @property
    def words_of_its_part(self) -> tuple[str, ...]:
        """The words that a text may use for this part of the day."""
        if self.hour % 24 < _DAY_STARTS:
            return ("בוקר", "לילה")
        if self.hour >= _DAY_ENDS:
            return ("ערב", "לילה")
        return ("בוקר", "צהריים", "צוהריים", "ערב", "אחה", "לפנה")

    @property
    def is_late_or_early(self) -> bool:
        return self.named or (self.sure and not _DAY_STARTS <= self.hour < _DAY_ENDS)


def clock(place: Place) -> Said:
    """17:30, or a range of two; 1:30 שעות is a duration."""
    if not place.bare or place.inside:
        return None
    match = _COLONS.match(place.text, place.at)
    if not match:
        return None
    if _SPAN.match(place.text, match.end()) and not match["second"] and not match["late"]:
        return _span(place, match)
    return _said(place, match, "late" if match["late"] else "second")


def half_day(place: Place) -> Said:
    """Hours with AM or PM: 9AM, 5 pm, 9-5 PM."""
    match = _HALF_DAY.match(place.text, place.at) if place.bare else None
    if not match or not all(1 <= int(hour) <= _NOON for hour in (match["first"], match["second"]) if hour):
        return None
    return _said(place, match, "second")


def hour_with_a_point(place: Place) -> Said:
    """Hours with a point, where neither decimal nor date is possible: 9.00-13.00, 20.30."""
    if not place.bare or place.inside:
        return None
    match = _POINTS.match(place.text, place.at)
    if not match or _counts(place.text, match.end()) or not _is_an_hour(place, match):
        return None
    return _said(place, match, "second")


def bare_hour(place: Place) -> Said:
    """Whole hours behind שעה or words of opening: בשעה 9, פתוח 9-17; not a number that counts a noun."""
    if not place.bare:
        return None
    match = _BARE.match(place.text, place.at)
    at_hour = _AT.search(place.before) if match else None
    if not match or not (at_hour or _is_opening(place, match)):
        return None
    if at_hour and match["second"] and not at_hour["many"] and match["between"].strip().startswith("ל"):
        match = (
            re.compile(_bare("first") + "(?P<between>(?!))?(?P<second>(?!))?").match(place.text, place.at)
            or match
        )
    if not _counts(place.text, match.end()):
        return _said(place, match, "second")
    if not match["second"] or not at_hour:
        return None
    end = match.start("between")
    return place.prefix + _said_once(_Hour.read(match, "first"), place, end), end


def _is_opening(place: Place, match: re.Match[str]) -> bool:
    """A range of opening hours, or one from morning to afternoon: מ-9 עד 17."""
    if not match["second"] or _counts(place.text, match.end()) or _OF_A_MONTH.match(place.text, match.end()):
        return False
    first, second = int(match["first"]), int(match["second"])
    if _OPEN.search(place.before) and not place.prefix.endswith("ה"):
        return 4 < first and first != second
    until = re.compile(_UNTIL).fullmatch(match["between"])
    day = 5 <= first <= _NOON < second and not match["first_minute"] and not match["second_minute"]
    return (
        bool(until)
        and day
        and place.prefix in ("מ", "ומ", "שמ")
        and not label_before(place.text, place.start)
    )


def _is_an_hour(place: Place, match: re.Match[str]) -> bool:
    minutes = [int(match[f"{name}_minute"]) for name in ("first", "second") if match[name]]
    no_month = any(minute == 0 or minute > 12 for minute in minutes)
    if _AT.search(place.before) or _is_in_list(place, match):
        return True
    if not no_month or any(minute % 5 for minute in minutes):
        return False
    begins_with_zero = match["first"].startswith("0") and len(match["first"]) == 2
    opens = _OPEN.search(place.before) is not None
    return bool(match["second"]) or begins_with_zero or opens or place.prefix[-1:] in ("ב", "מ")


def _is_in_list(place: Place, match: re.Match[str]) -> bool:
    """Whether an hour with a colon is beside it, or a list of figures that cannot all be dates."""
    before, behind = _LIST_BEFORE.search(place.before), _LIST_BEHIND.match(place.text, match.end())
    beside = (before[0] if before else "") + (behind[0] if behind else "")
    if not beside or (behind and _counts(place.text, behind.end())):
        return False
    minutes = re.findall(r"(?<=[.:])\d\d", beside + match[0])
    if any(int(minute) % 5 for minute in minutes):
        return False
    return ":" in beside or (
        _NEAR_HOURS.search(place.before) is not None and any(not 0 < int(minute) <= 12 for minute in minutes)
    )


def _counts(text: str, end: int) -> bool:
    return counted_at(text, end, label_before=True) is not None or BEHIND_SCALE.match(text, end) is not None


def _span(place: Place, match: re.Match[str]) -> Said:
    """A duration: 1:30 שעות is an hour and a half."""
    hours, minute = int(match["first"]), int(match["first_minute"])
    hour = UNITS["שע'"]
    one = hour.one if hours == 1 else "שעתיים" if hours == 2 else f"{cardinal(hours)} {hour.few}"
    parts = {0: "", 15: " ורבע", 30: " וחצי", 45: " ושלושת רבעי"}
    past = parts.get(minute, f" ו{cardinal(minute, before_noun=True)} דקות")
    behind = _SPAN.match(place.text, match.end())
    return f"{place.prefix}{one}{past}", behind.end() if behind else match.end()


def _said(place: Place, match: re.Match[str], second: str) -> Said:
    first = _Hour.read(match, "first")
    if not match[second]:
        return place.prefix + _said_once(first, place, match.end()), match.end()
    return place.prefix + _said_twice(first, _Hour.read(match, second), place, match, second), match.end()


def _said_once(hour: _Hour, place: Place, end: int) -> str:
    words = hour_words(hour.hour, hour.minute)
    needed = hour.is_late_or_early and not _is_said(hour, place, end)
    return f"{words} {hour.part_of_day}".rstrip() if needed else words


def _said_twice(first: _Hour, second: _Hour, place: Place, match: re.Match[str], name: str) -> str:
    """Both ends of a range. A part of the day that they share is spoken once."""
    between = match["between" if name == "second" else "dash"]
    same_name = _on_clock(first.hour) == _on_clock(second.hour) and first.part_of_day != second.part_of_day
    parts = []
    for hour, end in ((first, _end_of_first(match)), (second, match.end())):
        needed = same_name or hour.is_late_or_early
        said = _is_said(hour, place, end)
        parts.append(f" {hour.part_of_day}".rstrip() if needed and not said else "")
    if first.part_of_day == second.part_of_day and parts[1]:
        parts[0] = ""
    between = between.rstrip("-") if between.strip(" -") else " עד "
    words = [hour_words(hour.hour, hour.minute) for hour in (first, second)]
    return words[0] + parts[0] + between + words[1] + parts[1]


def _end_of_first(match: re.Match[str]) -> int:
    groups = match.groupdict()
    return match.start("between") if groups.get("between") else match.start("dash")


def _is_said(hour: _Hour, place: Place, end: int) -> bool:
    """Whether the text around already names the part of the day of ``hour``."""
    said = (_PART_BEFORE.search(place.before), _PART_BEHIND.match(place.text, end))
    return any(any(word in match[0] for word in hour.words_of_its_part) for match in said if match)


def hour_words(hour: int, minute: int) -> str:
    """An hour in words, from 0:00 to 24:59."""
    if hour % 24 == minute == 0:
        return "חצות"
    now, following = _on_clock(hour), _on_clock(hour + 1)
    to_next = {40: "עשרים", 45: "רבע", 50: "עשרה", 55: "חמישה"}
    if minute in to_next:
        return f"{to_next[minute]} ל{following}"
    return now + _minutes_past(minute)


def _on_clock(hour: int) -> str:
    return cardinal((hour - 1) % _NOON + 1, Gender.FEMININE)


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
        case few if few <= _FEW:
            return f" ו{cardinal(few, before_noun=True)} דקות"
        case round_or_teen if round_or_teen <= 20:
            return f" ו{cardinal(round_or_teen)}" + ("" if round_or_teen == 20 else " דקות")
    return f" {cardinal(minute)}"
