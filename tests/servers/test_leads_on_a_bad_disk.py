"""B3: the disk of LEADS_FILE hangs under a real server: webhooks answer, no lead is lost, it can end."""

import json
import signal
import time
from pathlib import Path

import pytest
import requests

from tests.servers.hanging import Hanging, Ill, NoCompiler
from tests.serving import GUNICORN, ROOT, Server, get, started

SOON_S = 1.5  # DISK_S, and what a loaded machine takes
KEPT_S = 20.0
ENDS_S = 8.0
CALLER = "+972501112222"


def ask(server: Server, webhook: str, call_sid: str, status: str) -> float:
    """How long the webhook has taken, in seconds."""
    began = time.monotonic()
    form = {"CallSid": call_sid, "CallStatus": status, "From": CALLER, "To": "+97231234567"}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"http://{server.address}/webhook/{webhook}", data=form, timeout=30)
    assert answer.status_code == 200 and "<Response>" in answer.text
    return time.monotonic() - began


def health(server: Server) -> float:
    began = time.monotonic()
    assert get(f"http://{server.address}/healthz").status_code == 200
    return time.monotonic() - began


def wait_until_the_log_has(server: Server, times: int, said: str) -> None:
    until = time.monotonic() + KEPT_S
    while server.log.count(said) < times:
        assert time.monotonic() < until, server.log
        time.sleep(0.02)


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_b3_a_disk_that_hangs(tmp_path: Path, worker_class: str) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        hanging = Hanging(tmp_path, folder)
    except NoCompiler as why:
        pytest.skip(str(why))
    leads = folder / "leads.jsonl"
    knobs = {"LEADS_FILE": str(leads), "WORKER_CLASS": worker_class} | hanging.knobs
    with started(GUNICORN, ROOT, tmp_path / "log", **knobs) as server:
        with hanging.disk(folder).being(Ill.HANGS):
            took = [ask(server, "incoming_call", f"CA{number}", "ringing") for number in range(3)]
            took += [ask(server, "stream_ended", f"CA{number}", "in-progress") for number in range(2)]
            took.append(health(server))
            wait_until_the_log_has(server, 5, "it is kept here")
            assert "LEAD_SAVED" not in server.log
        wait_until_the_log_has(server, 5, "LEAD_SAVED")
        lines = [json.loads(line) for line in leads.read_text("utf-8").splitlines()]
        told = [(line["kind"], line["call_sid"], line["caller"]) for line in lines]
        rang, missed = ("rang", "missed")
        calls = [(rang, "CA0"), (rang, "CA1"), (rang, "CA2"), (missed, "CA0"), (missed, "CA1")]
        assert told == [(kind, call_sid, CALLER) for kind, call_sid in calls]
        assert max(took) < SOON_S
        with hanging.disk(folder).being(Ill.HANGS):
            ask(server, "incoming_call", "CA9", "ringing")
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(ENDS_S)
        assert '"call_sid": "CA9"' in server.log.partition("it is kept here")[2]
