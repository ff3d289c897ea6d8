"""``/calls/<sid>/forget``: all that is kept of a call's caller is counted, and deleted when that is said."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from flask import Response, request
from sqlalchemy.exc import SQLAlchemyError

from server.logs.one_line import MAX_CHARACTERS, in_one_line
from server.pages.calls import cannot_read
from server.pages.calls_words import Words
from server.pages.guest import guest
from server.pages.pages import Pages, render
from server.pages.recordings import CallFiles
from server.records.facts import CallFacts
from server.records.forget import Known, Places, catch_up, forget, known_of, masked_alike, waiting
from server.records.migrations import Newer
from server.records.reading import CannotRead
from server.records.search import Call
from server.runtime.native_calls import Pool
from server.telephony.caller_number import number_to_call

log = logging.getLogger("agent")

PAGE = "pages/forget.html"
DISK_S = 10.0


class Forgetting:
    """Any thread. ``parts`` of a CallSid raises NotFound."""

    def __init__(self, places: Places, parts: Callable[[str], list[Call]], files: CallFiles) -> None:
        pool = Pool("what is kept of a caller", 1)
        self._places = replace(places, on_disk=lambda work: pool.run(DISK_S, work))
        self._parts = parts
        self._files = files

    def page(self, sid: str) -> Response:
        """What there is is found anew when it is to be deleted: no word of the form counts."""
        say = Words(guest().lang)
        try:
            number = number_of([call for call, _ in self._parts(sid)])
        except CannotRead as error:
            return cannot_read(error)
        if not number:
            return render(PAGE, say=say, sid=sid, number="")
        try:
            if request.method == "GET":
                return render(
                    PAGE, say=say, sid=sid, number=number, counts=_counts(known_of(number, self._places), say)
                )
            return self._forget(sid, number, say)
        except (SQLAlchemyError, OSError, Newer) as error:
            database = self._places.database
            why = database.why(error) if database else in_one_line(str(error), MAX_CHARACTERS)
            log.error("PAGE_FORGET_ERR call=%s %s", in_one_line(sid, MAX_CHARACTERS), why)
            return render(PAGE, 503, say=say, sid=sid, number=number, failed=True)

    def _forget(self, sid: str, number: str, say: Words) -> Response:
        """Raises what the database and the disk do."""
        catch_up(self._places)
        known = known_of(number, self._places)
        forget(known, self._places)
        self._files.drop()
        log.info("PAGE_FORGOT call=%s who=%s: %s", in_one_line(sid, MAX_CHARACTERS), guest().who, known)
        places = self._places
        left = bool(places.on_disk(lambda: waiting(number, known.sids, places.records_file)))
        alike = len(masked_alike(number, self._places))
        return render(
            PAGE,
            say=say,
            sid=sid,
            number=number,
            done=True,
            counts=_counts(known, say),
            left=left,
            alike=alike,
        )


def number_of(parts: Sequence[CallFacts]) -> str:
    """Whose all of it is: the number that called, if it is kept; else the one that was left; else nothing."""
    numbers = [call.caller for call in parts] + [dict(call.lead).get("phone", "") for call in parts]
    return next((found for number in numbers if (found := number_to_call(number))), "")


def add_forgetting(pages: Pages, views: Forgetting) -> None:
    def forget_caller(sid: str) -> Response:
        return views.page(sid)

    pages.add("/calls/<sid>/forget", forget_caller, ("GET", "POST"))


def _counts(known: Known, say: Words) -> list[tuple[int, str]]:
    turns = sum(len(turns) for _, turns in known.calls)
    counts = {
        "n calls": len(known.calls),
        "n turns": turns,
        "n leads": len(known.leads),
        "n files": len(known.files),
    }
    return [(count, say(name)) for name, count in counts.items()]
