"""Mounted in somebody else's application, and our own application."""

import base64
import json
import logging
import math
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort
from flask_sock import Sock
from websocket import ABNF, WebSocket, WebSocketException, create_connection
from werkzeug.serving import make_server

from server.app import EXTENSION, create_app, phone_agent, set_up_logging
from server.audio.frames import SILENT_FRAME, pcm16_to_mulaw
from server.config import Config, load_config
from server.logs.line_format import LogLine
from server.telephony.stock_socket import GuardedSocket
from server.turns.effects import EndCall, SaveLead
from tests.serving import SUBPROTOCOL

SID = "MZ" + "0" * 32
HELLO = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
START = {"event": "start", "streamSid": SID, "start": {"streamSid": SID, "callSid": "CA1"}}
STOP = {"event": "stop", "streamSid": SID, "stop": {"callSid": "CA1"}}
BUZZ = pcm16_to_mulaw(
    struct.pack("<160h", *(int(8000 * math.sin(2 * math.pi * 400 * n / 8000)) for n in range(160)))
)
DEADLINE_S = 10.0


def scripted(**knobs: Any) -> Config:
    providers = dict.fromkeys(("asr_engines", "llm_engines", "tts_engines"), "scripted")
    quick = {"scripted_tts_ms": 0, "vad_engine": "energy", "ai_greeting_he": "", "thinking_hint_ms": 0}
    return load_config(**{"_env_file": None} | providers | quick | knobs)


def foreign_app() -> Flask:
    """A host that answers every error itself and has a WebSocket of its own, with its own options."""
    app = Flask("host")
    app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": ["chat"], "max_message_size": 200_000}
    own = Sock(app)

    @app.get("/")
    def home() -> str:
        return "the host's page"

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("the host's bug")

    @app.get("/gone")
    def gone() -> str:
        abort(410)

    @app.errorhandler(Exception)
    def catch_all(error: Exception) -> tuple[str, int]:
        return f"the host's handler: {error}", 418

    @app.errorhandler(404)
    def lost(error: Exception) -> tuple[str, int]:
        return "the host's 404", 404

    def echo(ws: Any) -> None:
        ws.send(ws.receive())

    own.route("/echo")(echo)
    return app


def mount(app: Flask, config: Config, **functions: Any) -> Flask:
    blueprint, sock = phone_agent(config, **functions)
    app.register_blueprint(blueprint)
    sock.init_app(app)
    return app


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """``host:port`` of the application on a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def connected(address: str, path: str = "/ws/twilio-media", **options: Any) -> Iterator[WebSocket]:
    ws = create_connection(f"ws://{address}{path}", timeout=5, http_no_proxy=["127.0.0.1"], **options)
    try:
        yield ws
    finally:
        ws.close(timeout=1)
        if ws.sock:  # ``close`` leaves the socket open when the server was faster
            ws.sock.close()


def media(mulaw_8k: bytes) -> str:
    payload = base64.b64encode(mulaw_8k).decode()
    return json.dumps({"event": "media", "streamSid": SID, "media": {"payload": payload}})


def speak_until(ws: WebSocket, done: Callable[[], bool]) -> bool:
    """Say 0.7 s of buzz, then nothing, until ``done``; frames are the call's clock, so five times as fast."""
    deadline = time.monotonic() + DEADLINE_S
    ws.send(json.dumps(HELLO))
    ws.send(json.dumps(START))
    for number in range(10**6):
        if done() or time.monotonic() > deadline:
            break
        ws.send(media(BUZZ if 25 <= number < 60 else SILENT_FRAME))
        time.sleep(0.004)
    return done()


def wait_for(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while not done() and time.monotonic() < deadline:
        time.sleep(0.01)
    return done()


class TestDropIn:
    def test_the_host_stays_as_it_was(self) -> None:
        client = mount(foreign_app(), scripted()).test_client()
        assert client.get("/").text == "the host's page"
        assert client.get("/broken").status_code == 418
        assert client.get("/gone").status_code == 418
        assert client.get("/nowhere").text == "the host's 404"

    def test_our_answers_pass_by_the_hosts_error_handlers(self) -> None:
        client = mount(foreign_app(), scripted()).test_client()
        assert client.post("/webhook/incoming_call").status_code == 200
        assert client.get("/webhook/incoming_call").status_code == 405
        assert client.get("/ws/twilio-media").status_code == 426
        unknown = client.get("/media/unknown.wav")
        assert unknown.status_code == 404 and "no such audio" in unknown.text
        too_large = client.post("/webhook/stream_status", data={"a": "9" * 100_000})
        assert (too_large.status_code, too_large.mimetype) == (413, "text/plain")

    def test_our_own_bug_is_ours(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = mount(foreign_app(), scripted()).test_client()
        monkeypatch.setattr("server.telephony.public_url.public_origin", lambda config: 1 / 0)
        response = client.post("/webhook/incoming_call")
        assert (response.status_code, response.text) == (500, "internal error\n")
        assert "WEBHOOK_ERR /webhook/incoming_call" in caplog.text

    def test_each_socket_has_its_own_options(self) -> None:
        app = mount(foreign_app(), scripted())
        with serving(app) as address:
            with connected(address, subprotocols=["other", SUBPROTOCOL]) as ws:
                assert ws.getsubprotocol() == SUBPROTOCOL
            with connected(address, "/ws/twilio-media/") as ws:
                assert ws.getsubprotocol() is None
            with connected(address, "/echo", subprotocols=["chat"]) as ws:
                assert ws.getsubprotocol() == "chat"
                ws.send("x" * 150_000)  # more than our sockets take
                assert len(ws.recv()) == 150_000
        assert app.config["SOCK_SERVER_OPTIONS"] == {"subprotocols": ["chat"], "max_message_size": 200_000}

    def test_mounted_twice_in_one_process(self) -> None:
        first, second = (mount(foreign_app(), scripted()) for _ in range(2))
        assert first.extensions[EXTENSION] is not second.extensions[EXTENSION]

    def test_logging_is_left_to_the_host(self) -> None:
        before = list(logging.getLogger("agent").handlers)
        mount(foreign_app(), scripted())
        assert logging.getLogger("agent").handlers == before

    def test_a_hosts_functions_hear_think_and_speak(self) -> None:
        heard: list[bytes] = []
        asked: list[str] = []
        spoken: list[str] = []

        def asr(pcm16_8k: bytes) -> str:
            heard.append(pcm16_8k)
            return "יש לכם דירה בחיפה?"

        def respond(text: str, target_style: str, min_chars: int, max_chars: int) -> str:
            asked.append(text)
            return "כן, יש לנו."

        def synth(text: str) -> bytes:
            spoken.append(text)
            return b"\x10\x20" * 8000

        app = mount(foreign_app(), scripted(), asr=asr, respond=respond, synth=synth)
        with serving(app) as address, connected(address, subprotocols=[SUBPROTOCOL]) as ws:
            assert speak_until(ws, lambda: "כן, יש לנו." in spoken)
            ws.send(json.dumps(STOP))
            assert wait_for(lambda: not app.extensions[EXTENSION].gate.live())
        assert asked == ["יש לכם דירה בחיפה?"]
        assert len(heard) == 1 and len(heard[0]) > 16000 * 0.7
        assert app.extensions[EXTENSION].providers.tts.first.name == "host"

    def test_a_hosts_voice_makes_the_fixed_lines_too(self) -> None:
        app = mount(foreign_app(), scripted(), synth=lambda text: b"\x10\x20" * 8000)
        service = app.extensions[EXTENSION]
        service.begin_warming()
        assert service.wait_until_warm(10)
        assert len(app.test_client().get("/media/apology.wav").data) == 44 + 16000


class TestOutcome:
    def test_f2_a_call_that_the_llm_ends(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """B3, F2, F6: the lead is kept, our side closes, nothing of the call is left, and the webhook of the
        same process knows why."""
        lead = SaveLead((("name", "דנה"),))
        monkeypatch.setattr("server.providers.scripted.ScriptedReply.acts", (lead, EndCall()))
        leads = tmp_path / "leads.jsonl"
        quick = {"scripted_llm_reply": "שלום.", "scripted_asr_ms": 0, "scripted_llm_ms": 0}
        app = mount(foreign_app(), scripted(leads_file=str(leads), **quick))
        ended = {"CallSid": "CA1", "CallStatus": "in-progress"}

        def leads_and_gone() -> bool:
            return leads.exists() and not app.extensions[EXTENSION].gate.live()

        with serving(app) as address, connected(address, subprotocols=[SUBPROTOCOL]) as ws:
            with suppress(OSError, WebSocketException):  # the server closes while we speak
                speak_until(ws, leads_and_gone)
            assert wait_for(leads_and_gone)
            assert wait_for(lambda: not [t for t in threading.enumerate() if "simple_websocket" in t.name])
        left = [json.loads(line) for line in leads.read_text(encoding="utf-8").splitlines()]
        assert [(line["kind"], line["name"]) for line in left] == [("detail", "דנה"), ("call", "דנה")]
        client = app.test_client()
        for _ in range(2):  # a retry gets the same answer
            assert "<Play>" not in client.post("/webhook/stream_ended", data=ended).text
        assert "<Play>" in client.post("/webhook/stream_ended", data=ended | {"CallSid": "CA2"}).text


class TestSocket:
    def test_calls_are_counted(self) -> None:
        app = mount(foreign_app(), scripted())
        with serving(app) as address, connected(address, subprotocols=[SUBPROTOCOL]) as ws:
            ws.send(json.dumps(START))
            assert wait_for(lambda: app.test_client().get("/healthz").json["calls"] == 1)  # type: ignore[index]
        assert wait_for(lambda: not app.extensions[EXTENSION].gate.live())

    def test_a_message_beyond_the_limit_ends_its_call_only(self) -> None:
        app = mount(foreign_app(), scripted())
        with serving(app) as address, connected(address, subprotocols=[SUBPROTOCOL]) as other:
            with connected(address, subprotocols=[SUBPROTOCOL]) as ws:
                ws.send("x" * 1_000_000)
                code, reason = ws.recv_data()
                assert (code, reason[:2]) == (ABNF.OPCODE_CLOSE, struct.pack("!H", 1009))
            other.ping("still there")
            assert other.recv_data(control_frame=True) == (ABNF.OPCODE_PONG, b"still there")

    def test_a_handler_that_cannot_be_made_ends_its_socket(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("server.app.MediaStreamHandler", None)
        app = mount(foreign_app(), scripted())
        with serving(app) as address, connected(address, subprotocols=[SUBPROTOCOL]) as ws:
            assert ws.recv_data()[0] == ABNF.OPCODE_CLOSE
        assert "SOCKET_ERR" in caplog.text
        assert wait_for(lambda: not app.extensions[EXTENSION].gate.live())

    def test_a_message_is_sent_whole_by_one_sender_at_a_time(self) -> None:
        class OneByteAtATime:
            sent = b""

            def setsockopt(self, *_: int) -> None:
                raise OSError("not TCP")

            def sendall(self, message: bytes) -> None:
                for byte in message:
                    self.sent += bytes([byte])
                    time.sleep(0)

            def fileno(self) -> int:
                return 7

        peer = OneByteAtATime()
        sock = GuardedSocket(peer)  # type: ignore[arg-type]
        threads = [threading.Thread(target=sock.send, args=(bytes([n]) * 50,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {bytes(peer.sent[i : i + 50]) for i in range(0, 400, 50)} == {
            bytes([n]) * 50 for n in range(8)
        }
        assert sock.fileno() == 7


class TestOwnApp:
    @pytest.fixture(autouse=True)
    def bare_logger(self) -> Iterator[None]:
        logger = logging.getLogger("agent")
        kept, level = list(logger.handlers), logger.level
        logger.handlers.clear()
        yield
        logger.handlers[:] = kept
        logger.setLevel(level)

    def test_it_serves(self) -> None:
        assert create_app(scripted()).test_client().get("/healthz").status_code == 200

    def test_lines_have_a_time_and_come_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        set_up_logging("INFO")
        create_app(scripted(log_level="WARNING", twilio_auth_token="a" * 32))
        logging.getLogger("agent").info("not said")
        logging.getLogger("agent").warning("TTS_ERR: שלום")
        (line,) = capsys.readouterr().out.splitlines()
        when, _, text = line.partition(" ")
        assert text == "TTS_ERR: שלום"
        assert abs(datetime.fromisoformat(when) - datetime.now(UTC)) < timedelta(minutes=1)

    def test_newcomer_12_the_time_knows_its_zone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """newcomer 12: the machine's own, in winter as in summer."""
        monkeypatch.setenv("TZ", "Asia/Jerusalem")
        time.tzset()
        try:
            lines = []
            for created in (1782898200.25, 1796110200.25):
                record = logging.makeLogRecord({"msg": "WS_START", "created": created})
                lines.append(LogLine().format(record))
        finally:
            monkeypatch.undo()
            time.tzset()
        assert lines == ["2026-07-01T12:30:00.250+03:00 WS_START", "2026-12-01T09:30:00.250+02:00 WS_START"]
