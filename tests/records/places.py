"""Where a test keeps its records, and a database that fails when it is told to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from server.records.database import WITHIN_S, Database
from server.records.queries import calls_named, turns_of
from server.records.spool import Spool, spools_beside
from server.records.store import Store

T = TypeVar("T")

CALLS = 100  # of ``hub``


class Failing(Database):
    """``ill``: what every ``run`` raises."""

    ill: Exception | None = None
    asked = 0

    def run(self, within_s: float, work: Callable[[Connection], T], *, writes: bool = True) -> T:
        self.asked += 1
        if self.ill is not None:
            raise self.ill
        return super().run(within_s, work, writes=writes)


@dataclass(frozen=True)
class Place:
    """What DATABASE_URL and RECORDS_FILE say; without ``url`` the file is SQLite's."""

    url: str
    file: str

    @property
    def spools(self) -> list[Path]:
        return spools_beside(self.file)

    def store(self, database: Database, **spool: int) -> Store:
        return Store(database, Spool(self.file, **spool))


def sids(database: Database) -> set[str]:
    return {call.sid for call in database.run(WITHIN_S, lambda c: calls_named(c, ""), writes=False)}


def turn_numbers(database: Database, sid: str) -> list[int]:
    return [turn.number for turn in database.run(WITHIN_S, lambda c: turns_of(c, sid), writes=False)]
