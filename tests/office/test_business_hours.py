"""Rule F3: when there is a person to hand over to: weekly hours in Israel's time, holidays, summer time."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.config import load_config
from server.office.business_hours import DAYS, ISRAEL, OfficeHours, Window
from server.office.transfer import availability
from tests.serving import ROOT

USUAL = "Sun-Thu 09:00-18:00, Fri 09:00-13:00"
AROUND_THE_CLOCK = "Sun-Sat 00:00-24:00"


def israel(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=ISRAEL, fold=fold)


def change(hours, text):
    """The next change after a time in Israel, as a clock in Israel shows it; None: there is none."""
    found = hours.next_change(israel(text))
    return found and found.astimezone(ISRAEL).strftime("%Y-%m-%d %H:%M")


# ---- reading


NINE_TO_SIX, MORNING = Window(540, 1080), Window(540, 780)


@pytest.mark.parametrize(
    "text",
    [
        USUAL,
        " sun - thu 9-18 ; FRI 9:00-13:00 ",
        "Sunday–Thursday 09:00–18:00, Friday 09:00–13:00",
        "Fri 9-13, Sun 9-18, Mon-Wed 9-18, Thurs 9-18",
        "א'-ה' 09:00-18:00, ו' 09:00-13:00",
        "א׳–ה׳ 09:00–18:00, ו׳ 09:00–13:00",
        "ימים א-ה 9:00-18:00; יום ו 9:00-13:00",
        "ראשון-חמישי 09:00-18:00, שישי 09:00-13:00",
        "יום ראשון - יום חמישי 09:00-18:00, יום שישי 09:00-13:00",
        "\u200fא'\u2011ה' \u200e09:00\u05be18:00, ו' 09:00-13:00,",
    ],
)
def test_f3_the_same_hours_written_in_many_ways(text):
    """F3: English or Hebrew days, any dash, invisible marks of a copied text."""
    assert OfficeHours.parse(text).week == (*[(NINE_TO_SIX,)] * 5, (MORNING,), ())


def test_f3_two_windows_a_day_and_days_around_the_weekend():
    """F3: a break at noon; Fri-Sun is Friday, Saturday, Sunday."""
    week = OfficeHours.parse("Mon 9-13, Mon 16-19:30, Fri-Sun 20-24, שבת 0-1").week
    assert week[1] == (Window(540, 780), Window(960, 1170))
    assert [bool(week[day]) for day in range(7)] == [True, True, False, False, False, True, True]
    assert week[6] == (Window(1200, 1440), Window(0, 60))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("always", "'always' must be like Sun-Thu 09:00-18:00"),
        ("24/7", "'24/7' must be like Sun-Thu 09:00-18:00"),
        ("Sun, Mon 9-18", "'Sun' must be like"),
        ("Sux 9-18", "'Sux' is no day: they are Sun … Sat, or א' … ש'"),
        ("Su 9-18", "'Su' is no day"),
        ("ח' 9-18", '"ח\'" is no day'),
        ("Sun-Mon-Tue 9-18", "'Sun-Mon-Tue' must be a day or two with a dash between them"),
        ("Sun 9:60-18", "'9:60' is no time of day: they are 00:00 to 24:00"),
        ("Sun 9-24:01", "'24:01' is no time of day"),
        ("Sun 9-118", "'118' is no time of day"),
        ("Sun 9:5-18", "'9:5' is no time of day"),
        ("Sun 9-9", "'Sun 9-9' must end after it begins"),
        ("Thu 20-02", "past midnight is two: Thu 20:00-24:00, Fri 00:00-02:00"),
    ],
)
def test_f3_what_cannot_be_read_is_said_clearly(text, says):
    """F3: what is wrong, and what it should be like."""
    with pytest.raises(ValueError) as refused:
        OfficeHours.parse(f"{USUAL}, {text}")
    assert says in str(refused.value)


@settings(max_examples=50)
@given(st.text("SunThuא'ה 0123456789:-,;", max_size=30) | st.text(max_size=30))
def test_f3_any_text_is_hours_or_refused(text):
    """F3: nothing else is raised."""
    try:
        assert len(OfficeHours.parse(text).week) in (0, len(DAYS))
    except ValueError as refused:
        assert str(refused)


# ---- open?


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-11-22 08:59:59", False),  # a Sunday
        ("2026-11-22 09:00", True),
        ("2026-11-22 17:59:59", True),
        ("2026-11-22 18:00", False),
        ("2026-11-26 17:00", True),  # Thursday
        ("2026-11-27 12:59", True),  # Friday
        ("2026-11-27 13:00", False),
        ("2026-11-28 10:00", False),  # Shabbat
    ],
)
def test_f3_an_israeli_week(at, is_open):
    """F3: Sunday is a day of work and Shabbat is not."""
    hours = OfficeHours.parse(USUAL)
    assert hours.is_open(israel(at)) is is_open
    assert hours.is_open(israel(at).astimezone(UTC)) is is_open


def test_f3_without_hours_it_is_always_open():
    """F3: also on holidays; there is no next change."""
    hours = OfficeHours.parse("  ")
    assert hours.is_open(israel("2026-09-21 03:00"))
    assert hours.next_change(israel("2026-09-21 03:00")) is None


def test_f3_shabbat_can_be_listed():
    """F3: an office of its own customs."""
    assert OfficeHours.parse("ש' 20:00-23:00").is_open(israel("2026-11-28 21:00"))


# ---- holidays


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-04-02", "Pesach"),
        ("2026-04-08", "the seventh day of Pesach"),
        ("2026-04-22", "Independence Day"),
        ("2026-05-22", "Shavuot"),
        ("2026-09-13", "the second day of Rosh Hashanah"),
        ("2026-09-21", "Yom Kippur"),
        ("2027-10-16", "Sukkot"),
        ("2027-10-23", "Simchat Torah"),
    ],
)
def test_f3_closed_on_a_holiday(day, name):
    """F3: all day, and without the knob it is a day like others."""
    hours = OfficeHours.parse(AROUND_THE_CLOCK)
    moments = [israel(f"{day} {clock}") for clock in ("00:00", "10:00", "23:59")]
    assert not any(map(hours.is_open, moments)), name
    assert all(map(OfficeHours.parse(AROUND_THE_CLOCK, holidays=False).is_open, moments))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2026-04-05", "between the days of Pesach"),
        ("2026-09-29", "between the days of Sukkot"),
        ("2026-03-03", "Purim"),
        ("2026-12-07", "Hanukkah"),
        ("2026-07-23", "Tisha B'Av"),
        ("2026-11-09", "Sigd"),
    ],
)
def test_f3_open_on_days_that_have_a_name_and_are_worked(day, name):
    """F3: optional holidays and those of schools."""
    assert OfficeHours.parse(USUAL).is_open(israel(f"{day} 17:00")), name


@pytest.mark.parametrize(
    ("text", "closes"),
    [
        (USUAL, "13:00"),
        ("Sun-Thu 09:00-18:00", "13:00"),
        ("Sun-Thu 09:00-18:00, Fri 08:00-11:00, Fri 11:30-14:30", "14:30"),
        ("Sun-Thu 09:00-12:00, Fri 09:00-13:00", "12:00"),
        (AROUND_THE_CLOCK, "24:00"),
    ],
)
def test_f3_on_the_eve_it_closes_as_on_fridays(text, closes):
    """F3: the eve of Yom Kippur 2026 is a Sunday; an office that knows no early end has none."""
    expected = "2026-09-20 " + closes if closes != "24:00" else "2026-09-21 00:00"
    assert change(OfficeHours.parse(text), "2026-09-20 10:00") == expected


def test_f3_on_the_eve_what_begins_later_does_not_begin():
    """F3: the evening's window of that day."""
    hours = OfficeHours.parse("Sun-Thu 09:00-12:00, Sun-Thu 16:00-20:00")
    assert not hours.is_open(israel("2026-09-20 17:00"))
    assert hours.is_open(israel("2026-09-22 17:00"))


# ---- the next change


@pytest.mark.parametrize(
    ("at", "next_change"),
    [
        ("2026-11-22 03:00", "2026-11-22 09:00"),
        ("2026-11-22 09:00", "2026-11-22 18:00"),
        ("2026-11-22 18:00", "2026-11-23 09:00"),
        ("2026-11-27 13:00", "2026-11-29 09:00"),  # over Shabbat
        ("2026-09-10 18:00", "2026-09-11 09:00"),
        ("2026-09-11 14:00", "2026-09-14 09:00"),  # over Shabbat and both days of Rosh Hashanah
    ],
)
def test_f3_the_next_change(at, next_change):
    """F3: a call that lasts over it hears of it."""
    assert change(OfficeHours.parse(USUAL), at) == next_change


def test_f3_windows_that_touch_are_one():
    """F3: past midnight is written as two."""
    hours = OfficeHours.parse("Tue 20:00-24:00, Wed 00:00-02:00, Wed 01:00-03:00")
    assert change(hours, "2026-11-24 21:00") == "2026-11-25 03:00"


def test_f3_an_office_around_the_clock_changes_with_holidays_only():
    """F3: and without them never."""
    assert change(OfficeHours.parse(AROUND_THE_CLOCK), "2026-09-15 10:00") == "2026-09-21 00:00"
    assert change(OfficeHours.parse(AROUND_THE_CLOCK, holidays=False), "2026-09-15 10:00") is None


@pytest.mark.parametrize(("day", "hours_of_day"), [("2026-03-27", 23), ("2026-10-25", 25)])
def test_f3_summer_time(day, hours_of_day):
    """F3: the days on which it begins and ends; the office opens when the clock says so."""
    hours = OfficeHours.parse("Sun-Sat 09:00-10:00", holidays=False)
    midnight = israel(f"{day} 00:00").astimezone(UTC)
    opens = hours.next_change(midnight)
    assert change(hours, f"{day} 00:00") == f"{day} 09:00"
    assert opens - midnight == timedelta(hours=9 + hours_of_day - 24)
    assert hours.next_change(opens) - opens == timedelta(hours=1)


def test_f3_an_hour_that_the_clock_shows_twice_counts_once():
    """F3: 01:30 comes twice on 25 October 2026; the office closes with the first."""
    hours = OfficeHours.parse("Sun 00:00-01:30")
    assert hours.is_open(israel("2026-10-25 01:29"))
    assert not hours.is_open(israel("2026-10-25 01:29", fold=1))


windows = st.lists(
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda ends: ends[0] < ends[1]), max_size=3
)
weeks = st.lists(windows.map(lambda ends: tuple(Window(*both) for both in ends)), min_size=7, max_size=7)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
clock_changes = st.builds(
    lambda day, minutes: datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes),
    st.sampled_from(["2026-03-26", "2026-10-24"]),
    st.integers(0, 2880),
)


@settings(max_examples=60)
@given(weeks, st.booleans(), moments | clock_changes, st.lists(st.integers(0, 999), max_size=8))
def test_f3_nothing_changes_before_the_next_change(week, holidays, at, thousandths):
    """F3: is_open is constant until then, and is the opposite then."""
    hours = OfficeHours(tuple(week), holidays)
    now_open, then = hours.is_open(at), hours.next_change(at)
    until = then or at + timedelta(days=300)
    probes = [at + (until - at) * part // 1000 for part in thousandths]
    assert all(hours.is_open(probe) == now_open for probe in probes)
    if then is not None:
        assert then > at
        assert hours.is_open(then) is not now_open
        assert hours.is_open(max(at, then - timedelta(seconds=1))) == now_open


# ---- a person


def person(**knobs):
    return availability(load_config(_env_file=None, **knobs))


def test_f3_a_person_needs_a_number_and_an_open_office():
    """F3: what the call's shell asks at its start, and when to ask again."""
    somebody = person(transfer_number="+97231234567", office_hours=USUAL)
    opening = israel("2026-11-22 08:59:30")
    assert not somebody.person_available(opening)
    assert somebody.seconds_to_change(opening) == 30
    assert somebody.person_available(opening + timedelta(seconds=30))
    assert somebody.seconds_to_change(opening + timedelta(seconds=30)) == 9 * 3600


def test_f3_without_a_number_nobody_ever_answers():
    """F3: whatever the hours."""
    nobody = person(office_hours=USUAL)
    assert not nobody.person_available(israel("2026-11-22 10:00"))
    assert nobody.seconds_to_change(israel("2026-11-22 10:00")) is None


def test_f3_without_hours_the_person_always_answers():
    """F3: as before there were hours."""
    always = person(transfer_number="+97231234567")
    assert always.person_available(israel("2026-09-21 03:00"))
    assert always.seconds_to_change(israel("2026-09-21 03:00")) is None


def test_f3_holidays_are_a_knob():
    """F3: OFFICE_HOLIDAYS=false."""
    knobs = {"transfer_number": "+97231234567", "office_hours": USUAL}
    yom_kippur = israel("2026-09-21 10:00")
    assert not person(**knobs).person_available(yom_kippur)
    assert person(**knobs, office_holidays=False).person_available(yom_kippur)


# ---- machines


def test_f3_a_machine_without_time_zones_of_its_own():
    """F3: slim images have none; the tzdata package has them."""
    script = (
        "from server.office.business_hours import *; import zoneinfo; assert zoneinfo.TZPATH == ();"
        "print(OfficeHours.parse('Sun 9-18').is_open(datetime(2026, 7, 5, 6, tzinfo=UTC)))"
    )
    environment = os.environ | {"PYTHONTZPATH": ""}
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "True\n"


def test_f3_the_library_knows_years_to_come():
    """F3: Yom Kippur is on a weekday of autumn in each of them."""
    for year in range(2026, 2060):
        closed = [
            day
            for days in range(60)
            if not OfficeHours.parse(AROUND_THE_CLOCK).is_open(
                israel(str(day := date(year, 9, 1) + timedelta(days)) + " 12:00")
            )
        ]
        assert len(closed) in (4, 5), (year, closed)
