"""What was kept is what is read, on both databases and through a line of a file; strange texts included."""

from dataclasses import fields
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from server.records.database import WITHIN_S, Database
from server.records.facts import CallFacts, Gap, TurnFacts
from server.records.queries import calls_named, turns_of
from server.records.rows import MOST, call_record, record_of, turn_record
from server.records.store import put
from server.records.tables import calls, turns
from tests.records import facts
from tests.records.facts import AT, CALL, TURN

NOW = datetime(2026, 11, 29, 11, tzinfo=UTC)


def kept(database: Database, call: CallFacts, turn: TurnFacts) -> tuple[list[CallFacts], list[TurnFacts]]:
    records = [call_record(call), turn_record(call.sid, turn)]

    def work(connection):
        connection.execute(calls.delete())
        connection.execute(turns.delete())
        put(connection, records, NOW)
        return calls_named(connection, records[0].sid), turns_of(connection, records[0].sid)

    return database.run(WITHIN_S, work)


def test_every_fact_has_its_columns() -> None:
    of_call = {field.name for field in fields(CallFacts)}
    assert set(calls.columns.keys()) == of_call | {"number", "left_number"}
    of_turn = {field.name for field in fields(TurnFacts)} - {"gap"}
    of_gap = {f"gap_{field.name}" for field in fields(Gap)}
    assert set(turns.columns.keys()) == of_turn | of_gap | {"sid", "kept_at"}


def test_what_was_kept_is_read(database: Database) -> None:
    assert kept(database, CALL, TURN) == ([CALL], [TURN])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=facts.calls, turn=facts.turns)
def test_whatever_was_said_is_kept_but_what_no_database_takes(database, call, turn) -> None:
    """A NUL, half of a character, a number beyond all counting: what is left of them is kept."""
    record, of_turn = call_record(call), turn_record(call.sid, turn)
    assert kept(database, call, turn) == ([record.call], [of_turn.turn])
    assert record_of(record.line) == record and record_of(of_turn.line) == of_turn


@pytest.mark.parametrize(
    "text", ["שלום", "a\x00b", "\ud800", "\u202e", "👩‍👩‍👧", "'; DROP TABLE agent_calls; --"]
)
def test_odd_texts(database: Database, text: str) -> None:
    [call], [turn] = kept(
        database, facts.call("CA1", summary=text, lead=((text, text),)), facts.turn(1, caller=text)
    )
    shown = text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert (call.summary, call.lead, turn.caller) == (shown, ((shown, shown),), shown)


def test_no_number_is_too_large(database: Database) -> None:
    [call], _ = kept(database, facts.call("CA1", duration_ms=2**70), TURN)
    assert call.duration_ms == MOST


def test_a_very_long_callsid_is_cut(database: Database) -> None:
    """An index of PostgreSQL's holds no more than 2700 bytes."""
    long = facts.call("CA" + "אב" * 5000)
    assert [call.sid[:4] for call in kept(database, long, TURN)[0]] == ["CAאב"]


def test_a_moment_is_the_same_in_every_zone(database: Database) -> None:
    local = AT.astimezone(ZoneInfo("Asia/Jerusalem"))
    [call], _ = kept(database, facts.call("CA1", at=local), TURN)
    assert call.at == AT and call.at.tzinfo is UTC


@pytest.mark.parametrize(
    "line", ["", "{", "{}", '{"sid": "CA1"}', '{"sid": "CA1", "call": {"sid": "CA1"', "null"]
)
def test_what_is_no_whole_record_is_said_to_be_none(line: str) -> None:
    with pytest.raises(ValueError):
        record_of(line)


def test_a_line_of_another_version_is_read(database: Database) -> None:
    """While a new program is rolled out: what it does not know is left out, the rest is as by default."""
    line = msgspec.json.encode(
        {"sid": "CA1", "new": 1, "call": {"sid": "CA1", "caller": "", "at": AT, "new": 2}}
    )
    assert record_of(line).call == CallFacts("CA1", "", AT)
