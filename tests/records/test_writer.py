"""What the writer was given is kept somewhere: in the database, the spool, memory, or whole in the log."""

import json
from collections.abc import Callable, Iterator

import pytest

from server.records import writer as writers
from server.records.database import WITHIN_S, Database
from server.records.queries import calls_named
from server.records.rows import Record, call_record
from server.records.spool import Spool
from server.records.store import Store
from server.records.writer import FIRST_AGAIN_S, LAST_AGAIN_S, RecordsWriter, Tries
from tests.postgres import Postgres
from tests.records.facts import call, turn
from tests.records.places import Failing, Place, sids, turn_numbers
from tests.waiting import until

SETTLE_S = 20.0
ILL = ConnectionError("nobody is there")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failing(place: Place) -> Iterator[Failing]:
    database = Failing(place.url, place.file)
    yield database
    database.ill = None
    database.close()


Start = Callable[..., RecordsWriter]


@pytest.fixture
def writer_of(place: Place) -> Iterator[Start]:
    """Writers whose threads are gone before their database is."""
    begun: list[RecordsWriter] = []

    def start(store: Store | None, *clock: Clock) -> RecordsWriter:
        begun.append(RecordsWriter(store, *clock))
        return begun[-1]

    yield start
    for writer in begun:
        writer.settle(SETTLE_S)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level("INFO", logger="agent")
    return caplog


def lines(logged: pytest.LogCaptureFixture, word: str) -> list[str]:
    return [message for message in logged.messages if message.startswith(word)]


def told_whole(logged: pytest.LogCaptureFixture) -> list[str]:
    """The CallSids of those that were."""
    found = [line.partition("it is kept here: ")[2] for line in lines(logged, "RECORDS_ERR")]
    return [json.loads(text)["sid"] for text in found if text]


def test_a_call_and_its_turns_are_kept(writer_of: Start, place: Place, database: Database) -> None:
    writer = writer_of(place.store(database))
    writer.keep_call(call("CA1", ended=""))
    writer.keep_turn("CA1", turn(1))
    writer.keep_turn("CA1", turn(2))
    writer.keep_call(call("CA1", ended="caller"))
    assert writer.settle(SETTLE_S)
    [kept] = database.run(WITHIN_S, lambda c: calls_named(c, "CA1"), writes=False)
    assert kept == call("CA1", ended="caller")
    assert turn_numbers(database, "CA1") == [1, 2]
    assert place.spools == []


def test_written_twice_is_written_once(writer_of: Start, place: Place, database: Database) -> None:
    writer = writer_of(place.store(database))
    for _ in range(2):
        writer.keep_call(call("CA1"))
        writer.keep_turn("CA1", turn(1))
        assert writer.settle(SETTLE_S)
    assert sids(database) == {"CA1"} and turn_numbers(database, "CA1") == [1]


def test_the_tables_are_made_at_the_start(writer_of: Start, place: Place, database: Database) -> None:
    asked = Failing(place.url, place.file)
    writer_of(place.store(asked)).start()
    until(lambda: asked.asked)
    assert sids(database) == set()
    asked.close()


def test_nothing_is_kept_where_no_place_is_named(writer_of: Start) -> None:
    writer = writer_of(None)
    writer.start()
    writer.keep_call(call("CA1"))
    assert writer.settle(0)


def test_while_the_database_is_away_all_waits_on_the_disk_and_is_caught_up_in_its_order(
    writer_of: Start, place: Place, failing: Failing, clock: Clock, logged: pytest.LogCaptureFixture
) -> None:
    writer = writer_of(place.store(failing), clock)
    failing.ill = ILL
    for number in range(200):
        writer.keep_call(call("CA1", turns=number))
        writer.keep_turn(f"CA{number}", turn(number))
    until(lambda: place.spools and place.spools[0].read_text().count("\n") == 400)
    failing.ill = None
    clock.now += LAST_AGAIN_S
    writer.keep_call(call("CA2"))
    until(lambda: lines(logged, "RECORDS_BACK"))
    [kept] = failing.run(WITHIN_S, lambda c: calls_named(c, "CA1"), writes=False)
    assert kept.turns == 199
    assert all(turn_numbers(failing, f"CA{number}") == [number] for number in range(200))
    assert sids(failing) == {"CA1", "CA2"} and place.spools == []
    assert len(lines(logged, "RECORDS_ERR")) == 1


def test_a_database_that_is_away_is_not_asked_again_and_again(
    writer_of: Start, place: Place, failing: Failing, clock: Clock
) -> None:
    writer = writer_of(place.store(failing), clock)
    failing.ill = ILL
    for number in range(50):
        writer.keep_call(call(f"CA{number}"))
        until(lambda wanted=number + 1: place.spools and place.spools[0].read_text().count("\n") == wanted)
    assert failing.asked <= 2


def test_the_next_try_is_later_each_time_and_the_log_hears_of_it_once_a_minute(clock: Clock) -> None:
    tries, waits, told = Tries(clock), [], 0
    for _ in range(8):
        told += tries.failed()
        waits.append(tries.due_in_s)
        clock.now += tries.due_in_s
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30] and waits[0] == FIRST_AGAIN_S
    assert told == 2  # of two minutes
    assert tries.worked() and not tries.failing and not tries.worked()


def test_at_the_end_of_the_process_it_waits_on_the_disk_for_the_next(
    writer_of: Start, place: Place, failing: Failing, logged: pytest.LogCaptureFixture
) -> None:
    failing.ill = ILL
    store = place.store(failing)
    writer = writer_of(store)
    for number in range(300):
        writer.keep_call(call(f"CA{number}"))
    assert writer.settle(SETTLE_S)
    assert told_whole(logged) == []
    store.begin()  # the process is gone
    failing.ill = None
    after = writer_of(place.store(failing))
    after.start()
    until(lambda: place.spools == [])
    assert sids(failing) == {f"CA{number}" for number in range(300)}


def test_at_the_end_nobody_says_of_a_database_that_was_not_asked_that_it_is_back(
    writer_of: Start, failing: Failing, logged: pytest.LogCaptureFixture
) -> None:
    """Nothing waits, and the process ends while it is away."""
    failing.ill = ILL
    writer = writer_of(Store(failing, None))
    writer.start()
    until(lambda: lines(logged, "RECORDS_ERR"))
    assert writer.settle(SETTLE_S)
    assert not lines(logged, "RECORDS_BACK")


def test_without_a_disk_it_waits_in_memory(
    writer_of: Start, place: Place, failing: Failing, clock: Clock, logged: pytest.LogCaptureFixture
) -> None:
    failing.ill = ILL
    writer = writer_of(place.store(failing, max_bytes=0), clock)
    for number in range(200):
        writer.keep_call(call(f"CA{number}"))
    until(lambda: len(lines(logged, "RECORDS_ERR")) == 2)
    failing.ill = None
    clock.now += LAST_AGAIN_S
    writer.start()
    until(lambda: lines(logged, "RECORDS_BACK"))
    until(lambda: sids(failing) == {f"CA{number}" for number in range(200)})
    assert told_whole(logged) == []


def test_what_nothing_takes_is_whole_in_the_log_at_the_end(
    writer_of: Start, place: Place, failing: Failing, logged: pytest.LogCaptureFixture
) -> None:
    failing.ill = ILL
    writer = writer_of(place.store(failing, max_bytes=0))
    for number in range(100):
        writer.keep_call(call(f"CA{number}"))
    assert not writer.settle(1.0)
    assert told_whole(logged) == [f"CA{number}" for number in range(100)]


def test_what_finds_no_room_in_memory_is_whole_in_the_log(
    writer_of: Start,
    place: Place,
    failing: Failing,
    logged: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    size = len(call_record(call("CA1")).line)
    monkeypatch.setattr(writers, "MAX_WAITING_CHARS", 3 * size)
    failing.ill = ILL
    writer = writer_of(place.store(failing, max_bytes=0))
    for number in range(5):
        writer.keep_call(call(f"CA{number}"))
    assert told_whole(logged) == ["CA3", "CA4"]


def test_one_row_that_no_database_takes_keeps_no_other_from_it(
    place: Place, database: Database, logged: pytest.LogCaptureFixture
) -> None:
    """It is in the log. (The writer's own conversion lets none through: this one has not been through it.)"""
    store = place.store(database)
    spoilt = Record("CA2", call=call("CA2", summary=None))
    refused = store.write([call_record(call("CA1")), spoilt, call_record(call("CA3"))])
    assert [json.loads(line)["sid"] for line, _ in refused] == ["CA2"]
    assert sids(database) == {"CA1", "CA3"}


def test_a_line_that_is_none_keeps_no_other_from_it(
    writer_of: Start, place: Place, database: Database, logged: pytest.LogCaptureFixture
) -> None:
    spool = Spool(place.file)
    spool.append([call_record(call("CA1")).line, '{"sid": "CA2", "call"', call_record(call("CA3")).line])
    spool.close()
    writer_of(place.store(database)).start()
    until(lambda: place.spools == [])
    assert sids(database) == {"CA1", "CA3"}
    until(lambda: any('{"sid": "CA2", "call"' in line for line in lines(logged, "RECORDS_ERR")))


def test_our_own_bug_is_no_calls(
    writer_of: Start, place: Place, database: Database, logged: pytest.LogCaptureFixture
) -> None:
    writer_of(place.store(database)).keep_call(None)  # type: ignore[arg-type]
    assert lines(logged, "RECORDS_ERR")


def test_a_database_elsewhere_is_written_though_the_disk_fails(
    writer_of: Start, place: Place, database: Database
) -> None:
    if not place.url:
        pytest.skip("SQLite is on that disk")
    store = Store(database, Spool("/proc/no/records.db"))
    writer = writer_of(store)
    writer.keep_call(call("CA1"))
    assert writer.settle(SETTLE_S)
    assert sids(database) == {"CA1"}


def test_a_server_that_goes_down_and_comes_back(
    writer_of: Start,
    place: Place,
    database: Database,
    postgres: Postgres,
    clock: Clock,
    logged: pytest.LogCaptureFixture,
) -> None:
    """A real one, killed between two calls."""
    if not place.url:
        pytest.skip("SQLite has none")
    writer = writer_of(place.store(database), clock)
    writer.keep_call(call("CA1"))
    until(lambda: sids(database) == {"CA1"})
    postgres.stop()
    try:
        writer.keep_call(call("CA2"))
        until(lambda: place.spools)
    finally:
        postgres.start()
    clock.now += LAST_AGAIN_S
    writer.keep_call(call("CA3"))
    until(lambda: lines(logged, "RECORDS_BACK"), 20)
    assert sids(database) == {"CA1", "CA2", "CA3"}
