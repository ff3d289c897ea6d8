"""What is asked of the records: calls of a time, of a number, one with its turns. Functions of a connection::

database.run(WITHIN_S, lambda connection: calls_between(connection, begin, end), writes=False)
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, or_, select

from server.records.facts import CallFacts, TurnFacts
from server.records.rows import call_of, key_of, number_key, turn_of
from server.records.tables import calls, turns

MOST_CALLS = 1000
PART = "@"  # behind the CallSid of one that was taken up: see ``StreamStarted.part``


def calls_between(
    connection: Connection,
    begin: datetime,
    end: datetime,
    *,
    most: int = MOST_CALLS,
) -> list[CallFacts]:
    """Those that began from ``begin`` on and before ``end``, the latest first."""
    return _calls(connection, select(calls).where(calls.c.at >= begin, calls.c.at < end), most)


def calls_named(connection: Connection, sid: str, most: int = MOST_CALLS) -> list[CallFacts]:
    """The call ``sid``, with its parts where it was taken up (F8); or those whose CallSid begins so."""
    sid = key_of(sid)
    parts = or_(calls.c.sid == sid, calls.c.sid.startswith(sid + PART, autoescape=True))
    if exact := _calls(connection, select(calls).where(parts), most):
        return exact
    return _calls(connection, select(calls).where(calls.c.sid.startswith(sid, autoescape=True)), most)


def calls_of_number(connection: Connection, number: str, most: int | None = MOST_CALLS) -> list[CallFacts]:
    """Who called from this number, or left it; in any spelling."""
    key = number_key(number)
    if not key:
        return []
    return _calls(
        connection, select(calls).where(or_(calls.c.number == key, calls.c.left_number == key)), most
    )


def turns_of(connection: Connection, sid: str) -> Sequence[TurnFacts]:
    """In their order."""
    of_it = select(turns).where(turns.c.sid == key_of(sid)).order_by(turns.c.number)
    return [turn_of(row) for row in connection.execute(of_it).mappings()]


def _calls(connection: Connection, wanted: Select[tuple[object, ...]], most: int | None) -> list[CallFacts]:
    ordered = wanted.order_by(calls.c.at.desc(), calls.c.sid).limit(most)
    return [call_of(row) for row in connection.execute(ordered).mappings()]
