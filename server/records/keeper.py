"""How long records are kept: what is older than RECORDS_KEEP_DAYS is deleted, with its files."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, and_, or_, select

from server.event_log.files import delete_before
from server.logs.rate_limited import OnceIn
from server.records.database import WITHIN_S, Database, insert_into
from server.records.files import files_of
from server.records.rows import key_of
from server.records.store import utc_now
from server.records.tables import calls, chores, lead_deliveries, lead_lines, turns
from server.runtime.native_calls import Pool, Stuck
from server.runtime.threads import Runtime

log = logging.getLogger("agent")

EVERY = timedelta(hours=1)
LOOK_EVERY_S = 600.0
LEADS_TRIED = timedelta(days=30)  # no lead is tried for longer (LEADS_RETRY_HOURS)
AT_ONCE = 200  # calls in one transaction
DISK_S = 10.0
# The files of a call are on the disk of its host, which sees to them. One that is gone never will.
OF_ANOTHER_HOST = timedelta(days=1)


class Keeper:
    """Of one process. Those of a host share the work: one does it, once an hour."""

    def __init__(
        self,
        database: Database,
        keep_days: int,
        host: str,
        event_log_dir: str = "",
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """``keep_days``: 0: for ever."""
        self._database = database
        self._keep = timedelta(days=keep_days)
        self._host = host
        self._event_log_dir = event_log_dir
        self._now = now
        self._told = OnceIn(EVERY.total_seconds())

    def start(self, runtime: Runtime) -> None:
        """Look every ten minutes, on a thread of its own. Returns at once."""
        if self._keep:
            never = runtime.event()
            runtime.spawn("records-keeper", lambda: self._look(lambda: never.wait(LOOK_EVERY_S)))

    def _look(self, wait: Callable[[], bool]) -> None:
        while not wait():
            try:
                self.expire()
            except Exception as error:  # it is tried again, and the writer says that the database fails
                if self._told.due("expire"):
                    log.warning("RECORDS_ERR nothing old is deleted: %s", self._database.why(error))

    def expire(self) -> int:
        """Delete what is too old, if nobody of this host has within the hour: how many calls. Blocks."""
        now = self._now()
        claim = f"expire {self._host}"
        if not self._keep or not self._database.run(WITHIN_S, lambda c: claimed(c, claim, EVERY, now)):
            return 0
        before, deleted = now - self._keep, 0
        kept: set[str] = set()  # whose files cannot be deleted: the next time is tried again
        disk = Pool("the disk of the records", 1)
        expired = partial(self._expired, before=before, kept=kept)
        while batch := self._database.run(WITHIN_S, expired, writes=False):
            gone = [sid for sid, log in batch.items() if self._deletes(disk, log)]
            kept.update(batch.keys() - set(gone))
            self._database.run(WITHIN_S, lambda c, gone=gone: _delete_records(c, gone))  # type: ignore[misc]
            deleted += len(gone)
        self._database.run(WITHIN_S, lambda c: _delete_leftovers(c, before, now))
        if self._event_log_dir:  # logs without a record, and their days
            disk.run(DISK_S, delete_before, Path(self._event_log_dir), before.date())
        if deleted:
            log.info("RECORDS_EXPIRED calls=%d older than %d days", deleted, self._keep.days)
        return deleted

    def _deletes(self, disk: Pool, event_log: str) -> bool:
        try:
            disk.run(DISK_S, delete_files, self._event_log_dir, [event_log])
        except Stuck:  # so would each of the others
            raise
        except OSError as error:
            if self._told.due("file"):
                log.warning("RECORDS_ERR an old file cannot be deleted: %s", error)
            return False
        return True

    def _expired(self, connection: Connection, before: datetime, kept: set[str]) -> dict[str, str]:
        """CallSid to event log, the oldest first."""
        old = or_(
            and_(calls.c.at < before, calls.c.host == self._host), calls.c.at < before - OF_ANOTHER_HOST
        )
        old = and_(old, calls.c.sid.not_in(kept))
        wanted = select(calls.c.sid, calls.c.event_log).where(old).order_by(calls.c.at).limit(AT_ONCE)
        return {sid: event_log for sid, event_log in connection.execute(wanted)}


def claimed(connection: Connection, name: str, every: timedelta, now: datetime) -> bool:
    """Whether it is for us to do: nobody else who asks for ``name`` is told so within ``every``."""
    insert = insert_into(chores, connection.dialect.name).values(name=key_of(name), at=now)
    due = insert.on_conflict_do_update(
        index_elements=[chores.c.name], set_={"at": insert.excluded.at}, where=chores.c.at <= now - every
    )
    return connection.execute(due.execution_options(preserve_rowcount=True)).rowcount == 1


def delete_calls(connection: Connection, sids: Sequence[str]) -> None:
    """With their turns, and what of their leads has not arrived."""
    connection.execute(lead_lines.delete().where(lead_lines.c.lead.in_(sids)))
    connection.execute(lead_deliveries.delete().where(lead_deliveries.c.lead.in_(sids)))
    _delete_records(connection, sids)


def _delete_records(connection: Connection, sids: Sequence[str]) -> None:
    connection.execute(turns.delete().where(turns.c.sid.in_(sids)))
    connection.execute(calls.delete().where(calls.c.sid.in_(sids)))


def delete_files(folder: str, event_logs: Iterable[str]) -> list[str]:
    """The names of those that were there. Raises OSError; blocks as long as the disk does."""
    files = files_of(folder, event_logs)
    for path in files:
        path.unlink(missing_ok=True)
    return [str(path) for path in files]


def _delete_leftovers(connection: Connection, before: datetime, now: datetime) -> None:
    """Turns that came when their call was deleted already; old leads; the chores of hosts that are gone.

    A lead that may still be sent stays, and so does the name of one that was: or it would be sent again.
    """
    for table, at in ((lead_lines, lead_lines.c.at), (lead_deliveries, lead_deliveries.c.made_at)):
        connection.execute(table.delete().where(at < min(before, now - LEADS_TRIED)))
    orphaned = turns.c.sid.not_in(select(calls.c.sid))
    connection.execute(turns.delete().where(turns.c.kept_at < before, orphaned))
    connection.execute(chores.delete().where(chores.c.at < now - OF_ANOTHER_HOST))
