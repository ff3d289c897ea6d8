"""Twilio's side of the media stream: its messages, and its objections."""

import base64
import json

import pytest

from server.audio.frames import SILENT_FRAME
from server.simulator.link import DelayLine
from server.simulator.script import CallerScript, Keys, Manners, Say
from server.simulator.sounds import Clip, line_noise
from server.simulator.stream import CallIds, MediaStream

IDS = CallIds("AC1", "CA1", "MZ1")
TONE = Clip.from_pcm16(b"\x00\x10" * 320)
FIRST = Manners(reply_after_s=0.02, speak_first=True)


def make_stream(steps=(), manners=FIRST, **more):
    return MediaStream(IDS, CallerScript(steps, manners), **more)


def tick(stream, times=1):
    return [json.loads(text) for _ in range(times) for text in stream.tick(stream.due_s)]


def message(event, body=None, sid="MZ1"):
    return json.dumps({"event": event, "streamSid": sid} | ({event: body} if body is not None else {}))


def audio(mulaw):
    return {"payload": base64.b64encode(mulaw).decode()}


def test_opening():
    connected, start = (json.loads(text) for text in make_stream(parameters={"token": "t"}).opening())
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC1",
            "streamSid": "MZ1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t"},
        },
        "streamSid": "MZ1",
    }


def test_media_flows_in_silence_and_numbers_are_strings():
    stream = make_stream()
    stream.opening()
    first, second = tick(stream, 2)
    assert first["media"]["payload"] == base64.b64encode(SILENT_FRAME).decode()
    assert second == {
        "event": "media",
        "sequenceNumber": "3",
        "media": {"track": "inbound", "chunk": "2", "timestamp": "20"} | audio(SILENT_FRAME),
        "streamSid": "MZ1",
    }


def test_the_callers_voice_goes_out_after_it_was_spoken():
    stream = make_stream([Say("a", TONE)])
    sent = tick(stream, 4)
    voiced = [m["media"]["payload"] == TONE.frames[0].payload for m in sent]
    assert voiced == [False, True, True, False]
    assert bytes(stream.said[160:320]) == TONE.frames[0].mulaw


def test_keys_and_the_sequence_count_every_message():
    stream = make_stream([Keys("5")])
    stream.opening()
    sent = tick(stream, 3)
    assert [m["event"] for m in sent] == ["media", "media", "dtmf", "media"]
    assert sent[2]["dtmf"] == {"track": "inbound_track", "digit": "5"}
    assert [m["sequenceNumber"] for m in sent] == ["2", "3", "4", "5"]


def test_mark_is_echoed_after_its_audio():
    stream = make_stream()
    stream.receive(message("media", audio(b"\x20" * 320)), 0.0)
    assert stream.receive(message("mark", {"name": "m"}), 0.0) == []
    assert [m["event"] for m in tick(stream, 2)] == ["media", "mark", "media"]
    assert bytes(stream.buffer.heard[:320]) == b"\x20" * 320


def test_clear_returns_marks_at_once():
    stream = make_stream()
    stream.receive(message("media", audio(b"\x20" * 3200)), 0.0)
    stream.receive(message("mark", {"name": "m"}), 0.0)
    (echo,) = stream.receive(message("clear"), 0.01)
    assert json.loads(echo)["mark"] == {"name": "m"}


def test_stop():
    stop = json.loads(make_stream().stop())
    assert stop["event"] == "stop" and stop["stop"] == {"accountSid": "AC1", "callSid": "CA1"}


def test_line_noise_lies_under_everything():
    stream = make_stream(noise=line_noise("white", -50.0))
    (frame,) = tick(stream)
    assert base64.b64decode(frame["media"]["payload"]) != SILENT_FRAME


OBJECTIONS = {
    "binary": (b"\x00", "31950"),
    "not JSON": ("hello", "31924"),
    "not an object": ("[1]", "31924"),
    "own message": (message("hello", {}), "31924"),
    "no stream": (message("clear", sid=None), "31924"),
    "other stream": (message("media", audio(b"x"), sid="MZ2"), "31924"),
    "no body": (message("media"), "31924"),
    "not base64": (message("media", {"payload": "***"}), "31924"),
    "empty audio": (message("media", {"payload": ""}), "31924"),
    "payload is a number": (message("media", {"payload": 5}), "31924"),
    "WAV header": (message("media", audio(b"RIFF" + b"\xff" * 40)), "31924"),
    "nameless mark": (message("mark", {}), "31924"),
    "11 minutes": (message("media", audio(b"\xff" * (11 * 60 * 8000))), "31931"),
}


@pytest.mark.parametrize("text, code", OBJECTIONS.values(), ids=OBJECTIONS)
def test_objection(text, code):
    stream = make_stream()
    assert stream.receive(text, 0.5) == []
    assert [(p.at_s, p.code) for p in stream.problems] == [(0.5, code)]


def test_objections_are_bounded():
    stream = make_stream()
    for _ in range(100):
        stream.receive("hello", 0.0)
    assert len(stream.problems) == 50


def test_delay_never_reorders():
    line = DelayLine(delay_ms=50, jitter_ms=40, seed=3)
    for n in range(50):
        line.push(str(n), n / 1000)
    assert line.pop_due(0.049) == []
    assert not line.transparent and 0.05 <= line.next_due_s <= 0.09
    assert line.pop_due(1.0) == [str(n) for n in range(50)]
    assert line.next_due_s == float("inf")
