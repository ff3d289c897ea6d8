"""Today and this week in figures, drawn on the server: for who has no Grafana."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Response
from sqlalchemy import Connection

from server.office.business_hours import ISRAEL
from server.pages.pages import Pages, render
from server.records.database import Database
from server.records.figures import Figures, figures_between, undelivered
from server.records.shown_he import count_he
from server.records.trouble import SLOW_MS

log = logging.getLogger("agent")

DAYS = 7
WITHIN_S = 4.0
WEEKDAYS = (
    ("שני", "Mon"),
    ("שלישי", "Tue"),
    ("רביעי", "Wed"),
    ("חמישי", "Thu"),
    ("שישי", "Fri"),
    ("שבת", "Sat"),
    ("ראשון", "Sun"),
)
ENDED = {
    "caller": ("המתקשר ניתק", "the caller hung up"),
    "agent": ("הסוכן סיים", "the agent ended it"),
    "transfer": ("הועברה לנציג", "handed over"),
    "drained": ("השרת עמד להיעצר", "the server was about to end"),
    "cut": ("נקטעה: השרת נעצר", "cut: the server ended"),
    "stalled": ("הקו לא התנהג כקו", "the line behaved as none"),
    "lost": ("החיבור אבד", "the connection was lost"),
    "failed": ("תקלה שלנו", "a failure of ours"),
    "": ("נמשכת, או נקטעה עם השרת", "goes on, or ended with its server"),
}
BAD_ENDS = frozenset({"cut", "stalled", "lost", "failed"})


@dataclass(frozen=True)
class Row:
    """A day; bars in percent of the longest."""

    day: date
    weekday: tuple[str, str]
    figures: Figures
    calls_bar: float
    gap_bar: float


@dataclass(frozen=True)
class Overview:
    today: Figures
    week: Figures
    rows: tuple[Row, ...]  # the latest first
    undelivered: int


def add_overview(
    pages: Pages, database: Database | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> None:
    """``database``: not the one that records are written by, which would wait for its reader."""

    def overview() -> Response:
        if database is None:
            return render("pages/overview.html", found=None, problem="none", **SHOWN)
        try:
            found = database.run(WITHIN_S, lambda connection: read(connection, now()), writes=False)
        except Exception as error:
            log.warning("PAGE_ERR overview: the records do not answer: %s", database.why(error))
            return render("pages/overview.html", 503, found=None, problem="away", **SHOWN)
        return render("pages/overview.html", found=found, problem="", **SHOWN)

    pages.add("/overview", overview, title=("מבט כללי", "Overview"))


def read(connection: Connection, now: datetime) -> Overview:
    """By days of Israel's time. Raises what a database does."""
    today = now.astimezone(ISRAEL).date()
    days = [today - timedelta(days=back) for back in range(DAYS)]
    of_days = [
        figures_between(connection, _midnight(day), _midnight(day + timedelta(days=1))) for day in days
    ]
    week = figures_between(connection, _midnight(days[-1]), _midnight(today + timedelta(days=1)))
    most = max(1, *(figures.calls for figures in of_days))
    longest = max(1, *(figures.gap_p95_ms or 0 for figures in of_days))
    rows = tuple(
        Row(
            day,
            WEEKDAYS[day.weekday()],
            figures,
            round(100 * figures.calls / most, 1),
            round(100 * (figures.gap_p95_ms or 0) / longest, 1),
        )
        for day, figures in zip(days, of_days, strict=True)
    )
    return Overview(of_days[0], week, rows, sum(undelivered(connection).values()))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ISRAEL)


def _seconds(ms: int | None) -> str:
    return "–" if ms is None else f"{ms / 1000:.2f}"


def _ends(figures: Figures) -> list[tuple[str, tuple[str, str], int]]:
    """How, in words, how many: the most first; a word of a later version stays as it is."""
    by_count = sorted(figures.ended.items(), key=lambda one: -one[1])
    return [(how, ENDED.get(how, (how, how)), count) for how, count in by_count]


def _interrupted(times: int) -> tuple[str, str]:
    """How often the agent was, in Hebrew and in English."""
    en = {0: "was not interrupted", 1: "was interrupted once"}.get(times, f"was interrupted {times} times")
    how_often = count_he(times, "פעם אחת", "פעמים", "")
    he = f"הסוכן נקטע {how_often}" if times else "הסוכן לא נקטע"
    return he, f"The agent {en}"


SHOWN: dict[str, Any] = {
    "seconds": _seconds,
    "ends": _ends,
    "interrupted": _interrupted,
    "bad_ends": BAD_ENDS,
    "long_gap_ms": SLOW_MS,
}
