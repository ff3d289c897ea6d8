"""gevent's hub carries the audio of every call: no database keeps it from its work."""

import subprocess
import sys

from sqlalchemy import text

from server.records.database import WITHIN_S, Database
from server.records.writer import RecordsWriter
from tests.records.places import CALLS, Place, sids
from tests.serving import ROOT
from tests.waiting import until

HELD_MS = 1500  # a hub that waited for the database would pause for as long


def on_gevent(place: Place) -> int:
    """The longest pause of the hub, in ms."""
    command = [sys.executable, "-m", "tests.records.hub", place.url, place.file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_the_hub_goes_on_while_records_are_written(place: Place, database: Database) -> None:
    pause_ms = on_gevent(place)
    RecordsWriter(place.store(database)).start()
    until(lambda: not place.spools)
    assert sids(database) == {f"CA{number}" for number in range(CALLS)}
    assert pause_ms < HELD_MS


def test_the_hub_goes_on_while_another_holds_the_database(place: Place, database: Database) -> None:
    """Until the writer gives up, and lets all of it wait on the disk."""
    lock = text("LOCK TABLE agent_calls" if place.url else "DELETE FROM agent_chores")
    database.run(WITHIN_S, lambda _: None)

    def hold(connection: object) -> int:
        connection.execute(lock)  # type: ignore[attr-defined]
        return on_gevent(place)

    assert database.run(60, hold) < HELD_MS
    writer = RecordsWriter(place.store(database))
    writer.start()
    until(lambda: not place.spools)
    assert sids(database) == {f"CA{number}" for number in range(CALLS)}
    writer.settle(5)
