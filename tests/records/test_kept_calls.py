"""A call's way to where it is read: seen, kept in a database and as events, shown by the commands."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from server.config import load_config
from server.event_log.reader import read_log
from server.kept_calls import KeptCalls
from server.records.__main__ import main
from server.records.database import Database
from server.records.reading import Recorded
from server.runtime.threads import Threads
from server.turns.events import StreamStarted
from server.turns.memory import CallMemory
from tests.simtime.call import SimCall
from tests.simtime.line import Sound


def config_of(folder: Path, **knobs: object):
    return load_config(
        records_file=str(folder / "records.db"),
        event_log="events",
        event_log_dir=str(folder / "events"),
        **knobs,
    )


def kept_call(folder: Path) -> SimCall:
    kept = KeptCalls(config_of(folder), Threads())
    kept.start()
    call = SimCall([Sound(4, 1.2)])
    call.host["observers"] = kept.observers()
    call.run(12)
    kept.settle()
    return call


def test_a_call_is_kept_and_shown(tmp_path, monkeypatch, capsysbinary):
    """With its words, and where its events are."""
    call = kept_call(tmp_path)
    monkeypatch.setenv("RECORDS_FILE", str(tmp_path / "records.db"))
    assert main(["call", "CA1", "--json"]) == 0
    told = json.loads(capsysbinary.readouterr().out)
    assert " ".join(turn["agent"] for turn in told["story"]) == " ".join(call.texts)
    assert told["ended"] == "caller"
    assert read_log(tmp_path / "events" / told["event_log"]).header.call_sid == "CA1"
    assert main(["calls"]) == 0
    assert b"CA1" in capsysbinary.readouterr().out


def test_f8_what_is_kept_of_a_call_that_is_taken_up_has_a_name_of_its_own():
    """F8: it would stand in the place of what was kept of the call before."""
    started = StreamStarted(memory=CallMemory(frames=1850))
    assert started.part == "@37s"
    assert StreamStarted().part == ""


def test_the_record_of_a_call_at_midnight_names_its_log(tmp_path):
    """Its socket opens on one day, its stream starts on the next: who is forgotten has one log."""
    midnight = datetime(2026, 11, 29, 22, tzinfo=UTC)  # Israel's
    times = iter([midnight - timedelta(milliseconds=1)])
    kept = KeptCalls(config_of(tmp_path), Threads(), lambda: next(times, midnight))
    kept.start()
    call = SimCall([Sound(4, 1.2)])
    call.host["observers"] = kept.observers()
    call.run(12)
    kept.settle()
    [log] = (tmp_path / "events").rglob("*.events")
    [(facts, _)] = Recorded(Database("", str(tmp_path / "records.db"))).call("CA1")
    assert facts.event_log == log.relative_to(tmp_path / "events").as_posix() == "2026-11-29/CA1.events"
