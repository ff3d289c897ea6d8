"""Calls of a time, one with its turns, those of a number however it is written."""

from datetime import timedelta

import pytest

from server.records.database import WITHIN_S, Database
from server.records.facts import CallFacts
from server.records.queries import calls_between, calls_named, calls_of_number, turns_of
from server.records.rows import Record, call_record, turn_record
from server.records.store import put
from tests.records.facts import AT, call, turn

HOUR = timedelta(hours=1)
GOOD = call("CAgood", worst_gap_ms=900, lead=())


def keep(database: Database, *records: Record) -> None:
    database.run(WITHIN_S, lambda c: put(c, records, AT))


def names(calls: list[CallFacts]) -> list[str]:
    return [call.sid for call in calls]


def test_calls_between_two_times_the_latest_first(database: Database) -> None:
    keep(database, *(call_record(call(f"CA{hour}", at=AT + hour * HOUR)) for hour in range(5)))
    found = database.run(WITHIN_S, lambda c: calls_between(c, AT + HOUR, AT + 4 * HOUR))
    assert names(found) == ["CA3", "CA2", "CA1"]
    assert names(database.run(WITHIN_S, lambda c: calls_between(c, AT, AT + 9 * HOUR, most=2))) == [
        "CA4",
        "CA3",
    ]


def test_a_call_by_the_beginning_of_its_sid_and_its_turns_in_their_order(database: Database) -> None:
    of_calls = [call_record(call(sid)) for sid in ("CA12", "CA123", "CA123@37s", "CA_23", "CA%")]
    keep(database, *of_calls, *(turn_record("CA12", turn(number)) for number in (3, 1, 2)))
    assert names(database.run(WITHIN_S, lambda c: calls_named(c, "CA12"))) == ["CA12"]
    assert names(database.run(WITHIN_S, lambda c: calls_named(c, "CA1"))) == ["CA12", "CA123", "CA123@37s"]
    assert names(database.run(WITHIN_S, lambda c: calls_named(c, "CA123"))) == ["CA123", "CA123@37s"]
    assert names(database.run(WITHIN_S, lambda c: calls_named(c, "CA_"))) == ["CA_23"]
    assert names(database.run(WITHIN_S, lambda c: calls_named(c, "CB"))) == []
    assert database.run(WITHIN_S, lambda c: turns_of(c, "CA12")) == [turn(1), turn(2), turn(3)]


@pytest.mark.parametrize("number", ["+972501234567", "050-1234567", "972 50 123 4567", "+972 (0)50-1234567"])
def test_calls_of_a_number_however_it_is_written(database: Database, number: str) -> None:
    keep(
        database,
        call_record(call("CAfrom", caller="+972501234567", lead=())),
        call_record(call("CAleft", caller="", lead=(("phone", "0501234567"),))),
        call_record(call("CAother", caller="+972501234568", lead=())),
    )
    assert names(database.run(WITHIN_S, lambda c: calls_of_number(c, number))) == ["CAfrom", "CAleft"]


@pytest.mark.parametrize("number", ["", "anonymous", "-"])
def test_a_hidden_number_is_nobodys(database: Database, number: str) -> None:
    keep(database, call_record(call("CA1", caller="", lead=())))
    assert database.run(WITHIN_S, lambda c: calls_of_number(c, number)) == []
