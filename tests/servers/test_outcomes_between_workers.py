"""Rules F2, F3: two gunicorn workers; the webhook is answered alike by the one that did not have the call."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from websocket import WebSocketException

from tests.servers.test_app import connected, speak_until
from tests.serving import ROOT, SUBPROTOCOL, Server, started

ENDING = [sys.executable, "-m", "gunicorn", "-c", "tests/servers/ending_conf.py", "server.app:create_app()"]
KNOBS = {
    "WEB_CONCURRENCY": "2",
    "SCRIPTED_LLM_REPLY": "שלום.",
    "SCRIPTED_ASR_MS": "0",
    "SCRIPTED_LLM_MS": "0",
    "AI_GREETING_HE": "",
    "THINKING_HINT_MS": "0",
}
AT_ONCE = 8  # so many that one worker leaves some to the other
DEADLINE_S = 10.0


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_f2_the_webhook_meets_the_other_worker(worker_class: str, tmp_path: Path) -> None:
    """F2: asked until both have answered, and one of the two did not have the call."""
    file = tmp_path / "state" / "agent.db"
    knobs = KNOBS | {"WORKER_CLASS": worker_class, "STATE_FILE": str(file)}
    with started(ENDING, ROOT, tmp_path / "log", **knobs) as server:
        place_call_that_the_llm_ends(server)
        assert {"<Play>" in answer for answer in answers_of_both(server, "CA1")} == {False}
        assert {"<Play>" in answer for answer in answers_of_both(server, "CA2")} == {True}
    assert server.process.returncode == 0, "a thread of the call has kept a worker from ending"
    assert "Traceback" not in server.log and "LEDGER_ERR" not in server.log
    assert file.exists()


def place_call_that_the_llm_ends(server: Server) -> None:
    def ended() -> bool:
        return "WS_DONE" in server.log

    with connected(server.address, subprotocols=[SUBPROTOCOL]) as ws:
        with suppress(OSError, WebSocketException):  # the server closes while we speak
            speak_until(ws, ended)
    assert server.has_said("CALL_ENDS EndCall")


def answers_of_both(server: Server, call_sid: str) -> list[str]:
    """What the two workers say to stream_ended."""
    deadline, workers, answers = time.monotonic() + DEADLINE_S, set(), []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while len(workers) < 2 and time.monotonic() < deadline:
            for answer in pool.map(lambda _: stream_ended(server, call_sid), range(AT_ONCE)):
                workers.add(answer.headers["X-Worker"])
                answers.append(answer.text)
    assert len(workers) == 2, "one worker has answered everything"
    return answers


def stream_ended(server: Server, call_sid: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        fields = {"CallSid": call_sid, "CallStatus": "in-progress"}
        return session.post(f"http://{server.address}/webhook/stream_ended", fields, timeout=15)
