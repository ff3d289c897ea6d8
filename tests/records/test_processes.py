"""Several processes, killed ones, a disk that is full: what was reported kept is there."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.records.database import Database
from server.records.writer import RecordsWriter
from tests.records.places import Place, sids, turn_numbers
from tests.serving import ROOT, free_port
from tests.waiting import until

AFTER = 5  # calls


@contextmanager
def writing(place: Place, who: str, most: int = 0, *more: str) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "tests.records.writing", place.url, place.file, who, str(most), *more]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def kept_when_killed(process: "subprocess.Popen[str]", who: str) -> set[str]:
    """In the middle of a write, most likely: it does nothing else."""
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(AFTER)]
    process.kill()
    said += process.stdout.readlines()
    return {f"CA-{who}-{line.strip()}" for line in said if line.endswith("\n")}


def test_what_a_killed_process_has_reported_is_there(place: Place, database: Database) -> None:
    with writing(place, "a") as process:
        kept = kept_when_killed(process, "a")
    RecordsWriter(place.store(database)).start()  # what it has left in a file, if anything
    until(lambda: not place.spools)
    assert len(kept) >= AFTER and kept <= sids(database)
    assert all(turn_numbers(database, sid) == [1] for sid in kept)


def test_two_processes_at_once(place: Place, database: Database) -> None:
    with writing(place, "a", 0, "20") as one, writing(place, "b", 0, "20") as other:
        for process in (one, other):
            process.communicate(timeout=60)
    RecordsWriter(place.store(database)).start()
    until(lambda: not place.spools)
    assert sids(database) == {f"CA-{who}-{number}" for who in "ab" for number in range(20)}


def test_what_a_process_was_killed_over_while_the_database_was_away_is_taken_up(place: Place) -> None:
    """SQLite: while another holds it; PostgreSQL: nobody listens."""
    if not place.url:
        pytest.skip("a file of SQLite's is never away: see the full disk")
    away = Place(f"postgres://agent@127.0.0.1:{free_port()}/x", place.file)
    with writing(away, "a") as process:
        kept = kept_when_killed(process, "a")
    assert place.spools
    database = Database(place.url, place.file)
    writer = RecordsWriter(place.store(database))
    writer.start()
    until(lambda: not place.spools)
    assert kept <= sids(database)
    writer.settle(5)
    database.close()


def test_on_a_full_disk_it_is_whole_in_the_log(place: Place) -> None:
    """No file may grow beyond a size; what was not reported kept stands in the log, word for word."""
    if place.url:
        pytest.skip("PostgreSQL is on another disk")
    Database("", place.file).run(5, lambda _: None)
    with writing(place, "a", 90_000, "250") as process:
        out, err = process.communicate(timeout=120)
    reported = {f"CA-a-{line}" for line in out.split()}
    logged = [line.partition("it is kept here: ")[2] for line in err.splitlines()]
    calls = {json.loads(line)["sid"] for line in logged if '"call":{' in line}
    database = Database("", place.file)
    RecordsWriter(place.store(database)).start()
    until(lambda: not place.spools)
    there = sids(database)
    assert reported <= there, "reported, and not there"
    assert there | calls == {f"CA-a-{number}" for number in range(250)}
    assert calls, "the disk was not full"
