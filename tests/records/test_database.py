"""One set of tables on SQLite and PostgreSQL: made under a lock, by steps, up and down; work is bounded."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from server.records.database import WITHIN_S, Database
from server.records.migrations import HEAD, VERSION_TABLE, Newer, downgrade, revision_of, upgrade
from server.records.tables import chores, metadata
from tests.postgres import Postgres
from tests.records.places import Place
from tests.serving import ROOT, free_port

OURS = {*metadata.tables, VERSION_TABLE}


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def test_the_steps_make_the_tables_that_the_program_knows(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert database.run(WITHIN_S, differences) == []
    assert database.run(WITHIN_S, tables, writes=False) == OURS


def test_every_step_can_be_taken_back_and_taken_again(database: Database) -> None:
    def there_and_back(connection: Connection) -> tuple[set[str], str]:
        downgrade(connection, "base")
        bare = tables(connection)
        upgrade(connection)
        return bare, revision_of(connection)

    assert database.run(WITHIN_S, there_and_back) == ({VERSION_TABLE}, HEAD)


def test_names_are_our_own_in_another_programs_database(database: Database) -> None:
    assert all(name.startswith("agent_") for name in OURS)
    assert database.run(WITHIN_S, tables) == OURS


def test_a_database_of_a_newer_program_is_left_alone(place: Place, database: Database) -> None:
    database.run(
        WITHIN_S,
        lambda connection: connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = 'v9999'")),
    )
    older = Database(place.url, place.file)
    with pytest.raises(Newer, match="v9999"):
        older.run(WITHIN_S, tables)
    older.close()


def test_processes_that_start_at_once_make_the_tables_once(place: Place) -> None:
    program = (
        "import sys; from server.records.database import Database; from server.records.migrations import *; "
        "print(Database(sys.argv[1], sys.argv[2]).run(20, revision_of))"
    )
    command = [sys.executable, "-c", program, place.url, place.file]
    with ThreadPoolExecutor(4) as several:
        said = list(
            several.map(lambda _: subprocess.run(command, cwd=ROOT, capture_output=True, text=True), range(4))
        )
    assert [(each.stdout, each.stderr) for each in said] == [(f"{HEAD}\n", "")] * 4


def test_who_only_reads_changes_nothing(database: Database) -> None:
    with pytest.raises(DBAPIError):
        database.run(WITHIN_S, lambda connection: connection.execute(chores.delete()), writes=False)
    database.run(WITHIN_S, lambda connection: connection.execute(chores.delete()))


def test_what_fails_leaves_nothing_behind(database: Database) -> None:
    def half(connection: Connection) -> None:
        connection.execute(text("INSERT INTO agent_chores VALUES ('half', '2026-01-01 00:00:00')"))
        raise KeyError

    with pytest.raises(KeyError):
        database.run(WITHIN_S, half)
    assert database.run(WITHIN_S, lambda connection: connection.execute(select(chores)).all()) == []


def test_the_file_and_what_is_beside_it_are_private(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "records.db"
    modes: set[int] = set()

    def look(connection: Connection) -> None:
        connection.execute(chores.delete())
        modes.update(path.stat().st_mode & 0o777 for path in file.parent.iterdir())

    umask = os.umask(0)
    try:
        Database("", str(file)).run(WITHIN_S, look)
    finally:
        os.umask(umask)
    assert modes == {0o600}


def test_a_file_that_was_taken_away_is_made_anew(tmp_path: Path) -> None:
    database = Database("", str(tmp_path / "records.db"))
    database.run(WITHIN_S, tables)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(DBAPIError):
        database.run(WITHIN_S, lambda connection: connection.execute(chores.delete()))
    assert database.run(WITHIN_S, tables) == OURS


@pytest.mark.parametrize("form", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_no_password_is_in_what_a_failure_says(form: str) -> None:
    """Nobody listens there."""
    database = Database(f"{form}agent:tops3cret@127.0.0.1:{free_port()}/records")
    with pytest.raises(DBAPIError) as raised:
        database.run(WITHIN_S, tables)
    assert "refused" in database.why(raised.value)
    assert "tops3cret" not in database.why(raised.value)


def test_no_value_is_in_what_a_failure_says(database: Database) -> None:
    statement = text("INSERT INTO agent_chores VALUES (:name, :at)")
    values = {"name": "the caller's words", "at": None}
    with pytest.raises(DBAPIError) as raised:
        database.run(WITHIN_S, lambda connection: connection.execute(statement, values))
    assert "at" in database.why(raised.value)
    assert "words" not in database.why(raised.value)


def test_who_holds_the_database_is_not_waited_for_without_end(place: Place, database: Database) -> None:
    """The database gives up by itself, before whoever asked does."""
    database.run(WITHIN_S, tables)
    other = Database(place.url, place.file)
    same = text("INSERT INTO agent_chores VALUES ('held', '2026-01-01 00:00:00')")

    def hold(connection: Connection) -> None:
        connection.execute(same)
        with pytest.raises(OperationalError, match="lock|statement timeout"):
            database.run(WITHIN_S, lambda waits: waits.execute(same))

    other.run(20, hold)
    other.close()


def test_b3_a_postgresql_whose_machine_is_gone_is_noticed_in_seconds(postgres: Postgres) -> None:
    """B3: by the kernel's own probes; nobody answers a statement timeout there."""
    database = Database(postgres.url())

    def given(connection: Connection) -> dict[str, str]:
        driver = connection.connection.driver_connection
        assert driver is not None
        return dict(driver.info.get_parameters())

    found = database.run(WITHIN_S, given, writes=False)
    database.close()
    probed_s = int(found["keepalives_idle"]) + int(found["keepalives_interval"]) * int(
        found["keepalives_count"]
    )
    assert probed_s <= 30 and int(found["tcp_user_timeout"]) <= 30_000
