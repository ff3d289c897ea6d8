"""RECORDS_KEEP_DAYS: what is older is deleted with its files, once an hour, by one process of a host."""

from datetime import timedelta
from pathlib import Path

import pytest

from server.delivery.outbox import Line, Outbox
from server.records.database import WITHIN_S, Database
from server.records.files import files_of
from server.records.keeper import AT_ONCE, Keeper, claimed
from server.records.rows import call_record, turn_record
from server.records.store import put
from tests.records.facts import AT, call, turn
from tests.records.places import sids, turn_numbers

DAYS = 90
OLD = AT - timedelta(days=DAYS, minutes=1)
HOUR = timedelta(hours=1)


def keeper(database: Database, *, host: str = "here", days: int = DAYS, folder: str = "", at=AT) -> Keeper:
    return Keeper(database, days, host, folder, lambda: at)


def keep(database: Database, *calls) -> None:
    database.run(WITHIN_S, lambda c: put(c, [call_record(each) for each in calls], AT))


def test_what_is_older_goes_and_nothing_else(database: Database) -> None:
    keep(database, call("CAold", at=OLD), call("CAnew", at=OLD + HOUR))
    of_turns = [turn_record(sid, turn(1)) for sid in ("CAold", "CAnew")]
    database.run(WITHIN_S, lambda c: put(c, of_turns, AT))
    assert keeper(database).expire() == 1
    assert sids(database) == {"CAnew"}
    assert turn_numbers(database, "CAold") == [] and turn_numbers(database, "CAnew") == [1]


def test_for_ever_is_for_ever(database: Database) -> None:
    keep(database, call("CAold", at=OLD))
    assert keeper(database, days=0).expire() == 0
    assert sids(database) == {"CAold"}


def test_more_than_one_batch(database: Database) -> None:
    keep(database, *(call(f"CA{number}", at=OLD) for number in range(2 * AT_ONCE + 1)))
    assert keeper(database).expire() == 2 * AT_ONCE + 1
    assert sids(database) == set()


def test_one_of_a_host_does_it_once_an_hour(database: Database) -> None:
    assert database.run(WITHIN_S, lambda c: claimed(c, "x", HOUR, AT))
    assert not database.run(WITHIN_S, lambda c: claimed(c, "x", HOUR, AT + HOUR / 2))
    assert database.run(WITHIN_S, lambda c: claimed(c, "y", HOUR, AT))
    assert database.run(WITHIN_S, lambda c: claimed(c, "x", HOUR, AT + HOUR))
    keeper(database).expire()
    keep(database, call("CAold", at=OLD))
    assert keeper(database).expire() == 0 and sids(database) == {"CAold"}
    assert keeper(database, at=AT + HOUR).expire() == 1


def test_the_files_of_a_call_are_its_hosts_to_delete_for_a_day(database: Database) -> None:
    keep(database, call("CAold", at=OLD, host="there"))
    assert keeper(database).expire() == 0
    assert keeper(database, at=AT + timedelta(days=1)).expire() == 1


def test_event_logs_and_recordings_go_with_their_call(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    for name in ("day/CAold.jsonl", "day/CAold.wav", "day/CAold2.jsonl", "CAnew.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    keep(database, call("CAold", at=OLD, event_log="day/CAold.jsonl"))
    keep(database, call("CAnew", event_log="CAnew.jsonl"))
    keeper(database, folder=str(folder)).expire()
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert left == {"day/CAold2.jsonl", "CAnew.jsonl"}


def test_a_file_that_cannot_be_deleted_keeps_no_other(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its call stays, so that it is tried again an hour later."""
    stuck, unlink = tmp_path / "CAstuck.events", Path.unlink

    def unlinks(path: Path, missing_ok: bool = False) -> None:
        if path == stuck:
            raise PermissionError(13, "Permission denied", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlinks)
    for sid in ("CAold", "CAstuck"):
        (tmp_path / f"{sid}.events").touch()
        keep(database, call(sid, at=OLD, event_log=f"{sid}.events"))
    assert keeper(database, folder=str(tmp_path)).expire() == 1
    assert sids(database) == {"CAstuck"} and stuck.exists()
    assert (
        f"RECORDS_ERR an old file cannot be deleted: [Errno 13] Permission denied: '{stuck}'" in caplog.text
    )
    monkeypatch.setattr(Path, "unlink", unlink)
    assert keeper(database, folder=str(tmp_path), at=AT + HOUR).expire() == 1 and not stuck.exists()


def test_event_logs_without_a_record_go_with_their_day(database: Database, tmp_path: Path) -> None:
    """Records were off, or the spool is gone."""
    for day in ("2000-01-01", "2999-01-01"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "CA1.events").touch()
    keeper(database, folder=str(tmp_path)).expire()
    assert [path.name for path in tmp_path.glob("*-01-01")] == ["2999-01-01"]


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    (tmp_path / "precious.jsonl").touch()
    (folder / "link.jsonl").symlink_to(tmp_path / "precious.jsonl")
    names = ["../precious.jsonl", str(tmp_path / "precious.jsonl"), "link.jsonl", "", ".", ".."]
    assert files_of(str(folder), names) == []
    assert files_of("", ["precious.jsonl"]) == []


def test_a_turn_that_came_when_its_call_was_deleted_goes_too(database: Database) -> None:
    database.run(WITHIN_S, lambda c: put(c, [turn_record("CAgone", turn(1))], OLD))
    keeper(database).expire()
    assert turn_numbers(database, "CAgone") == []


def test_a_lead_that_is_on_its_way_outlives_its_call_and_its_name_too(database: Database) -> None:
    """RECORDS_KEEP_DAYS=1, LEADS_RETRY_HOURS=48: it would be lost, or sent again from LEADS_FILE."""
    outbox = Outbox(database)
    yesterday = AT - timedelta(days=1, minutes=1)
    keep(database, call("CAwaits", at=yesterday), call("CAsent", at=yesterday))
    outbox.add([Line(sid, "{}", yesterday) for sid in ("CAwaits", "CAsent")])
    for found in outbox.in_the_making():
        outbox.settle(found, {"webhook": "{}"}, yesterday)
    sent = next(one for one in outbox.undelivered() if one.lead == "CAsent")
    outbox.sent(sent, yesterday)
    assert keeper(database, days=1).expire() == 2 and sids(database) == set()
    assert [one.lead for one in outbox.undelivered()] == ["CAwaits"]
    assert outbox.known(["CAwaits", "CAsent"]) == {"CAwaits", "CAsent"}


def test_a_lead_that_never_arrived_goes_too_though_it_is_of_no_call(database: Database) -> None:
    outbox = Outbox(database)
    for sid, at in (("CAold", OLD), ("CAnew", OLD + HOUR)):
        outbox.add([Line(sid, "{}", at)])
        outbox.settle(outbox.in_the_making()[0], {"webhook": "{}"}, at)
        outbox.add([Line(f"{sid}2", "{}", at)])
        if sid == "CAold":
            keeper(database).expire()
            assert outbox.undelivered() == [] and outbox.in_the_making() == []
    keeper(database, at=AT + HOUR / 2).expire()
    assert [one.lead for one in outbox.undelivered()] == ["CAnew"]
