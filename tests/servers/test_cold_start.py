"""A server that has just been started: it answers at once, and is made ready behind that."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.serving import BOOT_S, GUNICORN, ROOT, Server, environment, free_port, get

VENDORS = (
    *("google.cloud", "grpc", "openai", "httpx2", "piper", "pocketsphinx", "espeakng_loader"),
    *("onnxruntime", "numpy", "soxr", "redis", "psycopg", "requests", "opentelemetry", "twilio.rest"),
    *("limits", "sqlalchemy.dialects.postgresql"),
)
LOADED = """
import sys
import server.app
def loaded():
    print("loaded", *(name for name in sys.argv[1:] if name in sys.modules), flush=True)
service = server.app.create_app().extensions["phone_agent"]
loaded()
service.begin_warming()
assert service.wait_until_warm(60)
loaded()
"""

END = """
from types import SimpleNamespace as Of
from server.gunicorn_conf import end_worker
worker = Of(handle_exit=lambda *_: print("as gunicorn does", flush=True))
for calls in (["CA1"], []):
    end_worker(worker, Of(warming=True, gate=Of(live=lambda: calls)))
print("not reached", flush=True)
"""


def loaded(**knobs: str) -> tuple[set[str], set[str]]:
    """Of VENDORS: when the application is made, and when it is warm."""
    env = environment(VAD_ENGINE="silero", **knobs)
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *VENDORS],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    before, after = (
        set(line.split()[1:]) for line in done.stdout.splitlines() if line.split()[:1] == ["loaded"]
    )
    return before, after


NOWHERE = {"OPENAI_API_KEY": "x", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}
SPEECH_MODEL = {"onnxruntime", "numpy"}
EMBEDDED = {"ASR_ENGINES": "embedded", "LLM_ENGINES": "embedded", "TTS_ENGINES": "embedded"}


@pytest.mark.parametrize(
    ("knobs", "used"),
    [
        ({}, SPEECH_MODEL),
        (NOWHERE | {"LLM_ENGINES": "openai"}, SPEECH_MODEL | {"openai", "httpx2"}),
        (EMBEDDED, SPEECH_MODEL | {"piper", "pocketsphinx", "espeakng_loader", "soxr"}),
    ],
    ids=["scripted", "openai", "embedded"],
)
def test_a_vendor_is_imported_behind_the_start_and_only_where_it_is_chosen(
    knobs: dict[str, str], used: set[str]
) -> None:
    before, after = loaded(**knobs)
    assert before == set() and after == used


def test_a_worker_that_is_still_cold_ends_at_once_unless_it_has_calls() -> None:
    """A socket waits 8 s, and an engine may hang for longer: the call goes on with the others."""
    done = subprocess.run(
        [sys.executable, "-c", END], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "as gunicorn does\n"), done.stderr


class Vendor:
    """It takes connections, and says nothing until it is gone."""

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._peers: list[socket.socket] = []
        self._port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/v1"

    def comes_again(self) -> "Vendor":
        return Vendor(self._port)

    def has_been_asked(self) -> bool:
        """Once it is. A connection that was given up before we took it asks nothing."""
        self._listener.settimeout(BOOT_S)
        with suppress(TimeoutError):  # the server's log is to say why
            while True:
                peer, _ = self._listener.accept()
                self._peers.append(peer)
                if peer.recv(1):
                    return True
        return False

    def go(self) -> None:
        for each in (*self._peers, self._listener):
            each.close()


@contextmanager
def not_warm(tmp_path: Path, vendor: Vendor, **knobs: str) -> Iterator[Server]:
    """A server whose engine does not get warm, when it has been asked."""
    port, log_path = free_port(), tmp_path / "log"
    env = environment(
        PORT=port, LLM_ENGINES="openai", OPENAI_API_KEY="x", OPENAI_BASE_URL=vendor.url, **knobs
    )
    with log_path.open("wb") as log:
        process = subprocess.Popen(GUNICORN, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        server = Server(process, port, log_path)
        assert vendor.has_been_asked(), server.log
        yield server
    finally:
        vendor.go()
        process.terminate()
        process.wait(20)


def ring(server: Server) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"http://{server.address}/webhook/incoming_call", {"CallSid": "CA1"}, timeout=30)


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_it_says_that_it_warms_and_a_call_waits(worker_class: str, tmp_path: Path) -> None:
    vendor = Vendor()
    with not_warm(tmp_path, vendor, WORKER_CLASS=worker_class) as server, ThreadPoolExecutor() as callers:
        call = callers.submit(ring, server)
        answer = get(f"http://{server.address}/healthz")
        said = answer.json()
        assert (answer.status_code, said["ok"], said["status"], said["warm"]) == (
            503,
            False,
            "warming",
            False,
        )
        assert not call.done()
        vendor.go()
        twiml = call.result(30)
        assert twiml.status_code == 200 and "<Stream" in twiml.text
        assert server.has_said("ENGINES_WARM")
        assert server.waits_for(lambda: get(f"http://{server.address}/healthz").json()["warm"])
        assert get(f"http://{server.address}/healthz").status_code == 200


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_one_that_has_another_beside_it_takes_nobody_before_it_is_warm(
    worker_class: str, tmp_path: Path
) -> None:
    """TTIN, one more worker: the one that was there answers, and is warm."""
    vendor = Vendor()
    with not_warm(tmp_path, vendor, WORKER_CLASS=worker_class) as server:
        vendor.go()
        assert server.has_said("ENGINES_WARM")
        vendor = vendor.comes_again()
        server.process.send_signal(signal.SIGTTIN)
        assert vendor.has_been_asked(), server.log
        answers = [get(f"http://{server.address}/healthz").status_code for _ in range(10)]
        warm = server.log.count("ENGINES_WARM")
        vendor.go()
        assert (answers, warm) == ([200] * 10, 1)
        assert server.waits_for(lambda: server.log.count("ENGINES_WARM") == 2, BOOT_S)


@pytest.mark.parametrize("worker_class", ["gevent", "gthread"])
def test_one_whose_elder_has_left_answers(worker_class: str, tmp_path: Path) -> None:
    """SIGHUP between calls: the elder has nothing to wait for, and leaves at once."""
    vendor = Vendor()
    with not_warm(tmp_path, vendor, WORKER_CLASS=worker_class) as server:
        vendor.go()
        assert server.has_said("ENGINES_WARM")
        vendor = vendor.comes_again()
        server.process.send_signal(signal.SIGHUP)
        assert vendor.has_been_asked() and server.has_said("Worker exiting")
        assert get(f"http://{server.address}/healthz").json()["status"] == "warming"
        vendor.go()
