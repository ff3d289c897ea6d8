"""Where records go: into the database, or while that fails into the spool; out of it again in their order."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.exc import DataError, IntegrityError

from server.records.database import WITHIN_S, Database, insert_into
from server.records.rows import Record, call_row, record_of, turn_row
from server.records.spool import Spool
from server.records.tables import calls, turns
from server.runtime.native_calls import NoThread, Pool, on_gevent

DISK_S = 2.0
Refused = tuple[str, str]  # a line, and why nobody can keep it
# A row can be refused for what it holds; all else is the database's own trouble, and passes.
REFUSED = (DataError, IntegrityError, OverflowError, ValueError)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """One thread, or greenlet, at a time; but ``spool`` may be called beside all others.

    Records of one call are written in the order in which they came. Written twice they are the same.
    """

    def __init__(
        self, database: Database, spool: Spool | None, now: Callable[[], datetime] = utc_now
    ) -> None:
        """``spool``: None where there is no place for one."""
        self.database = database
        self._spool = spool
        self._now = now
        self._disk = Pool("the disk of the records", 1)

    def begin(self) -> None:
        """Anew in a process that was forked: the file and the threads are the parent's."""
        self._disk = Pool("the disk of the records", 1)
        if self._spool is not None:
            self._spool.close()

    @property
    def spooled_in(self) -> str:
        """The file of ours in which something waits; "": nothing does."""
        return "" if self._spool is None else self._spool.name

    def reach(self) -> None:
        """Make the tables, if they are not there. Raises what ``Database.run`` does."""
        self.database.run(WITHIN_S, lambda _: None, writes=False)

    def write(self, records: Sequence[Record], within_s: float = WITHIN_S) -> list[Refused]:
        """Into the database, all but those it refuses. Raises what ``Database.run`` does: then again."""
        try:
            self.database.run(within_s, lambda connection: put(connection, records, self._now()))
        except REFUSED as error:
            if len(records) == 1:
                return [(records[0].line, self.database.why(error))]
            return [refused for record in records for refused in self.write([record], within_s)]
        return []

    def catch_up(self) -> tuple[bool, list[Refused]]:
        """Write some of what waits, the oldest first: whether anything was left. Raises as ``write``."""
        if self._spool is None:
            return False, []
        try:
            if not self._on_disk(DISK_S, self._spool.take_over):
                return False, []
        except (OSError, TimeoutError):
            if self._spool.name:
                raise
            return False, []  # a disk that fails keeps nobody from a database elsewhere
        lines = self._on_disk(DISK_S, self._spool.first)
        records, refused = _read(lines)
        refused += self.write(records) if records else []
        self._on_disk(DISK_S, self._spool.forget, lines)
        return bool(self._spool.name), refused

    def spool(self, records: Sequence[Record], within_s: float = DISK_S) -> None:
        """Let them wait on the disk; OSError, or TimeoutError: it does not take them."""
        if self._spool is None:
            raise OSError("RECORDS_FILE is empty, and so there is no file in which they could wait")
        self._on_disk(within_s, self._spool.append, [record.line for record in records])

    def _on_disk(self, within_s: float, work: Callable[..., Any], *values: Any) -> Any:
        try:
            return self._disk.run(within_s, work, *values)
        except NoThread:
            if on_gevent():
                raise
            return work(*values)  # Python 3.12 starts none at its end; ours is no call's


def put(connection: Connection, records: Iterable[Record], now: datetime) -> None:
    """Their rows, in place of older ones of the same name."""
    of_calls = [call_row(record.call) for record in records if record.call]
    of_turns = [turn_row(record.sid, record.turn, now) for record in records if record.turn]
    for table, rows in ((calls, of_calls), (turns, of_turns)):
        if rows:
            _upsert(connection, table, rows)


def _upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    connection.execute(_upsert_into(table, connection.dialect.name), rows)


@cache  # to write the statement takes as long as to carry it out
def _upsert_into(table: Table, dialect_name: str) -> Insert:
    insert = insert_into(table, dialect_name)
    keys = list(table.primary_key)
    given = {column.name: insert.excluded[column.name] for column in table.columns if column not in keys}
    statement: Insert = insert.on_conflict_do_update(index_elements=keys, set_=given)
    return statement


def _read(lines: Iterable[bytes]) -> tuple[list[Record], list[Refused]]:
    records, refused = [], []
    for line in lines:
        try:
            records.append(record_of(line))
        except ValueError:
            text = line.decode(errors="replace").strip()
            refused += [(text, "it is no whole line")] if text else []
    return records, refused
