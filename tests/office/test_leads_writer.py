"""What a call leaves behind for the office."""

import json
import logging
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from server.call.call_record import CallSummary, Ended
from server.office.business_hours import ISRAEL
from server.office.lead import Missed
from server.office.leads_writer import LeadsWriter
from server.shared_state.state import SharedState
from server.turns.effects import PhoneCall

CALLER = "+972501112222"
DETAILS = (("name", "דנה לוי"), ("phone", "0501234567"))


@pytest.fixture(autouse=True)
def logged(caplog):
    caplog.set_level(logging.INFO, "agent")
    return caplog


def leads(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# ---- B3: leads


def test_b3_leads_are_lines_of_json(tmp_path, logged):
    """B3: one a line, in Hebrew that can be read, with its call, number and time; the log has no details.

    newcomer 13: the time is the office's.
    """
    file = tmp_path / "leads.jsonl"
    writer = LeadsWriter(str(file), SharedState(), now=lambda: datetime(2026, 7, 1, 12, 30, tzinfo=ISRAEL))
    writer.save_lead("CA1", CALLER, DETAILS)
    writer.save_lead("CA2", CALLER, (("note", "שורה\nשנייה"),))
    first, second = leads(file)
    whose = {"call_sid": "CA1", "caller": CALLER, "at": "2026-07-01T12:30:00+03:00"}
    assert first == {"kind": "detail", "name": "דנה לוי", "phone": "0501234567", **whose}
    assert (second["call_sid"], second["note"]) == ("CA2", "שורה\nשנייה")
    assert "דנה לוי" in file.read_text(encoding="utf-8")
    assert logged.messages == ["LEAD_SAVED call=CA1", "LEAD_SAVED call=CA2"]


def test_b3_leads_are_the_owners_only(tmp_path):
    """B3: callers' details are nobody else's."""
    file = tmp_path / "leads.jsonl"
    LeadsWriter(str(file), SharedState()).save_lead("CA1", CALLER, DETAILS)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_b3_leads_are_added_to_what_is_there(tmp_path):
    """B3: a restart loses none."""
    file = tmp_path / "leads.jsonl"
    file.write_text('{"call_sid": "CA0"}\n', encoding="utf-8")
    LeadsWriter(str(file), SharedState()).save_lead("CA1", CALLER, DETAILS)
    assert [lead["call_sid"] for lead in leads(file)] == ["CA0", "CA1"]


def test_b3_the_folder_of_the_leads_is_made(tmp_path):
    """B3: the first lead is not lost to a folder that nobody has made."""
    file = tmp_path / "var" / "leads" / "leads.jsonl"
    LeadsWriter(str(file), SharedState()).save_lead("CA1", CALLER, DETAILS)
    assert [lead["call_sid"] for lead in leads(file)] == ["CA1"]


@pytest.mark.parametrize("kind", ["a folder", "below a file"])
def test_b3_a_lead_that_cannot_be_written_is_in_the_log(tmp_path, logged, kind):
    """B3: what a caller told us is not lost to a full or missing disk."""
    (tmp_path / "file").touch()
    file = tmp_path if kind == "a folder" else tmp_path / "file" / "leads.jsonl"
    LeadsWriter(str(file), SharedState()).save_lead("CA1", CALLER, DETAILS)
    (complaint,) = logged.messages
    assert complaint.startswith(f"LEAD_ERR LEADS_FILE={file}: ")
    assert json.loads(complaint.partition("it is kept here: ")[2])["phone"] == "0501234567"


def test_b3_without_a_file_leads_are_in_the_log(logged, tmp_path, monkeypatch):
    """B3: LEADS_FILE empty."""
    monkeypatch.chdir(tmp_path)
    LeadsWriter("", SharedState()).save_lead("CA1", CALLER, DETAILS)
    (line,) = logged.messages
    assert json.loads(line.removeprefix("LEAD "))["name"] == "דנה לוי"
    assert list(tmp_path.iterdir()) == []


def test_b3_what_only_hides_or_turns_round_is_not_kept(tmp_path, logged):
    """B3: in a name, a value, the CallSid that anybody may give to an open server; nor in the log."""
    file = tmp_path / "leads.jsonl"
    forged = "CA1\n2026-01-01 \u202eforged\x1b[2J"
    details = (("name", "ד\u200bנ\u202eה\u200f"), ("no\x00te", "א\tב\u2028ג\x9b"), ("ki\u200bnd", "x"))
    LeadsWriter(str(file), SharedState()).save_lead(forged, CALLER, (*details, ("long", "א" * 100_000)))
    (lead,) = leads(file)
    assert (lead["name"], lead["no te"], lead["detail_kind"]) == ("דנה", "א ב\nג ", "x")
    assert len(lead["long"]) == 4000
    assert lead["call_sid"] == "CA1 2026-01-01 forged [2J"
    assert logged.messages == ["LEAD_SAVED call=CA1 2026-01-01 forged [2J"]


def test_b3_a_lead_of_odd_characters_is_kept(tmp_path):
    """B3: a model may give half of a surrogate pair; the rest of the lead is there all the same."""
    file = tmp_path / "leads.jsonl"
    LeadsWriter(str(file), SharedState()).save_lead("CA1", CALLER, (("name", "דנה \ud83d"), ("phone", "050")))
    (lead,) = leads(file)
    assert lead["phone"] == "050" and lead["name"].startswith("דנה")


def test_b3_leads_of_many_calls_do_not_mix(tmp_path):
    """B3: each is written at once."""
    file = tmp_path / "leads.jsonl"
    writer = LeadsWriter(str(file), SharedState())
    threads = [
        threading.Thread(target=writer.save_lead, args=(f"CA{n}", CALLER, (("note", "א" * 5000),)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(lead["call_sid"] for lead in leads(file)) == [f"CA{n}" for n in range(8)]


def test_newcomer_13_a_lead_holds_the_number_itself(tmp_path):
    """newcomer 13: "the number they called from" is no number; another one that is meant stays."""
    file = tmp_path / "leads.jsonl"
    writer = LeadsWriter(str(file), SharedState())
    for phone in ("המספר שממנו התקשרו", "לא למספר הזה"):
        writer.save_lead("CA1", CALLER, (("phone", phone),))
    assert [lead["phone"] for lead in leads(file)] == [CALLER, "לא למספר הזה"]
    assert writer.can_call_back("CA1", "") and not writer.can_call_back("CA2", "")


def test_f11_a_hidden_number_is_no_number(tmp_path):
    """F11: nothing to dial, also where the LLM has written "this number"; one left in words is a number."""
    file = tmp_path / "leads.jsonl"
    writer = LeadsWriter(str(file), SharedState())
    writer.save_lead("CA1", "", (("name", "דנה"), ("phone", "this number")))
    (lead,) = leads(file)
    assert (lead["caller"], lead["hidden"], "phone" in lead) == ("", True, False)
    assert not writer.can_call_back("CA1", "")
    writer.save_lead("CA1", "", (("message", "אפס חמש אפס אחת שתיים שלוש ארבע חמש שש שבע"),))
    assert writer.can_call_back("CA1", "")


def test_newcomer_4_a_missed_caller_is_a_line_once(tmp_path):
    """newcomer 4: whoever says so: webhooks come again; each call of a caller counts."""
    file = tmp_path / "leads.jsonl"
    writer = LeadsWriter(str(file), SharedState())
    for call_sid in ("CA1", "CA1", "CA2", ""):
        writer.save_missed(call_sid, CALLER, Missed.BUSY)
    assert [(lead["call_sid"], lead["kind"], lead["missed"], lead["caller"]) for lead in leads(file)] == [
        ("CA1", "missed", "busy", CALLER),
        ("CA2", "missed", "busy", CALLER),
    ]


def test_b3_a_detail_cannot_pass_for_another_line(tmp_path):
    """B3: a host's LLM may name its details as it likes."""
    file = tmp_path / "leads.jsonl"
    LeadsWriter(str(file), SharedState()).save_lead(
        "CA1", CALLER, (("kind", "call"), ("caller", "x"), ("name", "דנה"))
    )
    (lead,) = leads(file)
    assert (lead["kind"], lead["caller"], lead["name"]) == ("detail", CALLER, "דנה")


SUMMARY = CallSummary(
    call=PhoneCall("CA1", CALLER),
    at=datetime(2026, 12, 1, 7, 30, tzinfo=UTC),
    ended=Ended.CALLER,
    missed=None,
    duration_s=63.24,
    turns=6,
    gap_ms=900,
    barge_ins=1,
    stt_errors=0,
    llm_errors=0,
    tts_errors=0,
    lead={"name": "דנה", "phone": CALLER},
)


def test_newcomer_13_a_call_is_one_whole_line(tmp_path):
    """newcomer 13: all of it together, when it began by the office's clock, and how it ended."""
    file = tmp_path / "leads.jsonl"
    writer = LeadsWriter(str(file), SharedState())
    writer.save_call(SUMMARY)
    writer.save_call(replace(SUMMARY, call=PhoneCall("CA2", ""), missed=Missed.NO_WORD, lead={}))
    assert leads(file) == [
        {
            "kind": "call",
            "name": "דנה",
            "phone": CALLER,
            "ended": "caller",
            "duration_s": 63.2,
            "turns": 6,
            "at": "2026-12-01T09:30:00+02:00",
            "call_sid": "CA1",
            "caller": CALLER,
        },
        {
            "kind": "call",
            "ended": "caller",
            "missed": "no_word",
            "duration_s": 63.2,
            "turns": 6,
            "at": "2026-12-01T09:30:00+02:00",
            "call_sid": "CA2",
            "caller": "",
            "hidden": True,
        },
    ]
