"""Row 3 over real sockets: who hangs up at once has left their lead, and the call holds nothing for it."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websocket import WebSocket, create_connection

from bench.chaos_service import COUNTED, Service, grown
from server.call.provider_runner import AFTER_CALL_S
from tests.cloud.local import LocalCloud
from tests.cloud.openai import Script, ToolCall
from tests.serving import ROOT, SUBPROTOCOL, get, started

WORKERS = ["gevent", "gthread"]
TOLD = "שמי דנה והטלפון שלי 0501234567"
DANA = ToolCall("save_lead", {"name": "דנה", "phone": "0501234567"})
ACTS_AFTER_S = 1.2
VOICE, SILENCE = b"\x05" * 160, b"\xff" * 160  # frames
KNOBS = {"LLM_ENGINES": "openai", "SCRIPTED_ASR_LINES": TOLD, "AI_GREETING_HE": "", "THINKING_HINT_MS": "0"}
GONE_S = 1.0  # F6


def thinks(request: dict[str, Any]) -> Script:
    """Words, and behind them what it does; none for a caller who has gone."""
    gone = "הצד השני ניתק" in request["messages"][-1]["content"]
    return Script("…" if gone else "תודה דנה, רשמתי. באיזו עיר לחפש?", (DANA,), acts_after_s=ACTS_AFTER_S)


def media(number: int, frame: bytes) -> str:
    payload = base64.b64encode(frame).decode()
    stamp = {"track": "inbound", "timestamp": str(20 * number), "payload": payload}
    return json.dumps({"event": "media", "media": stamp})


def spoken(address: str, call_sid: str, quiet_s: float) -> tuple[WebSocket, float]:
    """A call that has spoken for 1.2 s, and then said nothing for ``quiet_s``, or until it was answered."""
    ws = create_connection(
        f"ws://{address}/ws/twilio-media", subprotocols=[SUBPROTOCOL], http_no_proxy=["127.0.0.1"], timeout=5
    )
    start = {"streamSid": "MZ1", "callSid": call_sid, "customParameters": {"from": "+972521234567"}}
    ws.send(json.dumps({"event": "start", "streamSid": "MZ1", "start": start}))
    ws.settimeout(0.001)
    began, frames = time.monotonic(), round(50 * (1.2 + quiet_s))
    for number in range(frames):
        time.sleep(max(0.0, began + 0.02 * number - time.monotonic()))
        ws.send(media(number, VOICE if number < 60 else SILENCE))
        if answered(ws):
            break
    return ws, time.monotonic()


def answered(ws: WebSocket) -> bool:
    try:
        return '"event":"media"' in ws.recv()
    except Exception:  # nothing yet
        return False


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    until = time.monotonic() + seconds
    while not (so := is_so()) and time.monotonic() < until:
        time.sleep(0.05)
    return so


@pytest.mark.parametrize("worker_class", WORKERS)
def test_row_3_who_hangs_up_at_once_has_left_it(tmp_path: Path, worker_class: str) -> None:
    """F6: 0.1 s into the answer, and 0.2 s behind the last word."""
    leads = tmp_path / "leads.jsonl"
    files = {"LEADS_FILE": str(leads), "WATCH_FOLDER": str(tmp_path), "WORKER_CLASS": worker_class}
    with LocalCloud([], thinks) as cloud:
        knobs = cloud.knobs | KNOBS | files
        with started(COUNTED, ROOT, tmp_path / "server.log", **knobs) as server:
            service = Service(server, tmp_path)

            def hang_up(call_sid: str, quiet_s: float) -> None:
                ws, _ = spoken(server.address, call_sid, quiet_s)
                time.sleep(0.1)
                ws.send(json.dumps({"event": "stop", "streamSid": "MZ1", "stop": {}}))
                ws.close()

            def live() -> int:
                return int(get(f"http://{server.address}/healthz").json()["calls"])

            def left(call_sid: str) -> list[dict[str, Any]]:
                lines = map(json.loads, leads.read_text("utf-8").splitlines() if leads.exists() else [])
                return [line for line in lines if line["call_sid"] == call_sid and line["kind"] == "detail"]

            hang_up("CA0", 5.0)  # what a first call begins for all of them
            assert within(AFTER_CALL_S, lambda: bool(left("CA0")))
            (before,) = service.census().values()
            for call_sid, quiet_s in (("CA1", 5.0), ("CA2", 0.1)):
                hang_up(call_sid, quiet_s)
                assert within(GONE_S, lambda: live() == 0) and left(call_sid) == []
                assert within(AFTER_CALL_S, lambda sid=call_sid: bool(left(sid))), server.log[-3000:]
                ((name, phone),) = [(line["name"], line["phone"]) for line in left(call_sid)]
                assert (name, phone) == ("דנה", "0501234567")
            gone = [json.dumps(x.request, ensure_ascii=False) for x in cloud.openai.chat.exchanges]
            assert ["הצד השני ניתק" in request for request in gone] == [False, False, True]
            assert within(2.0, lambda: server.log.count("AFTER_CALL sid") == 3), server.log[-3000:]
            (after,) = service.census().values()
            assert grown(before, after) == {} and service.faults == []
