"""``/calls``: past calls, searched, and those that go on now. ``/calls/<sid>``: one of them, turn by turn."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, jsonify, request, url_for
from werkzeug.exceptions import NotFound, ServiceUnavailable

from server.logs.one_line import in_one_line
from server.logs.rate_limited import RateLimitedLog
from server.office.business_hours import ISRAEL
from server.pages.calls_shown import day_in_words, midnight, part_of, row_of, who
from server.pages.calls_words import Words
from server.pages.guest import guest
from server.pages.live_calls import Live, LiveCalls
from server.pages.pages import Pages, render
from server.records.facts import CallFacts
from server.records.reading import CannotRead, Recorded
from server.records.search import BAD, RUNNING, Call, Found, Key, Wanted
from server.records.shown import day_of, minutes
from server.records.summary import ENDED

log = RateLimitedLog(logging.getLogger("agent"))  # a page asks again and again

PATIENCE_S = 1.0  # of somebody who searches: behind it they see how far it has come
MOST_TEXT = 200
MOST_TURNS = 30  # on a page
LAST_WORDS = 80
WEEK = 7


@dataclass(frozen=True)
class Asked:
    """What stands in the form."""

    q: str = ""
    when: str = ""
    begin: str = ""
    end: str = ""
    ended: str = ""
    bad: str = ""

    @property
    def query(self) -> dict[str, str]:
        """For a link that asks the same."""
        told = {"q": self.q, "when": self.when, "from": self.begin, "to": self.end}
        return {
            name: value for name, value in {**told, "ended": self.ended, "bad": self.bad}.items() if value
        }


class CallPages:
    """Any thread. ``records`` None: nothing is kept. ``beside``: links and commands of a part's event log."""

    def __init__(
        self,
        records: Recorded | None,
        live: LiveCalls,
        beside: Callable[[CallFacts], dict[str, str]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._records = records
        self._live = live
        self._beside = beside
        self._now = now

    # ---- the list

    def calls(self) -> Response:
        say, asked = _say(), asked_for(request.args)
        below = key_of(request.args.get("below", ""))
        try:
            found = self._search(wanted_by(asked, below, self._now()))
            live = None if below else self._live()
        except CannotRead as error:
            return cannot_read(error)
        return render(
            "pages/calls.html",
            say=say,
            asked=asked,
            rows=[row_of(*call, say) for call in found.calls],
            older=_page(asked, found.more),
            given_up=day_in_words(found.more.at.astimezone(ISRAEL), say)
            if found.given_up and found.more
            else "",
            further=below is not None,
            kept=self._records is not None,
            live=None if live is None else live_told(live, say, self._now()),
        )

    def live_now(self) -> Response:
        try:
            return jsonify(live_told(self._live(), _say(), self._now()))
        except CannotRead as error:
            log.warn("PAGE_RECORDS %s", error)
            return Response("the records cannot be read\n", 503, mimetype="text/plain")

    def _search(self, wanted: Wanted) -> Found:
        if self._records is None:
            return Found([])
        until = time.monotonic() + PATIENCE_S
        return self._records.search(wanted, patient=lambda: time.monotonic() < until)

    # ---- one call

    def call(self, sid: str) -> Response:
        say = _say()
        try:
            parts = self.parts(sid)
        except CannotRead as error:
            return cannot_read(error)
        first = _number(request.args.get("turn", ""))
        shown, following = turns_from(parts, first)
        beside = {one.sid: self._beside(one) for one, _ in parts}
        return render(
            "pages/call.html",
            say=say,
            sid=parts[0][0].sid,
            who=who(parts[-1][0], say),
            parts=[(part_of(*call, turns, say), beside[call[0].sid]) for call, turns in shown],
            timeline=url_for(".call_timeline", sid=sid) if any(beside.values()) and not first else "",
            first=first,
            following=following,
        )

    def parts(self, sid: str) -> list[Call]:
        """Raises NotFound, CannotRead."""
        found = self._records.parts(sid) if self._records and sid.isprintable() else []
        if not found:
            raise NotFound
        return found

    def parts_there(self, sid: str) -> list[Call]:
        """The same, for who has no page to say why not. Raises NotFound, ServiceUnavailable."""
        try:
            return self.parts(sid)
        except CannotRead as error:
            log.warn("PAGE_RECORDS %s", error)
            raise ServiceUnavailable from None


def add_calls(pages: Pages, views: CallPages) -> None:
    def calls() -> Response:
        return views.calls()

    def live_calls() -> Response:
        return views.live_now()

    def call(sid: str) -> Response:
        return views.call(sid)

    pages.add("/calls", calls, title=("שיחות", "Calls"))
    pages.add("/calls/live", live_calls, data=True)
    pages.add("/calls/<sid>", call)


# ---- what was asked for


def asked_for(args: Mapping[str, str]) -> Asked:
    """What of it can be: all else is as if nobody had asked."""
    ended, bad, when = (args.get(name, "") for name in ("ended", "bad", "when"))
    begin, end = (_day(args.get(name, "")) for name in ("from", "to"))
    return Asked(
        q=in_one_line(args.get("q", ""))[:MOST_TEXT],
        when=when if when in ("today", "yesterday", "week") and not (begin or end) else "",
        begin=begin,
        end=end,
        ended=ended if ended in {*ENDED, RUNNING} else "",
        bad=bad if bad in BAD else "",
    )


def wanted_by(asked: Asked, below: Key | None, now: datetime) -> Wanted:
    begin, end = _between(asked, now)
    return Wanted(asked.q, begin, end, asked.ended, asked.bad, below)


def _between(asked: Asked, now: datetime) -> tuple[datetime | None, datetime | None]:
    match asked.when:
        case "today":
            return midnight(now), None
        case "yesterday":
            return midnight(now, -1), midnight(now)
        case "week":
            return midnight(now, 1 - WEEK), None
    begin = day_of(asked.begin, ISRAEL) if asked.begin else None
    return begin, day_of(asked.end, ISRAEL) + timedelta(days=1) if asked.end else None


def _day(text: str) -> str:
    """As a date field has it; "": it is none."""
    try:
        day = day_of(text, ISRAEL)
    except ValueError:
        return ""
    return text if _is_plausible(day) else ""


def _is_plausible(moment: datetime) -> bool:
    """So that every zone has it."""
    return 2000 <= moment.year < 2200


def key_of(text: str) -> Key | None:
    """What ``_page`` has written; None: it is none."""
    at, _, sid = text.partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    sid = sid.replace("\0", "")
    return Key(moment, sid) if moment.tzinfo and sid and _is_plausible(moment) else None


def _page(asked: Asked, below: Key | None) -> str:
    """The link to it; "": there is none."""
    if below is None:
        return ""
    return url_for(".calls", **asked.query, below=f"{below.at.isoformat()}~{below.sid}")  # type: ignore[arg-type]


def _number(text: str) -> int:
    return min(int(text), 1_000_000) if text.isdecimal() and len(text) < 10 else 0


# ---- what is shown


def turns_from(parts: list[Call], first: int) -> tuple[list[tuple[Call, list[Any]]], int]:
    """The parts with those of their turns that stand on the page which begins with turn ``first`` of all; and
    with which the next page begins, 0: there is none. A part of which nothing is shown is left out.
    """
    shown, at, end = [], 0, first + MOST_TURNS
    for call, turns in parts:
        here = list(turns[max(0, first - at) : max(0, end - at)])
        if here or not first:
            shown.append(((call, turns), here))
        at += len(turns)
    return shown, end if at > end else 0


def live_told(live: Live, say: Words, now: datetime) -> dict[str, Any]:
    """For the template, and as JSON for the script that shows it anew."""
    count = len(live.calls)
    told = say("nobody now") if not count else say("one now") if count == 1 else say("many now", count)
    return {
        "told": told,
        "more": say("connecting", live.unknown) if live.unknown else "",
        "scope": say(live.scope),
        "calls": [_live_row(call, say, now) for call in live.calls],
    }


def _live_row(call: Call, say: Words, now: datetime) -> dict[str, Any]:
    facts, turns = call
    row = row_of(facts, turns, say)
    said = next((turn.caller for turn in reversed(turns) if turn.caller), "")
    seconds = max(0, int((now - facts.at).total_seconds()))
    return {
        "href": url_for(".call", sid=row.sid),
        "who": row.who,
        "since": say("since", row.time, minutes(seconds * 1000)),
        "said": in_one_line(said, LAST_WORDS),
    }


def _say() -> Words:
    return Words(guest().lang)


def cannot_read(error: CannotRead) -> Response:
    log.warn("PAGE_RECORDS %s", error)
    return render("pages/no_calls.html", 503, say=_say())
