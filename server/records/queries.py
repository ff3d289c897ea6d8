"""What is asked of the records: calls of a time, of a number, one with its turns. Functions of a connection::

database.run(WITHIN_S, lambda connection: calls_between(connection, begin, end), writes=False)
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, Select, or_, select

from server.records.facts import CallFacts, TurnFacts
from server.records.rows import call_of, key_of, number_key, turn_of
from server.records.tables import calls, lead_deliveries, lead_lines, turns

MOST_CALLS = 1000
_WAITING = (lead_deliveries.c.lead, lead_deliveries.c.payload)
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
    if exact := parts_of(connection, sid, most):
        return exact
    return _calls(connection, select(calls).where(calls.c.sid.startswith(sid, autoescape=True)), most)


def parts_of(connection: Connection, sid: str, most: int | None = None) -> list[CallFacts]:
    """The call ``sid`` and its parts, where it was taken up (F8)."""
    sid = key_of(sid)
    parts = or_(calls.c.sid == sid, calls.c.sid.startswith(sid + PART, autoescape=True))
    return _calls(connection, select(calls).where(parts), most)


def whole_sid(sid: str) -> str:
    """The CallSid of a part."""
    return sid.partition(PART)[0]


def lines_on_their_way(connection: Connection) -> Iterator[tuple[str, str]]:
    """(lead, JSON) of all that has not reached the office: lines, and whole leads."""
    for kept in (select(lead_lines.c.lead, lead_lines.c.line), select(*_WAITING).where(_WAITING[1] != "")):
        yield from ((lead, told) for lead, told in connection.execute(kept))


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
