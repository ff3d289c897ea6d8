"""Newcomer 7: web servers that cannot hold a call say so, and the caller is not lost. Real servers."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler
from wsgiref.simple_server import make_server as make_plain_server

import pytest
import requests
from flask import Flask
from websocket import ABNF, WebSocket
from werkzeug.serving import make_server

from server.app import EXTENSION, phone_agent
from server.config import load_config
from tests.servers.test_app import connected
from tests.serving import GUNICORN, ROOT, SUBPROTOCOL, Server, started

HOST = """
from flask import Flask
from server.app import phone_agent

app = Flask("host")
blueprint, sock = phone_agent()
app.register_blueprint(blueprint)
sock.init_app(app)
"""
SID = "CA" + "0" * 32
CALL = {"CallSid": SID, "From": "+972501234567", "CallStatus": "in-progress"}


@contextmanager
def gunicorn(folder: Path, *options: str, **knobs: str) -> Iterator[Server]:
    """A host's own gunicorn, without our configuration."""
    (folder / "host.py").write_text(HOST, encoding="utf-8")
    served = f"-m gunicorn --no-control-socket -b 127.0.0.1:$PORT {' '.join(options)} host:app"
    command = f'exec "{sys.executable}" {served}'
    knobs = {"PYTHONPATH": str(ROOT), "AI_GREETING_HE": "", **knobs}
    with started(["sh", "-c", command], folder, folder / "log", **knobs) as server:
        yield server


def post(address: str, path: str, call_sid: str = SID) -> str:
    with requests.Session() as session:
        session.trust_env = False
        data = CALL | {"CallSid": call_sid}
        return session.post(f"http://{address}{path}", data=data, timeout=15).text


def handshake(address: str) -> int:
    """The status with which a WebSocket is answered."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    client = HTTPConnection(address, timeout=15)
    try:
        client.request(
            "GET", "/ws/twilio-media", headers=headers | {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        )
        return client.getresponse().status
    finally:
        client.close()


def is_held(ws: WebSocket, call_sid: str = SID) -> bool:
    """The server takes a call, and does not close."""
    start = {"streamSid": "MZ1", "callSid": call_sid}
    ws.send(json.dumps({"event": "start", "streamSid": "MZ1", "start": start}))
    ws.ping("are you there?")
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        opcode = ws.recv_data(control_frame=True)[0]
        if opcode in (ABNF.OPCODE_PONG, ABNF.OPCODE_CLOSE):
            return bool(opcode == ABNF.OPCODE_PONG)
    return False


@pytest.mark.parametrize(
    "options, worker",
    [
        ([], "sync"),
        (["-k", "sync", "-w", "2"], "sync"),
        (["-k", "gthread"], "gthread"),
        (["-k", "gunicorn.workers.sync.SyncWorker"], "gunicorn.workers.sync.syncworker"),
        (["--preload"], "sync"),
    ],
)
def test_a_worker_that_a_call_would_hold_alone(tmp_path: Path, options: list[str], worker: str) -> None:
    """The socket is refused, with what to set; the caller hears an apology, and the office is told."""
    leads = tmp_path / "leads.jsonl"
    with gunicorn(tmp_path, *options, LEADS_FILE=str(leads)) as server:
        assert f"HOST_SERVER a call would hold gunicorn's {worker} worker" in server.log  # at mount
        assert "<Connect" in post(server.address, "/webhook/incoming_call")
        for _ in range(3):
            with connected(server.address, subprotocols=[SUBPROTOCOL]) as ws:
                assert ws.recv_data()[0] == ABNF.OPCODE_CLOSE
        assert "/media/apology.wav" in post(server.address, "/webhook/stream_ended")
        (refused,) = [line for line in server.log.splitlines() if "WS_REFUSED" in line][:1]
        assert "--worker-class gevent, or --worker-class gthread --threads 64" in refused
    assert json.loads(leads.read_text("utf-8").splitlines()[0])["caller"] == CALL["From"]


@pytest.mark.parametrize(
    "options, too_few",
    [
        (["-k", "gevent"], False),
        (["-k", "gthread", "--threads", "64"], False),
        (["--threads", "64"], False),
        (["--threads", "4"], True),
    ],
)
def test_a_worker_that_holds_calls(tmp_path: Path, options: list[str], too_few: bool) -> None:
    with gunicorn(tmp_path, *options) as server:
        assert "<Connect" in post(server.address, "/webhook/incoming_call")
        with connected(server.address, subprotocols=[SUBPROTOCOL]) as ws:
            assert is_held(ws)
            post(server.address, "/webhook/stream_status")  # others are answered meanwhile
        assert "WS_REFUSED" not in server.log
        assert ("HOST_SERVER a call holds one of a worker's 4 threads" in server.log) == too_few
        assert ("HOST_SERVER" in server.log) == too_few


@pytest.mark.parametrize("whose, most", [("a host's", 3), ("ours", 7)])  # ours has 14 at least
def test_whom_no_thread_is_left_for_hears_that_we_are_busy(tmp_path: Path, whose: str, most: int) -> None:
    """R11: without MAX_CALLS too, and though no socket has come yet; others are answered all the time."""
    knobs = {"MAX_CALLS": "0"}
    threads = ["-k", "gthread", "--threads", "6"]
    own = started(GUNICORN, ROOT, tmp_path / "log", WORKER_CLASS="gthread", THREADS="6", **knobs)
    with own if whose == "ours" else gunicorn(tmp_path, *threads, **knobs) as server, ExitStack() as calls:
        answers = [post(server.address, "/webhook/incoming_call", f"CA{n:032x}") for n in range(most + 4)]
        assert ["<Connect" in answer for answer in answers] == [True] * most + [False] * 4
        for number in range(most):
            ws = calls.enter_context(connected(server.address, subprotocols=[SUBPROTOCOL]))
            assert is_held(ws, f"CA{number:032x}")
        assert "/media/busy.wav" in post(server.address, "/webhook/incoming_call", f"CA{99:032x}")
        for line in ("busy limit=THREADS", "limit: MAX_CALLS=0"):  # a host's log is its own
            assert (line in server.log) == (whose == "ours")
        # Ours has said it at the start; --threads 64 is no advice for who may have more than that already.
        assert ("HOST_SERVER a call holds" in server.log) == (
            whose != "ours"
        ) and "--threads 64" not in server.log


def mounted() -> Flask:
    providers = dict.fromkeys(("asr_engines", "llm_engines", "tts_engines"), "scripted")
    app = Flask("host")
    blueprint, sock = phone_agent(
        load_config(_env_file=None, vad_engine="energy", ai_greeting_he="", **providers)
    )
    app.register_blueprint(blueprint)
    sock.init_app(app)
    return app


@pytest.mark.parametrize("threaded", [True, False])
def test_werkzeugs_own_server(threaded: bool, caplog: pytest.LogCaptureFixture) -> None:
    """``flask run``: right with threads, which it has unless told otherwise."""
    app = mounted()
    server = make_server("127.0.0.1", 0, app, threaded=threaded)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"127.0.0.1:{server.server_port}"
        assert "<Connect" in post(address, "/webhook/incoming_call")
        with connected(address, subprotocols=[SUBPROTOCOL]) as ws:
            assert is_held(ws) if threaded else ws.recv_data()[0] == ABNF.OPCODE_CLOSE
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    refused = [record for record in caplog.records if record.getMessage().startswith("WS_REFUSED")]
    assert [record.levelname for record in refused] == [] if threaded else ["ERROR"]
    assert not app.extensions[EXTENSION].gate.live()


def test_a_server_without_sockets(caplog: pytest.LogCaptureFixture) -> None:
    """waitress, uWSGI, mod_wsgi, an ASGI server's wrapper: told when a call rings, once."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = make_plain_server("127.0.0.1", 0, mounted(), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"127.0.0.1:{server.server_port}"
        for _ in range(2):
            assert "<Connect" in post(address, "/webhook/incoming_call")
        assert handshake(address) == 501
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    said = [
        (it.levelname, it.getMessage().split(":")[0])
        for it in caplog.records
        if "WebSockets" in it.getMessage()
    ]
    assert said == [
        ("WARNING", "HOST_SERVER WSGIServer gives Flask no WebSockets"),
        ("ERROR", "WS_REFUSED WSGIServer gives Flask no WebSockets"),
    ]
