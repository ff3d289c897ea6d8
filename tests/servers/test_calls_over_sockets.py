"""Simulated calls through real gunicorn, both worker classes: the GO test, and a rude neighbour."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from websocket import WebSocketException, create_connection

from tests.conversations.test_understanding import GARBAGE
from tests.serving import GUNICORN, ROOT, SUBPROTOCOL, Server, environment, started

CALL_S = 60


@pytest.fixture(scope="module", params=["gevent", "gthread"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Scripted engines, and the real speech model."""
    log = tmp_path_factory.mktemp("server") / "log"
    with started(GUNICORN, ROOT, log, WORKER_CLASS=request.param, VAD_ENGINE="silero") as server:
        yield server
    assert "Traceback" not in server.log


def place_call(server: Server, out: Path, *words: str) -> tuple[int, str, dict[str, object]]:
    """One simulated call; its exit status, what it printed, and its report."""
    command = [sys.executable, "-m", "server.simulator", "--url", f"http://{server.address}"]
    command += ["--json", str(out), *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=CALL_S, check=False
    )
    return done.returncode, done.stdout + done.stderr, json.loads(out.read_text(encoding="utf-8"))


def test_the_playbooks_go_test(server: Server, tmp_path: Path) -> None:
    """GO 2: 200, 204, 200; WS_START, WS_MEDIA rx=50 within 2 s, ASR_TEXT, tts_done; over it: BARGE_IN."""
    lines = ["--say", "אני רוצה לקנות דירה", "--interrupt-after", "1.0", "--say", "ארבעה חדרים בבקשה"]
    status, printed, _ = place_call(server, tmp_path / "call.json", *lines)
    assert status == 0, printed
    log = server.log[server.log.rindex("\n", 0, server.log.rindex("WS_START")) + 1 :]
    marks = [
        "WS_START",
        "mode=AI",
        " rx=50",
        "ASR_TEXT:",
        "BARGE_IN: interrupt",
        "tts_done",
        "WS_STOP",
        "WS_DONE",
    ]
    places = [log.rfind(mark) if mark == "tts_done" else log.find(mark) for mark in marks]
    assert -1 not in places and places == sorted(places), list(zip(marks, places, strict=True))
    for webhook in ("incoming_call=200", "stream_status=204", "stream_ended=200"):
        assert server.has_said(webhook)
    assert (logged_at(log, " rx=50") - logged_at(log, "mode=AI")).total_seconds() <= 2


def logged_at(log: str, mark: str) -> datetime:
    """The time of the first line with ``mark``, as the line says."""
    line = next(line for line in log.splitlines() if mark in line)
    return datetime.fromisoformat(line.split()[0])


def test_a_rude_neighbour_is_not_noticed(server: Server, tmp_path: Path) -> None:
    """Garbage of every kind, a megabyte, a vanished client: the call beside them is as good as alone."""
    neighbours = [
        threading.Thread(target=misbehave, args=(server, bad))
        for bad in (GARBAGE, ["x" * 1_000_000], [b"\xff" * 60_000] * 5, [])
    ]
    for neighbour in neighbours:
        neighbour.start()
    status, printed, _ = place_call(server, tmp_path / "call.json", "--say", "אני רוצה לקנות דירה")
    for neighbour in neighbours:
        neighbour.join(CALL_S)
        assert not neighbour.is_alive()
    assert status == 0, printed
    assert "0 underruns" in printed or "underrun" not in printed
    assert server.has_said("WS_IGNORED") and server.has_said("WS_CLOSED")


def misbehave(server: Server, messages: list[str | bytes]) -> None:
    """Open a stream properly, then send what no Twilio would, and be gone without a close."""
    ws = create_connection(
        f"ws://{server.address}/ws/twilio-media",
        subprotocols=[SUBPROTOCOL],
        timeout=5,
        http_no_proxy=["127.0.0.1"],
    )
    ws.send(json.dumps({"event": "start", "start": {"streamSid": "MZrude", "callSid": "CArude"}}))
    try:
        for message in messages:
            if isinstance(message, bytes):
                ws.send_binary(message)
            else:
                ws.send(message)
    except (WebSocketException, OSError):
        pass  # the server had enough: what it should do with a megabyte
    assert ws.sock is not None
    ws.sock.close()
