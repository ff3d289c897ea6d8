"""newcomer 4, 12, 13: what a call leaves for the office and the log. Whole calls in simulated time."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from server.office.leads_writer import LeadsWriter
from server.providers.base import ProviderError
from server.shared_state.state import SharedState
from server.turns.effects import EndCall, SaveLead, Transfer
from server.turns.events import LlmFailed
from tests.simtime.call import SimCall
from tests.simtime.engines import Reply
from tests.simtime.line import Sound

BEGAN = datetime(2026, 12, 1, 7, 30, tzinfo=UTC)
ANSWER = "הבנתי אותך היטב, תודה רבה. נמשיך הלאה?"
STATEMENT = "הבנתי אותך היטב, תודה רבה."
CALLER = "+972501112222"


def call_of(tmp_path, sounds, replies=(), *, caller=CALLER, knobs=None, **more):
    """``replies``: a text or a Reply each, then ANSWER for ever."""
    left = list(replies)
    knobs = {"leads_file": str(tmp_path / "leads.jsonl"), "office_hours": "", **(knobs or {})}
    call = SimCall(
        sounds, reply=lambda _: left.pop(0) if left else ANSWER, knobs=knobs, caller=caller or "", **more
    )
    leads = LeadsWriter(knobs["leads_file"], SharedState(), now=lambda: BEGAN)
    call.host = {"leads": leads, "now": lambda: BEGAN}
    return call


def lines_of(tmp_path):
    file = tmp_path / "leads.jsonl"
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.exists() else []


def whole(tmp_path):
    """The one whole line."""
    (line,) = (line for line in lines_of(tmp_path) if line["kind"] == "call")
    return line


def over(call):
    """The fields of the CALL_OVER line."""
    (line,) = call.lines("CALL_OVER")
    assert line.startswith("CALL_OVER sid=MZ1 ")
    return dict(field.split("=") for field in line.split()[1:])


def turns(count):
    return [Sound(3 + 8 * number, 1.5) for number in range(count)]


def test_newcomer_13_everything_of_a_call_is_in_one_line(tmp_path):
    """newcomer 13: what was told in three turns; the lines that are written at once are there as well."""
    told = (
        SaveLead((("name", "דנה"), ("notes", "עד הקיץ"), ("phone", "המספר שממנו התקשרו"))),
        SaveLead((("name", "דנה לוי"), ("city", "חיפה"))),
        SaveLead((("notes", "קומה גבוהה"), ("message", "תחזרו בבוקר"))),
    )
    call = call_of(tmp_path, turns(3), [Reply(ANSWER, acts=(lead,)) for lead in told])
    call.run(30)
    assert [line["kind"] for line in lines_of(tmp_path)] == ["detail", "detail", "detail", "call"]
    assert whole(tmp_path) == {
        "kind": "call",
        "name": "דנה לוי",
        "notes": "עד הקיץ / קומה גבוהה",
        "phone": CALLER,
        "city": "חיפה",
        "message": "תחזרו בבוקר",
        "ended": "caller",
        "duration_s": pytest.approx(30, abs=0.2),
        "turns": 3,
        "at": "2026-12-01T09:30:00+02:00",
        "call_sid": "CA1",
        "caller": CALLER,
    }


def test_newcomer_12_a_call_ends_with_one_line_in_the_log(tmp_path):
    """newcomer 12: how long, how it went and ended; nothing that was said or left."""
    sounds = [*turns(2), Sound(14.4, 1.5)]
    call = call_of(tmp_path, sounds, [Reply(ANSWER, acts=(SaveLead((("name", "דנה"),)),))], llm_s=0.4)
    call.run(25)
    fields = over(call)
    gaps = [int(line.split("ms=")[1].split()[0]) for line in call.lines("RESPONSE_GAP")]
    assert fields["longest_gap_ms"] == str(max(gaps)) and fields["turns"] == str(len(gaps))
    assert fields["barge_ins"] == str(len(call.lines("BARGE_IN: interrupt"))) != "0"
    assert (fields["ended"], fields["call"], fields["details"]) == ("caller", "CA1", "1")
    assert float(fields["duration_s"]) == pytest.approx(25, abs=0.2)
    assert (fields["stt_errors"], fields["llm_errors"], fields["tts_errors"]) == ("0", "0", "0")
    assert "missed" not in fields and "דנה" not in call.lines("CALL_OVER")[0]


def test_newcomer_12_errors_are_counted(tmp_path):
    """newcomer 12: of each kind."""
    stt = ["שלום לך", ProviderError("down"), "עוד משהו"]
    call = call_of(tmp_path, turns(3), [ProviderError("no model")], stt=stt, premade=False)
    call.voice.fails = lambda text: text.startswith("נמשיך")
    call.run(30)
    fields = over(call)
    assert any(isinstance(event, LlmFailed) for event, _ in call.events)
    assert (fields["stt_errors"], fields["llm_errors"]) == ("1", "1")
    assert int(fields["tts_errors"]) == len(call.lines("TTS_ERR")) > 0


@pytest.mark.parametrize("act, ended", [(EndCall(), "agent"), (Transfer(), "transfer")])
def test_newcomer_12_our_own_end(tmp_path, act, ended):
    """newcomer 4: who is put through is not lost, whatever comes of it: the webhook says so then."""
    call = call_of(
        tmp_path, turns(1), [Reply(STATEMENT, acts=(act,))], knobs={"transfer_number": "+97231234567"}
    )
    call.run(14, hang_up=False)
    assert over(call)["ended"] == whole(tmp_path)["ended"] == ended
    assert whole(tmp_path).get("missed") == {"agent": "no_details", "transfer": None}[ended]


def test_newcomer_4_a_hang_up_without_a_word(tmp_path):
    call_of(tmp_path, []).run(6)
    assert [line["missed"] for line in lines_of(tmp_path)] == ["no_word"]
    assert whole(tmp_path)["caller"] == CALLER


def test_newcomer_4_not_heard_is_not_without_a_word(tmp_path):
    """newcomer 3, 4: the STT is broken."""
    call_of(tmp_path, turns(1), stt=[ProviderError("no key")]).run(9)
    assert whole(tmp_path)["missed"] == "not_heard"


@pytest.mark.parametrize("keys", [[], [(4.0, "0")]], ids=["said", "key"])
def test_newcomer_4_a_person_who_was_asked_for_and_is_not_there(tmp_path, keys):
    """newcomer 4: the office is closed, and the caller hangs up at that."""
    call_of(tmp_path, [] if keys else turns(1), stt=["נציג"], keys=keys).run(14)
    assert [line["missed"] for line in lines_of(tmp_path)] == ["no_person"]


def test_newcomer_4_who_spoke_and_left_nothing(tmp_path):
    call = call_of(tmp_path, turns(1))
    call.run(14)
    assert whole(tmp_path)["missed"] == over(call)["missed"] == "no_details"


@pytest.mark.parametrize("person", [False, True])
def test_newcomer_4_our_failure(tmp_path, person):
    """newcomer 4: lost, unless stream_ended puts them through: then nobody else knows yet."""
    call = call_of(tmp_path, turns(1), knobs={"transfer_number": "+97231234567" if person else ""})

    def bug(low, high):
        raise RuntimeError("a bug of ours")

    call.host["breath"] = bug
    call.run(9, hang_up=False)
    assert call.finished and over(call)["ended"] == "failed"
    assert whole(tmp_path).get("missed") == (None if person else "failed")


def test_newcomer_12_a_call_that_the_server_cuts(tmp_path):
    call = call_of(tmp_path, turns(1))
    call.run(6, hang_up=False)
    call.line.sock = SimpleNamespace(shutdown=lambda how: call.line.receiver.close())
    call.handler.cut()
    call.until(8)
    assert (over(call)["ended"], whole(tmp_path)["missed"]) == ("cut", "failed")


def test_newcomer_12_a_call_that_the_server_ends_politely(tmp_path):
    """F4: with what it has left for the office."""
    call = call_of(tmp_path, turns(1))
    call.runtime.call_at(9.0, lambda: call.handler.close_down())
    call.run(20, hang_up=False)
    assert over(call)["ended"] == "drained"
    assert whole(tmp_path)["message"] and "missed" not in whole(tmp_path)


def test_newcomer_12_a_peer_that_stalls(tmp_path):
    call = call_of(tmp_path, [])
    call.run(3, hang_up=False)
    call.until(15)
    assert (over(call)["ended"], whole(tmp_path)["missed"]) == ("stalled", "failed")


def test_newcomer_4_a_socket_that_was_never_a_call_leaves_nothing(tmp_path):
    call = call_of(tmp_path, [])
    call.host["admit"] = lambda start: "a used token"
    call.run(3)
    assert lines_of(tmp_path) == [] and call.lines("CALL_OVER") == []


def test_f11_a_hidden_caller_of_a_whole_line(tmp_path):
    """F11: no number to dial, and "this number" is none."""
    lead = SaveLead((("name", "דנה"), ("phone", "this number")))
    call_of(tmp_path, turns(1), [Reply(ANSWER, acts=(lead,))], caller="+266696687").run(14)
    line = whole(tmp_path)
    assert (line["caller"], line["hidden"], line["name"]) == ("", True, "דנה")
    assert "phone" not in line and "266696687" not in json.dumps(lines_of(tmp_path))


def test_newcomer_12_frames_are_logged_after_a_second_and_once_a_minute(tmp_path):
    """newcomer 12: the playbook looks for the first within two seconds."""
    call = call_of(tmp_path, turns(1))
    call.run(130)
    assert [line.split("rx=")[1] for line in call.lines("WS_MEDIA")] == ["50", "3000", "6000"]
    first = next(at for at, line in zip(call.log_times, call.log, strict=True) if "WS_MEDIA" in line)
    assert first < 2


def test_b3_a_disk_that_hangs_at_the_end_holds_nothing(tmp_path):
    """F6: the whole line is written on a thread of its own."""
    call = call_of(tmp_path, turns(1))
    never = call.runtime.event()
    call.host["leads"].save_call = lambda summary: never.wait(60.0)
    call.run(10)
    assert call.finished and call.lines("CALL_OVER")
