"""When the office answers the telephone: weekly hours in Israel's time, less its holidays. Now is given."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ISRAEL = ZoneInfo("Asia/Jerusalem")
DAY_MIN = 24 * 60
EVE_CLOSES_MIN = 13 * 60  # on the eve of a holiday, where Friday says nothing
MAX_DAYS = 400  # no office is closed for longer and opens again

DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
HEBREW_DAYS = ("ראשון", "שני", "שלישי", "רביעי", "חמישי", "שישי", "שבת")
HEBREW_LETTERS = "אבגדהוש"
SHORTEST_DAY = 3  # letters: Sun, Thu, Thurs, …
DASHES = re.compile("[‐-―־]")
ENTRY = re.compile(r"(?P<days>\D+?) *(?P<begin>[0-9:]+) *- *(?P<end>[0-9:]+)")
CLOCK = re.compile(r"([0-9]{1,2})(?::([0-9]{2}))?")


@dataclass(frozen=True)
class Window:
    """From ``begin_min`` until before ``end_min``, minutes after the day's midnight; 1440 is its end."""

    begin_min: int
    end_min: int


@dataclass(frozen=True)
class OfficeHours:
    """``week``: each day's windows, Sunday first; no day at all: always open. Immutable; any thread.

    With ``holidays`` the office is closed on Israel's public holidays (not on the days between the first
    and the last of Pesach and Sukkot), and on their eves it closes when it does on Fridays, else at 13:00.
    """

    week: tuple[tuple[Window, ...], ...] = ()
    holidays: bool = True

    @staticmethod
    def parse(text: str, holidays: bool = True) -> "OfficeHours":
        """Read ``Sun-Thu 09:00-18:00, Fri 09:00-13:00`` or ``א'-ה' 09:00-18:00``; empty: always open.

        Raises ValueError with what is wrong and what it should be like.
        """
        week: list[list[Window]] = [[] for _ in DAYS]
        entries = [entry for part in re.split("[,;]", _plain(text)) if (entry := part.strip())]
        for entry in entries:
            parsed = ENTRY.fullmatch(entry)
            if parsed is None:
                raise ValueError(f"{entry!r} must be like Sun-Thu 09:00-18:00 or א'-ה' 09:00-18:00")
            window = _window(entry, parsed["begin"], parsed["end"])
            for day in _days(parsed["days"]):
                week[day].append(window)
        return OfficeHours(tuple(map(tuple, week)) if entries else (), holidays)

    def is_open(self, at: datetime) -> bool:
        """``at`` knows its zone, whichever."""
        if not self.week:
            return True
        at = at.astimezone(UTC)
        return any(begin <= at < end for begin, end in self._intervals(at.astimezone(ISRAEL).date()))

    def next_change(self, at: datetime) -> datetime | None:
        """When the office opens or closes next after ``at``, in UTC; None: not within a year."""
        at = at.astimezone(UTC)
        today, now_open = at.astimezone(ISRAEL).date(), self.is_open(at)
        for days in range(MAX_DAYS if self.week else 0):
            intervals = self._intervals(today + timedelta(days))
            # Where two windows touch or overlap, the edge of one changes nothing.
            for edge in sorted({edge for interval in intervals for edge in interval}):
                if edge > at and self.is_open(edge) != now_open:
                    return edge
        return None

    def _intervals(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The day's windows in UTC. An hour that the clock shows twice means its first time."""
        closes_min = self._closes_min(day)
        for window in self._windows(day):
            end_min = min(window.end_min, closes_min)
            if window.begin_min < end_min:
                yield _moment(day, window.begin_min), _moment(day, end_min)

    def _windows(self, day: date) -> tuple[Window, ...]:
        return self.week[day.isoweekday() % len(DAYS)]

    def _closes_min(self, day: date) -> int:
        if self.holidays and _is_holiday(day):
            return 0
        if self.holidays and _is_holiday(day + timedelta(1)):
            friday = self.week[DAYS.index("friday")]
            return max((window.end_min for window in friday), default=EVE_CLOSES_MIN)
        return DAY_MIN


def _plain(text: str) -> str:
    """Without invisible marks, and with one kind of dash and of apostrophe."""
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return DASHES.sub("-", visible).replace("׳", "'").replace("’", "'")


def _days(text: str) -> Iterator[int]:
    """``Sun-Thu``, ``Fri``, ``א'-ה'``, ``ימים א-ה``: numbers of days, Sunday is 0; ``Fri-Sun`` goes round."""
    ends = [_day(word) for word in text.removeprefix("ימים").split("-")]
    if len(ends) > 2:
        raise ValueError(f"{text.strip()!r} must be a day or two with a dash between them")
    first, last = ends[0], ends[-1]
    return (number % len(DAYS) for number in range(first, first + (last - first) % len(DAYS) + 1))


def _day(text: str) -> int:
    word = text.strip().removeprefix("יום").strip().rstrip("'.").lower()
    for number, names in enumerate(zip(DAYS, HEBREW_DAYS, HEBREW_LETTERS, strict=True)):
        if word in names or (len(word) >= SHORTEST_DAY and names[0].startswith(word)):
            return number
    raise ValueError(f"{text.strip()!r} is no day: they are Sun … Sat, or א' … ש'")


def _window(entry: str, begin: str, end: str) -> Window:
    window = Window(_minutes(begin), _minutes(end))
    if window.begin_min >= window.end_min:
        raise ValueError(
            f"{entry!r} must end after it begins; past midnight is two: Thu 20:00-24:00, Fri 00:00-02:00"
        )
    return window


def _minutes(text: str) -> int:
    clock = CLOCK.fullmatch(text)
    hours, minutes = (int(clock[1]), int(clock[2] or 0)) if clock else (DAY_MIN, 0)
    if minutes >= 60 or hours * 60 + minutes > DAY_MIN:
        raise ValueError(f"{text!r} is no time of day: they are 00:00 to 24:00")
    return hours * 60 + minutes


def _moment(day: date, minutes: int) -> datetime:
    return (datetime.combine(day, time(), ISRAEL) + timedelta(minutes=minutes)).astimezone(UTC)


def _is_holiday(day: date) -> bool:
    return day in _holidays(day.year)


@lru_cache(maxsize=16)
def _holidays(year: int) -> frozenset[date]:
    import holidays  # only who closes on them waits for it

    return frozenset(holidays.country_holidays("IL", years=year, categories=holidays.PUBLIC))
