"""Figures of the calls of a time; leads that have not arrived."""

from datetime import timedelta

from server.delivery.outbox import LeadLines, Outbox
from server.records.database import WITHIN_S, Database
from server.records.facts import Gap
from server.records.figures import Figures, figures_between, undelivered
from server.records.rows import call_record, turn_record
from server.records.store import put
from tests.records.facts import AT, call, turn

HOUR = timedelta(hours=1)


def figures(database: Database) -> Figures:
    return database.run(WITHIN_S, lambda c: figures_between(c, AT - HOUR, AT + HOUR), writes=False)


def test_calls_how_they_ended_and_what_failed(database: Database) -> None:
    some = {"barge_ins": 2, "false_barge_ins": 1}
    records = [
        call_record(call("CA1", ended="caller", **some)),
        call_record(call("CA2", ended="caller", stt_errors=3, llm_errors=1, **some)),
        call_record(call("CA3", ended="lost", tts_errors=1)),
        call_record(call("CA4", ended="")),
        call_record(call("CAbefore", at=AT - 2 * HOUR)),
        call_record(call("CAbehind", at=AT + HOUR)),
    ]
    database.run(WITHIN_S, lambda c: put(c, records, AT))
    found = figures(database)
    assert (found.calls, found.failed) == (4, 2)
    assert found.ended == {"caller": 2, "lost": 1, "": 1}
    assert (found.barge_ins, found.false_barge_ins) == (4, 2)
    assert (found.stt_errors, found.llm_errors, found.tts_errors) == (3, 1, 1)


def test_the_median_and_the_95th_percentile_of_the_gaps_by_the_wall(database: Database) -> None:
    """Of turns without an answer there is none; of one without a time by the wall that of its frames."""
    gaps = [Gap(total_ms=100 * n, wall_ms=None if n == 1 else 100 * n + 5) for n in range(1, 21)]
    turns = [turn_record("CA1", turn(n, gap=gap)) for n, gap in enumerate(gaps)]
    turns.append(turn_record("CA1", turn(99, gap=None)))
    database.run(WITHIN_S, lambda c: put(c, turns, AT))
    database.run(WITHIN_S, lambda c: put(c, [turn_record("CA2", turn(1))], AT + 2 * HOUR))
    found = figures(database)
    assert (found.answers, found.gap_p50_ms, found.gap_p95_ms) == (20, 1105, 2005)


def test_of_a_time_without_calls(database: Database) -> None:
    assert figures(database) == Figures()


def test_leads_that_have_not_arrived(database: Database) -> None:
    outbox = Outbox(database)
    for lead in ("CA1", "CA2", "CA3"):
        outbox.settle(LeadLines(lead, (), (), AT, AT), {"webhook": "{}", "email": "{}"}, AT)
    arrived = outbox.claim("webhook", AT)
    assert arrived is not None
    outbox.sent(arrived, AT)
    given_up = outbox.claim("email", AT)
    assert given_up is not None
    outbox.park(given_up, "nobody there")
    found = database.run(WITHIN_S, undelivered, writes=False)
    assert found == {("webhook", "waiting"): 2, ("email", "waiting"): 2, ("email", "parked"): 1}
