"""The leads on their way, in the database: lines until a lead is whole, then a delivery for each channel.

lines --settle--> deliveries: waiting --claim--> (an attempt) --> sent | waiting, later | parked

All processes and hosts of a database share it. Whoever claims a delivery has it alone until CLAIM has passed;
who is killed meanwhile may have sent it, and it is sent once more with the same name.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Insert, Row, Table, delete, func, or_, select, update

from server.delivery.whole import LeadLines, lines_of
from server.records.database import insert_into
from server.records.rows import key_of
from server.records.tables import chores, lead_deliveries, lead_lines

T = TypeVar("T")

CLAIM = timedelta(seconds=90)  # longer than any attempt
KEPT = timedelta(days=30)  # the name of a lead that has arrived, so that it is never sent again
AT_ONCE = 200  # lines in one transaction
LEADS_AT_ONCE = 2000
SHOWN_ERROR_CHARS = 200
WORK_S = 5.0

FIRST_LEADS = "leads are sent"  # the chore whose moment is their first


class Database(Protocol):
    """What is used of ``server.records.database.Database``."""

    def run(self, within_s: float, work: Callable[[Connection], T], *, writes: bool = True) -> T: ...

    def why(self, error: Exception) -> str: ...


class State(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    PARKED = "parked"


@dataclass(frozen=True)
class Line:
    """One of LEADS_FILE. ``lead``: which it belongs to; ``at``: when it came."""

    lead: str
    text: str
    at: datetime

    @property
    def digest(self) -> str:
        return _digest(f"{self.lead}\n{self.text}")


@dataclass(frozen=True)
class Delivery:
    """A lead for a channel. ``attempts``: before this one."""

    lead: str
    channel: str
    payload: str
    attempts: int
    refusals: int
    made_at: datetime
    next_at: datetime
    state: State = State.WAITING
    last_error: str = ""


def lead_of(call_sid: str, text: str) -> str:
    """The name of the lead of a line: its CallSid; a line without one is a lead of its own.

    Of a stranger's, whatever its length, no more than an index holds: a line that is refused holds up all.
    """
    return key_of(call_sid) or f"line-{_digest(text)[:32]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


class Outbox:
    """Any thread. Every method is one transaction, blocks for WORK_S at most, raises what a database does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def why(self, error: Exception) -> str:
        """For the log."""
        return self._database.why(error)

    # ---- lines ----

    def add(self, lines: Sequence[Line]) -> None:
        """Keep them; one that is there already stays as it is."""
        rows = [{"digest": one.digest, "lead": one.lead, "line": one.text, "at": one.at} for one in lines]
        self._run(lambda connection: _insert_new(connection, lead_lines, rows, ["digest"]))

    def in_the_making(self) -> list[LeadLines]:
        """The leads whose lines are here, those first of which nothing has come for longest."""

        def work(connection: Connection) -> list[LeadLines]:
            oldest = (
                select(lead_lines.c.lead)
                .group_by(lead_lines.c.lead)
                .order_by(func.max(lead_lines.c.at))
                .limit(LEADS_AT_ONCE)
            )
            leads = connection.scalars(oldest).all()
            chosen = select(lead_lines).where(lead_lines.c.lead.in_(leads)).order_by(lead_lines.c.id)
            rows: dict[str, list[Row[Any]]] = {lead: [] for lead in leads}
            for row in connection.execute(chosen):
                rows[row.lead].append(row)
            return [_lines(lead, of_it) for lead, of_it in rows.items() if of_it]

        return self._run(work, writes=False)

    def settle(self, found: LeadLines, payloads: Mapping[str, str], now: datetime) -> bool:
        """The lead is whole: its lines become a delivery a channel. False: it was sent on its way before."""
        rows = [
            {
                "lead": found.lead,
                "channel": channel,
                "payload": payload,
                "state": State.WAITING,
                "attempts": 0,
                "refusals": 0,
                "made_at": now,
                "next_at": now,
                "last_error": "",
            }
            for channel, payload in payloads.items()
        ]

        def work(connection: Connection) -> bool:
            connection.execute(delete(lead_lines).where(lead_lines.c.id.in_(found.ids)))
            known = select(lead_deliveries.c.lead).where(lead_deliveries.c.lead == found.lead)
            if connection.execute(known).first() is not None:
                return False
            return not rows or _insert_new(connection, lead_deliveries, rows, ["lead", "channel"]) > 0

        return self._run(work)

    def since(self, now: datetime) -> datetime:
        """When leads were first to be sent: now, if never before. Those of before are nobody's to send."""

        def work(connection: Connection) -> datetime:
            _insert_new(connection, chores, [{"name": FIRST_LEADS, "at": now}], ["name"])
            found = select(chores.c.at).where(chores.c.name == FIRST_LEADS)
            first: datetime = connection.execute(found).scalar_one()
            return first

        return self._run(work)

    def known(self, leads: Sequence[str]) -> set[str]:
        """Which of these are deliveries already."""

        def work(connection: Connection) -> set[str]:
            found: set[str] = set()
            for start in range(0, len(leads), AT_ONCE):
                some = leads[start : start + AT_ONCE]
                chosen = select(lead_deliveries.c.lead).where(lead_deliveries.c.lead.in_(some))
                found.update(connection.scalars(chosen))
            return found

        return self._run(work, writes=False)

    # ---- deliveries ----

    def claim(self, channel: str, now: datetime) -> Delivery | None:
        """The delivery that is due and nobody else's; None: there is none."""
        table = lead_deliveries.c
        due = (
            table.channel == channel,
            table.state == State.WAITING,
            table.next_at <= now,
            or_(table.claimed_until.is_(None), table.claimed_until <= now),
        )

        def work(connection: Connection) -> Delivery | None:
            for row in connection.execute(
                select(lead_deliveries).where(*due).order_by(table.next_at).limit(5)
            ):
                mine = update(lead_deliveries).where(table.lead == row.lead, *due)
                if connection.execute(mine.values(claimed_until=now + CLAIM)).rowcount:
                    return _delivery(row)
            return None

        return self._run(work)

    def sent(self, delivery: Delivery, now: datetime) -> None:
        """It has arrived: its name stays, and nothing that the caller said."""
        self._mark(delivery, state=State.SENT, sent_at=now, payload="", last_error="")

    def again(self, delivery: Delivery, at: datetime, why: str, *, refused: bool) -> None:
        more = {"refusals": delivery.refusals + 1} if refused else {}
        self._mark(delivery, next_at=at, last_error=why[:SHOWN_ERROR_CHARS], **more)

    def park(self, delivery: Delivery, why: str) -> None:
        self._mark(delivery, state=State.PARKED, last_error=why[:SHOWN_ERROR_CHARS])

    def next_at(self, channel: str) -> datetime | None:
        """When the next delivery of the channel is due, claimed ones too; None: there is none."""
        table = lead_deliveries.c
        soonest = select(
            func.min(func.coalesce(table.claimed_until, table.next_at), type_=table.next_at.type)
        )
        waiting = soonest.where(table.channel == channel, table.state == State.WAITING)
        found: datetime | None = self._run(lambda connection: connection.scalar(waiting), writes=False)
        return found

    def undelivered(self) -> list[Delivery]:
        """All that has not arrived, the oldest first."""
        chosen = (
            select(lead_deliveries)
            .where(lead_deliveries.c.state != State.SENT)
            .order_by(lead_deliveries.c.made_at, lead_deliveries.c.channel)
        )
        return self._run(
            lambda connection: [_delivery(row) for row in connection.execute(chosen)], writes=False
        )

    def retry(self, now: datetime) -> int:
        """All that has not arrived is due now, as if it were new; how many."""
        table = lead_deliveries.c
        anew = {"state": State.WAITING, "attempts": 0, "refusals": 0, "made_at": now, "next_at": now}
        change = update(lead_deliveries).where(table.state != State.SENT).values(**anew)
        return self._run(lambda connection: connection.execute(change).rowcount)

    def forget(self, now: datetime) -> None:
        """The names of leads that arrived long ago."""
        old = delete(lead_deliveries).where(
            lead_deliveries.c.state == State.SENT, lead_deliveries.c.sent_at < now - KEPT
        )
        self._run(lambda connection: connection.execute(old))

    def _mark(self, delivery: Delivery, **values: Any) -> None:
        table = lead_deliveries.c
        this = (table.lead == delivery.lead, table.channel == delivery.channel, table.state == State.WAITING)
        change = update(lead_deliveries).where(*this)
        new = {"attempts": table.attempts + 1, "claimed_until": None, **values}
        self._run(lambda connection: connection.execute(change.values(**new)))

    def _run(self, work: Callable[[Connection], T], *, writes: bool = True) -> T:
        return self._database.run(WORK_S, work, writes=writes)


def _lines(lead: str, rows: Sequence[Row[Any]]) -> LeadLines:
    moments = [row.at for row in rows]
    texts = [row.line for row in rows]
    return LeadLines(lead, lines_of(texts), tuple(row.id for row in rows), min(moments), max(moments))


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.lead,
        row.channel,
        row.payload,
        row.attempts,
        row.refusals,
        row.made_at,
        row.next_at,
        State(row.state),
        row.last_error,
    )


def _insert_new(connection: Connection, table: Table, rows: list[dict[str, Any]], key: list[str]) -> int:
    """Those whose key is not there; how many."""
    new = insert_into(table, connection.dialect.name).on_conflict_do_nothing(index_elements=key)
    # SQLAlchemy keeps the count of an INSERT only where it is told to.
    made: Insert = new.execution_options(preserve_rowcount=True)
    return sum(connection.execute(made.values(row)).rowcount for row in rows)
