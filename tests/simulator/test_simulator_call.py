"""Whole calls over real sockets, against a small server that talks in tones. A second or two each."""

import json
import wave
from dataclasses import replace

import pytest
from twilio.request_validator import RequestValidator

from server.audio.frames import level_rms
from server.simulator.__main__ import main, place_call
from server.simulator.call import CallPlan
from server.simulator.load import load_as_json, load_as_text, run_load
from server.simulator.report import as_json, as_text
from server.simulator.script import Keys, Manners, Say
from server.simulator.sounds import Clip, synthetic_speech
from server.simulator.webhooks import Endpoint
from tests.simulator.talking_server import PUBLIC_URL, TWIML, TalkingServer

pytestmark = pytest.mark.servers

LINE = Clip.from_pcm16(synthetic_speech(0.3))
QUICK = Manners(reply_after_s=0.1, patience_s=1.0, linger_s=0.1)


@pytest.fixture
def talking_server():
    server = TalkingServer()
    yield server
    server.close()


def make_plan(server, steps, manners=QUICK, **more):
    return CallPlan(Endpoint(server.url, PUBLIC_URL), steps, manners, max_s=20.0, **more)


def test_a_call_from_ringing_to_hanging_up(talking_server, monkeypatch, capfd):
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "12345")
    steps = [Say("a", LINE), Say("b", LINE, interrupt_after_s=0.15)]
    report = place_call(make_plan(talking_server, steps, delay_ms=10, jitter_ms=10), expect_turns=2)
    assert report.reasons == ()
    first, second = report.timeline.turns
    assert 0.1 < first.gap_s < 0.5 and second.barge_in.clear_ms < 300
    check_webhooks(talking_server, report)
    check_messages(talking_server.messages, report)
    check_pages(report)


def check_webhooks(server, report):
    by_name = [name for name, _, _ in server.requests]
    assert by_name[0] == "incoming_call"
    assert sorted(by_name[1:]) == ["stream_ended", "stream_status", "stream_status"]
    validator = RequestValidator("12345")
    for name, form, headers in server.requests:
        url = f"{PUBLIC_URL}/webhook/{name}"
        assert validator.validate(url, form, headers["X-Twilio-Signature"])
        assert form["CallSid"] == report.record.ids.call_sid
    signature = server.handshake["X-Twilio-Signature"]
    assert signature == validator.compute_signature("wss://agent.example/ws/twilio-media", {})
    events = [form["StreamEvent"] for _, form, _ in server.requests if "StreamEvent" in form]
    assert events == ["stream-started", "stream-stopped"]


def check_messages(messages, report):
    assert [m["event"] for m in messages[:2]] == ["connected", "start"]
    assert messages[1]["start"]["customParameters"] == {"token": "t0k3n"}
    assert messages[-1]["event"] == "stop"
    numbers = [int(m["sequenceNumber"]) for m in messages[1:]]
    assert numbers == list(range(1, len(numbers) + 1))
    timestamps = [int(m["media"]["timestamp"]) for m in messages if m["event"] == "media"]
    assert timestamps == list(range(0, 20 * len(timestamps), 20))
    assert len(timestamps) == report.record.stream.frames_sent


def check_pages(report):
    page = as_text(report)
    assert "Response gap" in page and "Barge-in" in page and "OK: 2 of 2" in page
    plain = json.loads(json.dumps(as_json(report)))
    assert plain["ok"] and plain["turns"][0]["answers"] == 1


def test_the_command_writes_its_files_and_fails_with_a_reason(talking_server, tmp_path, capsys):
    recording, page = tmp_path / "call.wav", tmp_path / "call.json"
    status = main(
        [
            "--url",
            talking_server.url,
            "--public-url",
            PUBLIC_URL,
            "--synthetic",
            "--say",
            "שלום",
            "--hint-s",
            "0",
        ]
        + ["--reply-after-ms", "100", "--hangup-after", "1.8", "--expect-turns", "7"]
        + ["--record", str(recording), "--json", str(page)]
    )
    assert status == 1
    printed = capsys.readouterr().out
    assert "FAILED: turns answered: 1, expected: 7 or more" in printed
    assert f"The call is in {recording}:" in printed and f"The report is in {page}." in printed
    assert json.loads(page.read_text(encoding="utf-8"))["turns"][0]["text"] == "שלום"
    with wave.open(str(recording)) as wav:
        assert wav.getnchannels() == 2 and wav.getnframes() == pytest.approx(8000 * 1.8, abs=1600)


def test_greeting_by_play_then_a_goodbye_of_the_server(talking_server):
    talking_server.documents["incoming_call"] = TWIML.replace(
        "<Connect", "<Play>/media/hello.wav</Play><Connect"
    )
    talking_server.replies = 2
    report = place_call(make_plan(talking_server, [Say("a", LINE)], Manners(0.6, 1.0, 3.0)))
    assert report.reasons == ()
    assert report.record.ending == "hung up by the server"
    assert report.record.live.ended_by_server
    caller, agent = report.record.recording()
    at = round(report.record.played[0][0] * 8000)
    assert level_rms(agent[at : at + 1600]) > 1000 and report.record.stream_at_s >= 0.2
    assert [form["CallStatus"] for name, form, _ in talking_server.requests if name == "stream_ended"] == [
        "in-progress"
    ]


def test_agent_only_plays(talking_server):
    talking_server.documents["incoming_call"] = (
        '<Response><Say language="he-IL">א</Say><Pause length="0"/><Play>/media/none.wav</Play></Response>'
    )
    report = place_call(make_plan(talking_server, []))
    assert [reason.split()[0] for reason in report.reasons] == ["13512", "11200"]


def test_connection_that_is_lost(talking_server):
    talking_server.vanish = True
    report = place_call(make_plan(talking_server, [Say("a", LINE)]))
    assert report.reasons[0].startswith("the stream broke off")
    assert "0 of the caller's 1 steps" in " ".join(report.reasons)
    events = [form.get("StreamEvent") for _, form, _ in talking_server.requests]
    assert "stream-error" in events


def test_call_that_does_not_end(talking_server):
    plan = make_plan(talking_server, [Say("a", LINE)], Manners(patience_s=60))
    report = place_call(replace(plan, max_s=0.5))
    assert "the call was not over after 0.5 s" in report.reasons
    assert talking_server.messages[-1]["event"] == "stop"


FAILURES = {
    "busy": ({"incoming_call": 503}, {}, "11200 https://agent.example/webhook/incoming_call answered 503"),
    "status callback": ({"stream_status": 500}, {}, "answered stream-started with 500"),
    "not TwiML": ({}, {"incoming_call": "<html/>"}, "12100"),
    "no socket there": ({}, {"incoming_call": TWIML.replace("twilio-media", "nothing")}, "31920"),
    "no stream": ({}, {"incoming_call": "<Response><Reject/></Response>"}, "no media stream: rejected"),
    "two streams": ({}, {"stream_ended": TWIML}, "more than 5 streams"),
}


@pytest.mark.parametrize("statuses, documents, reason", FAILURES.values(), ids=FAILURES)
def test_failure_is_named(talking_server, statuses, documents, reason):
    talking_server.statuses, talking_server.replies = statuses, 1
    talking_server.documents |= documents
    report = place_call(make_plan(talking_server, [], Manners(0.1, 0.5, 2.0)))
    assert reason in " ".join(report.reasons)


MISTAKEN = f"{PUBLIC_URL}/webhook/incoming_call"


@pytest.mark.parametrize(
    "what_the_server_says, reason",
    [
        ({"statuses": {"incoming_call": 403}}, f"{MISTAKEN} answered 403"),
        (
            {"documents": {"incoming_call": TWIML.replace(PUBLIC_URL[8:], MISTAKEN[8:])}},
            f"31920 WebSocket to wss{MISTAKEN[5:]}/ws/twilio-media: Handshake status 404",
        ),
    ],
    ids=["signatures of another URL", "a socket at another URL"],
)
def test_a_server_that_mistakes_its_public_url_fails_as_with_twilio(
    talking_server, what_the_server_says, reason
):
    """Newcomer 15: Twilio calls the URL in its console, whatever PUBLIC_BASE_URL says."""
    talking_server.statuses = what_the_server_says.get("statuses", {})
    talking_server.documents |= what_the_server_says.get("documents", {})
    plan = CallPlan(Endpoint(talking_server.url, MISTAKEN), [Say("a", LINE)], QUICK, max_s=5.0)
    report = place_call(plan)
    assert [exchange.url for exchange in report.record.exchanges][0] == MISTAKEN
    assert reason in report.reasons[0]
    assert f"before /webhook/…: {PUBLIC_URL}, not {MISTAKEN}" in " ".join(report.reasons)


def test_unanswered_keys_are_reported(talking_server):
    report = place_call(make_plan(talking_server, [Keys("1")], Manners(0.1, 0.3, 0.1)))
    assert report.reasons == ("turn 1 was not answered",)


def test_a_server_that_is_not_there():
    report = place_call(CallPlan(Endpoint("http://127.0.0.1:9", "http://127.0.0.1:9"), []))
    assert not report.ok and "11200" in report.reasons[0]
    assert "FAILED" in as_text(report)


def test_load(talking_server):
    load = run_load(make_plan(talking_server, [Say("a", LINE)]), calls=3, ramp_s=0.2, pids=[])
    assert (load.calls, load.failed, load.turns, load.missed) == (3, 0, 3, 0)
    assert load.response_gap.count == 3 and load.frames > 100
    assert "3 calls, 0 failed" in load_as_text(load)
    assert load_as_json(load)["barge_in"]["p50"] is None
