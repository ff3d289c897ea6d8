"""Each test on both: a file of SQLite's, and a database of its own in a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from server.records.database import Database
from tests.records.places import Place


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    file = str(tmp_path / "state" / "records.db")
    if request.param == "sqlite":
        return Place("", file)
    postgres = request.getfixturevalue("postgres")
    name = f"test_{uuid4().hex}"
    postgres.ask(f"CREATE DATABASE {name}")
    return Place(postgres.url(name), file)


@pytest.fixture
def database(place: Place) -> Iterator[Database]:
    database = Database(place.url, place.file)
    yield database
    database.close()
