"""The command line, the log and the sounds."""

import io
import os
import time
import wave

import pytest

from server.audio.frames import mulaw_to_pcm16
from server.simulator import cli
from server.simulator.__main__ import main, make_plan
from server.simulator.load import Percentiles, ServerCpu
from server.simulator.script import Burst, Keys, Say, Wait
from server.simulator.serverlog import LogEntry, LogFollower, parse_line
from server.simulator.sounds import (
    BURST_KINDS,
    NOISE_KINDS,
    Clip,
    burst,
    line_noise,
    read_wav,
    synthetic_speech,
    write_stereo_wav,
)
from server.simulator.webhooks import Endpoint, public_url_of_the_server, sign

SID = "MZ" + "0a" * 16


def parse(*argv):
    return cli.build_parser().parse_args(argv)


def steps(*argv):
    return [(step.kind, step.value, step.interrupt_after_s) for step in parse(*argv).steps.resolved()]


def test_steps_keep_their_order():
    given = steps("--say", "a", "--dtmf", "1#", "--wait", "2", "--say", "b")
    assert given == [("say", "a", None), ("dtmf", "1#", None), ("wait", "2", None), ("say", "b", None)]


INTERRUPTIONS = {
    "the next line": (
        ("--say", "a", "--interrupt-after", "1.5", "--dtmf", "1", "--say", "b"),
        [None, None, 1.5],
    ),
    "a chosen line": (
        ("--interrupt-after", "1@2", "--say", "a", "--dtmf", "1", "--say", "b"),
        [None, None, 1.0],
    ),
    "afterwards": (("--say", "a", "--say", "b", "--interrupt-after", "0.5@1"), [0.5, None]),
}


@pytest.mark.parametrize("argv, expected", INTERRUPTIONS.values(), ids=INTERRUPTIONS)
def test_interruption(argv, expected):
    assert [interrupt for _, _, interrupt in steps(*argv)] == expected


def test_each_command_line_starts_empty():
    assert len(steps("--say", "a")) == len(steps("--say", "b")) == 1


def test_demonstration_has_one_interruption():
    demonstration = steps()
    assert [text for _, text, _ in demonstration] == list(cli.DEFAULT_LINES)
    assert sum(interrupt is not None for _, _, interrupt in demonstration) == 1


WRONG = {
    "empty line": ["--say", " "],
    "letters on the keypad": ["--dtmf", "1a"],
    "no such file": ["--wav", "/nowhere.wav"],
    "no time": ["--wait", "soon"],
    "no interruption": ["--interrupt-after", "x", "--say", "a"],
    "nothing interrupts": ["--say", "a", "--interrupt-after", "1"],
    "line that is not there": ["--synthetic", "--say", "a", "--interrupt-after", "1@2"],
    "unknown burst": ["--noise-burst", "sneeze@1+1"],
    "unknown noise": ["--noise", "pink:-50"],
    "loud noise": ["--noise", "white:50"],
    "no pid": ["--pid", "me"],
    "no scheme": ["--synthetic", "--url", "127.0.0.1:5000"],
    "negative delay": ["--synthetic", "--delay-ms", "-1"],
    "one file for many calls": ["--synthetic", "--calls", "2", "--record", "x.wav"],
    "no calls": ["--synthetic", "--calls", "0"],
    "no folder for the recording": ["--synthetic", "--record", "/nowhere/call.wav"],
    "a folder for a report": ["--synthetic", "--json", "/"],
    "no such voice": ["--voice", "nobody", "--say", "שלום"],
    "a demonstration of another server": [
        "--demo",
        "out",
        "--check-only",
        "--synthetic",
        "--url",
        "http://x",
    ],
    "no pid file": ["--synthetic", "--calls", "2", "--pid-file", "/nowhere.pid"],
}


@pytest.mark.parametrize("argv", WRONG.values(), ids=WRONG)
def test_wrong_usage_is_2(argv, capsys):
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    assert exit_.value.code == 2
    assert capsys.readouterr().err


def test_options_can_be_checked_without_a_call(tmp_path, capsys):
    """Newcomer 14: mistakes are reported before a server is started; correct options print nothing."""
    assert main(["--demo", str(tmp_path), "--check-only", "--synthetic", "--say", "a", "--calls", "3"]) == 0
    assert capsys.readouterr() == ("", "")


def test_wrong_usage_is_one_line_and_where_to_look(capsys):
    """Newcomer 14: in terms of the command that was typed."""
    with pytest.raises(SystemExit):
        main(["--demo", "out", "--check-only", "--sya", "x"])
    usage, error = capsys.readouterr().err.splitlines()
    assert usage.startswith("usage: ./start_all.sh demo") and "--help" in usage and "--sya" in error


@pytest.mark.parametrize(
    "text, expected",
    [
        ("cough@greeting+0.5", Burst("cough", 0, 0.5)),
        ("door@2", Burst("door", 2, 0.0)),
        ("click@t5", Burst("click", None, 5.0)),
    ],
)
def test_burst(text, expected):
    assert cli.parse_burst(text) == expected


def test_plan(tmp_path):
    wav = tmp_path / "line.wav"
    write_stereo_wav(wav, b"\x20" * 800, b"\x20" * 800)
    argv = [
        "--synthetic",
        "--say",
        "a",
        "--dtmf",
        "1",
        "--wait",
        "1",
        "--wav",
        str(wav),
        "--noise",
        "hum:-50",
    ]
    plan = make_plan(parse(*argv, "--hangup-after", "9"))
    say, keys, wait, played = plan.steps
    assert isinstance(say, Say) and keys == Keys("1") and wait == Wait(1.0)
    assert played.text == "line.wav" and len(played.clip.frames) == 5
    assert plan.noise == line_noise("hum", -50.0) and plan.manners.hang_up_after_s == 9


def test_endpoint_maps_what_is_declared_to_where_it_listens():
    endpoint = Endpoint("http://127.0.0.1:5000", "https://agent.example")
    assert endpoint.declared("/webhook/x") == "https://agent.example/webhook/x"
    assert endpoint.reachable("https://agent.example/a?b=c") == "http://127.0.0.1:5000/a?b=c"
    assert endpoint.reachable("wss://agent.example/ws") == "ws://127.0.0.1:5000/ws"
    assert Endpoint("https://a.example", "https://a.example").reachable("wss://x/ws") == "wss://a.example/ws"


MISTAKES = [
    "https://agent.example/webhook/incoming_call",
    "https://agent.example/webhook/incoming_call/",
    "https://agent.example//webhook",
    "https://agent.example/ws/twilio-media",
    "https://agent.example/healthz",
    "https://agent.example?x=1",
    "https://agent.example/?x=1",
    "https://agent.example/#top",
    "https://agent.example/webhook/incoming_call?x=1#top",
]


@pytest.mark.parametrize("public_url", MISTAKES)
@pytest.mark.parametrize("prefix", ["", "/agent"])
def test_twilio_calls_what_its_console_says(public_url, prefix):
    """Newcomer 15: a mistake in PUBLIC_BASE_URL affects the server, not the simulator."""
    endpoint = Endpoint("http://127.0.0.1:5000", public_url.replace(".example", f".example{prefix}"))
    root = f"https://agent.example{prefix}"
    assert endpoint.route("/webhook/incoming_call") == f"{root}/webhook/incoming_call"
    assert endpoint.reachable(f"{root}/webhook/x") == "http://127.0.0.1:5000/webhook/x"
    assert endpoint.mistake.endswith(f": {root}, not {endpoint.public_url}")


@pytest.mark.parametrize(
    "public_url", ["https://agent.example", "https://agent.example/", "http://x:1/agent/"]
)
def test_a_right_public_url_is_taken_as_it_is(public_url):
    endpoint = Endpoint("http://127.0.0.1:5000", public_url)
    assert endpoint.root == public_url.rstrip("/") and endpoint.mistake == ""


@pytest.mark.parametrize(
    "base, host, expected",
    [
        ("https://a.example", "b.example", "https://a.example"),
        ("", "b.example", "https://b.example"),
        ("", "https://b.example/", "https://b.example"),
        ("", "", ""),
    ],
)
def test_the_server_is_called_as_it_believes(monkeypatch, base, host, expected):
    monkeypatch.setenv("PUBLIC_BASE_URL", base)
    monkeypatch.setenv("PUBLIC_HOST", host)
    assert public_url_of_the_server() == expected


def test_signature(monkeypatch):
    """The example in Twilio's documentation."""
    fields = {"CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "Digits": "1234"}
    fields |= {"From": "+14158675309", "To": "+18005551212"}
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    assert sign("https://mycompany.com/myapp.php?foo=1&bar=2", fields) == {}
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "12345")
    signed = sign("https://mycompany.com/myapp.php?foo=1&bar=2", fields)
    assert signed == {"X-Twilio-Signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}


LOG_LINES = {
    f"ASR_TEXT: שלום sid={SID}": ("ASR_TEXT", "שלום"),
    f"2026-01-01T12:00:00.250+02:00 AGENT_TEXT: שלום, מה שלומך? sid={SID} ms=12": (
        "AGENT_TEXT",
        "שלום, מה שלומך?",
    ),
    f"12:00 ASR_ERR: google: no key sid={SID}": ("ASR_ERR", "google: no key"),
    f"AGENT_TEXT:  sid={SID}": ("AGENT_TEXT", ""),
    f"tts_done sid={SID}": None,
    "ASR_TEXT: שלום": None,
}


@pytest.mark.parametrize("line, expected", LOG_LINES.items())
def test_log_line(line, expected):
    assert parse_line(line, 1.0) == (LogEntry(*expected, SID, 1.0) if expected else None)


def test_log_is_followed_from_its_present_end(tmp_path):
    log = tmp_path / "server.log"
    log.write_text(f"ASR_TEXT: ישן sid={SID}\n", encoding="utf-8")
    follower = LogFollower(log, clock=lambda: 7.0)
    with log.open("a", encoding="utf-8") as more:
        more.write(f"ASR_TEXT: חדש sid={SID}\nAGENT_TEXT: חצי")
    assert follower.stop() == [LogEntry("ASR_TEXT", "חדש", SID, 7.0)]


def test_log_may_not_be_there(tmp_path):
    assert LogFollower(tmp_path / "none.log").stop() == []


def test_stereo_wav_round_trip(tmp_path):
    path = tmp_path / "call.wav"
    write_stereo_wav(path, b"\x20" * 160, b"\xa0" * 80)
    with wave.open(str(path)) as wav:
        assert (wav.getnchannels(), wav.getframerate(), wav.getnframes()) == (2, 8000, 160)
        pcm = wav.readframes(1)
    assert pcm == mulaw_to_pcm16(b"\x20\xa0")


@pytest.mark.parametrize("rate, channels, width", [(8000, 1, 2), (16000, 1, 2), (44100, 2, 2), (8000, 1, 1)])
def test_any_wav_becomes_the_telephones(rate, channels, width):
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(channels)
        wav.setsampwidth(width)
        wav.setframerate(rate)
        wav.writeframes(b"\x80" * (rate * channels * width // 2))
    file.seek(0)
    assert len(read_wav(file)) == pytest.approx(8000, abs=16)


def test_not_a_wav():
    with pytest.raises(ValueError, match="WAV"):
        read_wav(io.BytesIO(b"hello"))


def test_sounds_are_what_they_are_called():
    for kind in BURST_KINDS:
        assert 0 < len(burst(kind)) < 30
    for kind in NOISE_KINDS:
        level = Clip.from_pcm16(b"".join(line_noise(kind, -30.0, 0.5)))
        assert level.voiced_to - level.voiced_from == 25
    assert Clip.from_pcm16(synthetic_speech(0.5)).voiced_to == 25
    with pytest.raises(ValueError):
        burst("sneeze")
    with pytest.raises(ValueError):
        line_noise("pink", -50.0)


def test_percentiles():
    assert Percentiles.of([3, 1, 2]) == Percentiles(3, 2, 3, 3, 3)
    assert Percentiles.of([]).count == 0


def test_cpu_of_a_process_is_counted_from_now():
    cpu = ServerCpu([os.getpid()])
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    assert 0.02 <= cpu.used_s() < 1
