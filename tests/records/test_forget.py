"""``./start_all.sh forget``: all that is kept of a caller, and nothing of anybody else."""

import json
from pathlib import Path

import pytest

from server.delivery.outbox import Line, Outbox
from server.records import forget
from server.records.database import WITHIN_S, Database
from server.records.rows import call_record, turn_record
from server.records.spool import Spool
from server.records.store import put
from server.shared_state.state import shared_state_of
from tests.records.facts import AT, call, turn
from tests.records.places import Place, sids, turn_numbers

NUMBER = "+972501234567"


class Office:
    """What is kept of two callers, and where."""

    def __init__(self, place: Place, database: Database, tmp_path: Path, knobs: pytest.MonkeyPatch) -> None:
        self.place, self.database = place, database
        self.leads = tmp_path / "leads.jsonl"
        self.export = tmp_path / "export.json"
        self.state_file = tmp_path / "state" / "agent.db"
        lines = [
            {"kind": "rang", "call_sid": "CA1", "caller": NUMBER},
            {"kind": "rang", "call_sid": "CA2", "caller": "+972521111111"},
            {"kind": "detail", "call_sid": "CA1", "caller": NUMBER, "name": "אברהם"},
            {"kind": "detail", "call_sid": "CA3", "caller": "", "phone": "050-1234567"},
            {"kind": "call", "call_sid": "CA3", "caller": ""},
        ]
        self.leads.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + "not json\n")
        self.leads.chmod(0o600)
        records = [
            call_record(call("CA1", caller=NUMBER, lead=())),
            call_record(call("CA2", caller="+972521111111", lead=())),
            *(turn_record(sid, turn(1)) for sid in ("CA1", "CA2")),
        ]
        database.run(WITHIN_S, lambda c: put(c, records, AT))
        knobs.setenv("DATABASE_URL", place.url)
        knobs.setenv("RECORDS_FILE", place.file)
        knobs.setenv("LEADS_FILE", str(self.leads))
        knobs.setenv("STATE_FILE", str(self.state_file))

    def kept_sids(self) -> set[str]:
        return sids(self.database)

    def lead_sids(self) -> list[str]:
        lines = self.leads.read_text().splitlines()
        return [json.loads(line)["call_sid"] if line[0] == "{" else line for line in lines]


@pytest.fixture
def office(place: Place, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.chdir(tmp_path)  # no .env
    made = forget.places_of
    opened: list[Database] = []

    def places_of(config):
        places = made(config)
        opened.append(places.database)
        return places

    monkeypatch.setattr(forget, "places_of", places_of)
    yield Office(place, database, tmp_path, monkeypatch)
    for each in opened:
        each.close()


@pytest.mark.parametrize("number", [NUMBER, "0501234567", "050-1234567", "972501234567"])
def test_all_of_a_caller_goes_and_nothing_else(
    office: Office, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert forget.main([number, "--yes"]) == 0
    assert office.kept_sids() == {"CA2"} and office.lead_sids() == ["CA2", "not json"]
    assert turn_numbers(office.database, "CA1") == [] and turn_numbers(office.database, "CA2") == [1]
    assert "deleted: 1 call with 1 turn, 4 lines of leads" in capsys.readouterr().out
    assert office.leads.stat().st_mode & 0o777 == 0o600


def test_f8_what_another_worker_would_go_on_with_goes_too(office: Office) -> None:
    shared = shared_state_of("", str(office.state_file))
    for sid in ("CA1", "CA2"):
        shared.remember(sid, "what was said")
    assert forget.main([NUMBER, "--yes"]) == 0
    another = shared_state_of("", str(office.state_file))
    assert (another.memory("CA1"), another.memory("CA2")) == (None, "what was said")


def test_it_asks_first_and_without_anybody_deletes_nothing(office: Office) -> None:
    assert forget.main([NUMBER]) == 1
    assert office.kept_sids() == {"CA1", "CA2"} and len(office.lead_sids()) == 6


@pytest.mark.parametrize(
    ("answer", "left"), [("y", {"CA2"}), ("כן", {"CA2"}), ("", {"CA1", "CA2"}), ("n", {"CA1", "CA2"})]
)
def test_the_answer_counts(
    office: Office, monkeypatch: pytest.MonkeyPatch, answer: str, left: set[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    forget.main([NUMBER])
    assert office.kept_sids() == left


def test_all_of_it_is_written_out_first(office: Office) -> None:
    assert forget.main([NUMBER, "--yes", "--export", str(office.export)]) == 0
    told = json.loads(office.export.read_text())
    [kept] = told["calls"]
    assert kept["sid"] == "CA1" and kept["turns_told"][0]["caller"] == turn(1).caller
    assert [lead["call_sid"] for lead in told["leads"]] == ["CA1", "CA1", "CA3", "CA3"]
    assert office.export.stat().st_mode & 0o777 == 0o600


def test_an_export_that_fails_deletes_nothing(office: Office, tmp_path: Path) -> None:
    assert forget.main([NUMBER, "--yes", "--export", str(tmp_path / "no" / "folder.json")]) == 1
    assert office.kept_sids() == {"CA1", "CA2"}


def test_what_an_ended_process_has_left_on_the_disk_is_found(office: Office) -> None:
    left = Spool(office.place.file)
    left.append([call_record(call("CA4", caller=NUMBER)).line, call_record(call("CA5", caller="")).line])
    left.close()
    assert forget.main([NUMBER, "--yes"]) == 0
    assert office.kept_sids() == {"CA2", "CA5"} and office.place.spools == []


def test_what_a_running_process_holds_back_is_said(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    held = Spool(office.place.file)
    held.append([call_record(call("CA4", caller=NUMBER)).line])
    assert forget.main([NUMBER, "--yes"]) == 1
    assert "run this again" in capsys.readouterr().err
    held.close()


@pytest.mark.parametrize("number", ["", "anonymous", "12", "+266696687"])
def test_what_is_no_number_deletes_nothing(office: Office, number: str) -> None:
    assert forget.main([number, "--yes"]) == 1
    assert office.kept_sids() == {"CA1", "CA2"}


def test_nothing_known_is_said_and_is_no_failure(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    assert forget.main(["+972599999999"]) == 0
    assert "no calls" in capsys.readouterr().out


def test_files_are_exported_and_go(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / "CA1.jsonl").write_text("שלום")
    (folder / "CA1.wav").write_bytes(b"\xff\xfe")
    at_events = call("CA1", caller=NUMBER, event_log="CA1.jsonl")
    office.database.run(WITHIN_S, lambda c: put(c, [call_record(at_events)], AT))
    places = forget.Places(office.database, office.place.file, str(office.leads), str(folder))
    known = forget.known_of(NUMBER, places)
    files = forget.exported(known)["files"]
    assert files == [{"name": "CA1.jsonl", "text": "שלום"}, {"name": "CA1.wav", "base64": "//4="}]
    forget.forget(known, places)
    assert list(folder.iterdir()) == []


def test_f8_a_call_whose_number_is_masked_goes_by_its_lead_with_its_parts_and_files(
    office: Office, tmp_path: Path
) -> None:
    """LOG_TRANSCRIPTS=redacted, the default: the record has "…4567" for a number, the lead has it all."""
    folder = tmp_path / "events"
    folder.mkdir()
    names = ("CA1.events", "CA1-2.events", "CA1@37s.events", "CA12.events")
    for name in names:
        (folder / name).touch()
    masked = [
        call_record(call(sid, caller="…4567", lead=(), event_log=f"{sid}.events"))
        for sid in ("CA1", "CA1@37s")
    ]
    office.database.run(WITHIN_S, lambda c: put(c, [*masked, turn_record("CA1@37s", turn(1))], AT))
    places = forget.Places(office.database, office.place.file, str(office.leads), str(folder))
    known = forget.known_of(NUMBER, places)
    assert {each.sid for each, _ in known.calls} == {"CA1", "CA1@37s"}
    forget.forget(known, places)
    assert office.kept_sids() == {"CA2"} and turn_numbers(office.database, "CA1@37s") == []
    assert [path.name for path in folder.iterdir()] == ["CA12.events"]


def test_whose_a_call_was_may_be_unknown_and_then_it_is_named(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    masked = call_record(call("CA7", caller="…4567", lead=()))
    office.database.run(WITHIN_S, lambda c: put(c, [masked], AT))
    assert forget.main([NUMBER, "--yes"]) == 1
    assert office.kept_sids() == {"CA2", "CA7"} and "CA7" in capsys.readouterr().err


@pytest.mark.parametrize("told", ['{"caller":"+972501234567"}', '{"row":{"טלפון":"050-1234567"}}'])
def test_a_lead_on_its_way_goes_though_nothing_else_is_kept_of_its_caller(office: Office, told: str) -> None:
    """They were not let in, or LEADS_FILE was moved away: there is no call, and no line in a file."""
    office.leads.unlink()
    outbox = Outbox(office.database)
    lines = [Line("CA8", told, AT), Line("CA9", told.replace("4567", "9999"), AT)]
    outbox.add(lines)
    whole = {found.lead: found for found in outbox.in_the_making()}
    outbox.add([Line("line-1", told, AT)])
    outbox.settle(whole["CA8"], {"webhook": told}, AT)
    assert forget.main([NUMBER, "--yes"]) == 0
    assert outbox.undelivered() == []
    assert [found.lead for found in outbox.in_the_making()] == ["CA9"]


def test_the_command_knows_where_event_logs_are(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = office.leads.parent / "events"
    folder.mkdir()
    (folder / "CA1.events").write_bytes(b"\xff")
    monkeypatch.setenv("EVENT_LOG_DIR", str(folder))
    at_events = call("CA1", caller=NUMBER, event_log="CA1.events")
    office.database.run(WITHIN_S, lambda c: put(c, [call_record(at_events)], AT))
    assert forget.main(["--yes", NUMBER]) == 0
    assert list(folder.iterdir()) == []
