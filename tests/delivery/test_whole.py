"""When a lead is whole, what is one, and its document."""

import json
from datetime import timedelta
from typing import Any

import pytest

from server.delivery.whole import (
    FOLLOWED,
    SETTLED,
    SUMMARISED,
    LeadLines,
    document,
    is_lead,
    letter,
    whole_at,
)
from tests.delivery.world import LONGEST, START, line

LATER = timedelta(minutes=2)


def found(*lines: dict[str, Any]) -> LeadLines:
    """The first came at START, the last LATER."""
    return LeadLines("CA1", lines, tuple(range(len(lines))), START, START + LATER)


RANG, DETAIL = line("rang"), line("detail", name="דנה", phone="0521234567")
ENDED = line("call", ended="caller", name="דנה", phone="0521234567", duration_s=63.2, turns=4)
MISSED = line("missed", missed="no_answer")
LOST, GOES_ON = line("call", ended="lost", missed="failed"), line("goes_on")

WHOLE = {
    "over": ((RANG, DETAIL, ENDED), LATER + SETTLED),
    "said goodbye": ((RANG, DETAIL, ENDED | {"ended": "agent"}), LATER + SETTLED),
    "put through: the telephone rings": ((RANG, DETAIL, ENDED | {"ended": "transfer"}), LATER + FOLLOWED),
    "broken off: Twilio will ask": ((RANG, DETAIL, ENDED | {"ended": "lost"}), LATER + FOLLOWED),
    "busy: Twilio may ask again": ((line("missed", missed="busy"),), LATER + FOLLOWED),
    "killed, and a webhook noticed": ((RANG, DETAIL, MISSED), LATER + FOLLOWED),
    "killed, or it goes on": ((RANG, DETAIL), LONGEST),
    "only rang": ((RANG,), LONGEST),
    "broken off, and taken up (F8)": ((RANG, LOST, GOES_ON), LONGEST),
    "taken up, before its broken socket was known for one": ((RANG, GOES_ON, LOST), LONGEST),
    "taken up, and over": ((RANG, LOST, GOES_ON, ENDED), LATER + SETTLED),
    "killed, taken up, and over": ((RANG, GOES_ON, ENDED), LATER + SETTLED),
    "taken up, and broken off again": ((RANG, LOST, GOES_ON, LOST), LATER + FOLLOWED),
    "taken up, killed, and a webhook noticed": ((RANG, LOST, GOES_ON, MISSED), LATER + FOLLOWED),
    "without a CallSid": ((line("detail", "", name="דנה"),), LATER),
}


@pytest.mark.parametrize(("lines", "after"), WHOLE.values(), ids=WHOLE)
def test_b3_when_nothing_will_come_any_more(lines: tuple[dict[str, Any], ...], after: timedelta) -> None:
    assert whole_at(found(*lines), LONGEST, summarised=False) == START + after


def test_the_llms_summary_is_waited_for_but_not_for_ever() -> None:
    summary = line("summary", summary="דנה רוצה דירה בחיפה")
    assert whole_at(found(RANG, ENDED), LONGEST, summarised=True) == START + LATER + SUMMARISED
    assert whole_at(found(RANG, ENDED, summary), LONGEST, summarised=True) == START + LATER + SETTLED
    silent = line("call", ended="caller", missed="no_word")
    assert whole_at(found(RANG, silent), LONGEST, summarised=True) == START + LATER + SETTLED
    assert document(found(RANG, ENDED, summary), START)["summary"] == "דנה רוצה דירה בחיפה"
    assert "summary" not in document(found(RANG, ENDED, summary), START)["details"]


LEADS = {
    "details": ((RANG, ENDED), True),
    "missed": ((RANG, line("call", ended="caller", missed="no_word")), True),
    "details, put through": ((RANG, DETAIL, line("call", ended="transfer", name="דנה")), True),
    "put through, nothing left": ((RANG, line("call", ended="transfer")), False),
    "put through, not answered": ((RANG, line("call", ended="transfer"), MISSED), True),
    "only rang": ((RANG,), True),
    "killed twice (F8)": ((RANG, GOES_ON), True),
    "we called, nobody came": ((line("rang", outbound=True),), False),
}


@pytest.mark.parametrize(("lines", "is_one"), LEADS.values(), ids=LEADS)
def test_newcomer_4_what_is_a_lead(lines: tuple[dict[str, Any], ...], is_one: bool) -> None:
    assert is_lead(found(*lines).call) is is_one


def test_the_document_of_the_page_is_the_one_that_is_sent() -> None:
    """Every field of docs/leads.md, and no other."""
    from tests.delivery.verification import PAGE

    text = PAGE.read_text("utf-8").partition("```json\n")[2].partition("```")[0]
    told = json.loads(text)
    details = {"name": "דנה", "city": "חיפה", "phone": "0521234567"}
    at = {"at": "2026-12-01T09:28:00+02:00"}
    lines = (line("detail", told["id"], **details), ENDED | at | details | {"call_sid": told["id"]})
    lead = LeadLines(told["id"], lines, (1, 2), START, START)
    sent = document(lead, START)
    assert sent == told and list(sent) == list(told)


def test_f11_a_hidden_number() -> None:
    hidden = {"caller": "", "hidden": True}
    sent = document(found(RANG | hidden, line("missed", missed="busy") | hidden), START)
    assert (sent["caller"], sent["hidden"], sent["phone"], sent["missed"]) == ("", True, "", "busy")
    assert sent["duration_s"] is None and sent["turns"] is None


@pytest.mark.parametrize("lines", [(RANG,), (RANG, GOES_ON)])
def test_who_only_rang_is_cut_off(lines: tuple[dict[str, Any], ...]) -> None:
    sent = document(found(*lines), START + LONGEST)
    assert (sent["missed"], sent["phone"]) == ("cut_off", "+972501112222")
    assert sent["summary"].startswith(sent["what_happened"].split(",")[0])


def test_the_letter_is_the_row_of_the_table() -> None:
    written = letter(found(RANG, DETAIL, ENDED), START)
    assert written["row"]["שם"] == "דנה" and written["row"]["טלפון"] == "052-1234567"
    assert written["summary"] == "נמסרו פרטים: דנה · 052-1234567."
