"""The records of this server's settings, as commands and pages read them."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from server.config import Config, KnobError, load_config
from server.records.database import WITHIN_S, Database
from server.records.facts import CallFacts, TurnFacts
from server.records.migrations import Newer
from server.records.queries import PART, calls_between, calls_named, parts_of, turns_of, whole_sid
from server.records.search import PAGE, Call, Found, Wanted, ever, going_on, search, with_turns

T = TypeVar("T")


class CannotRead(Exception):
    """Why not, in a line for whoever has asked."""


class Recorded:
    """``Reads``. Every method blocks, and raises CannotRead."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def calls_between(self, begin: datetime, end: datetime) -> list[CallFacts]:
        return self._run(lambda connection: calls_between(connection, begin, end)[::-1])

    def call(self, sid_or_prefix: str) -> list[tuple[CallFacts, list[TurnFacts]]]:
        return self._run(lambda connection: _parts(connection, sid_or_prefix))

    def named(self, sid_or_prefix: str) -> list[CallFacts]:
        return self._run(lambda connection: _named(connection, sid_or_prefix))

    def parts(self, sid: str) -> list[Call]:
        """The call of exactly this CallSid, or of this part: all its parts in order; nothing: none is."""
        return self._run(lambda connection: _in_order(connection, parts_of(connection, whole_sid(sid))))

    def search(self, wanted: Wanted, most: int = PAGE, patient: Callable[[], bool] = ever) -> Found:
        return self._run(lambda connection: search(connection, wanted, most, patient))

    def going_on(self, since: datetime) -> list[Call]:
        """Those that have begun since and not ended, the latest first."""
        return self._run(lambda connection: with_turns(connection, going_on(connection, since)))

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._database.run(WITHIN_S, work, writes=False)
        except (SQLAlchemyError, OSError, Newer) as error:
            raise CannotRead(f"{self._database.name} cannot be read: {self._database.why(error)}") from None


def _named(connection: Connection, sid_or_prefix: str) -> list[CallFacts]:
    return sorted(calls_named(connection, sid_or_prefix), key=lambda call: call.at)


def _parts(connection: Connection, sid_or_prefix: str) -> list[tuple[CallFacts, list[TurnFacts]]]:
    named = _named(connection, sid_or_prefix)
    whole = {call.sid.partition(PART)[0] for call in named}
    if len(whole) != 1:
        return []
    return [(call, list(turns_of(connection, call.sid))) for call in named]


def _in_order(connection: Connection, parts: list[CallFacts]) -> list[Call]:
    return with_turns(connection, sorted(parts, key=lambda call: (call.at, call.sid)))


def recorded() -> Recorded:
    """As the settings say. Raises CannotRead."""
    try:
        config = load_config()
    except KnobError as error:
        raise CannotRead(str(error)) from None
    database = database_by(config)
    if database is None:
        raise CannotRead("calls are not kept here: DATABASE_URL and RECORDS_FILE are empty")
    return Recorded(database)


def database_by(config: Config) -> Database | None:
    """As ``config`` says; None: nothing is kept. With its own connections: no record waits for a reader."""
    url, file = config.database_url.get_secret_value(), config.records_file
    return Database(url, file) if url or file else None
