"""A stranger, one connection, a reader of our log that stalls: nobody else notices. On a real gunicorn."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from websocket import create_connection

from tests.servers.doors import HEADER, RING, SECRET
from tests.serving import GUNICORN, ROOT, SUBPROTOCOL, Server, environment, free_port, get, started

WORKERS = ("gevent", "gthread")
SOON_S = 1.0
SID = "MZ" + "1" * 32
HEAD = f"POST {RING} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module", params=WORKERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    log = tmp_path_factory.mktemp("edge") / "log"
    known = {"TWILIO_AUTH_TOKEN": SECRET, "PUBLIC_BASE_URL": "https://agent.example.com"}
    with started(GUNICORN, ROOT, log, WORKER_CLASS=request.param, **known) as server:
        yield server
    assert "Traceback" not in server.log


def connected(server: Server) -> socket.socket:
    host, port = server.address.split(":")
    return socket.create_connection((host, int(port)), 10)


def answered(server: Server, request: bytes) -> bytes:
    with connected(server) as sock, suppress(OSError):
        sock.sendall(request)
        return sock.recv(65536)
    return b""


def health_s(server: Server) -> float:
    """How long the next stranger waits; of three, the longest."""
    waits = []
    for _ in range(3):
        began = time.monotonic()
        assert get(f"http://{server.address}/healthz").status_code == 200
        waits.append(time.monotonic() - began)
    return max(waits)


@contextmanager
def meanwhile(work: Any) -> Iterator[None]:
    """``work``, which ends when its connection is closed."""

    def run() -> None:
        with suppress(OSError):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    time.sleep(0.05)
    yield
    thread.join(10)
    assert not thread.is_alive()


# ---- one connection cannot keep others waiting --------------------------------------------------


@pytest.mark.parametrize(
    "request_", [HEALTH, HEALTH.replace(b"/healthz", b"/x"), HEALTH.replace(b"GET", b"PUT")]
)
def test_thousands_of_requests_in_one_go_let_others_in_between(server: Server, request_: bytes) -> None:
    with connected(server) as sock:

        def read() -> None:
            while sock.recv(65536):
                pass

        with meanwhile(lambda: sock.sendall(request_ * 10_000)), meanwhile(read):
            assert health_s(server) < SOON_S
            sock.shutdown(socket.SHUT_RDWR)


def test_who_does_not_close_a_connection_that_is_over_keeps_nobody_waiting(server: Server) -> None:
    rude = [connected(server) for _ in range(10)]
    for sock in rude:
        sock.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert health_s(server) < SOON_S
    for sock in rude:
        assert sock.recv(65536).startswith(b"HTTP/1.1 200")
        sock.close()


def test_a_body_without_end_is_not_read(server: Server) -> None:
    with connected(server) as sock:

        def send() -> None:
            sock.sendall(HEAD.encode() + b"Content-Length: 2000000000\r\n\r\n")
            for _ in range(20_000):
                sock.sendall(bytes(65536))

        with meanwhile(send):
            assert health_s(server) < SOON_S


def test_what_is_refused_costs_one_line_a_second(server: Server) -> None:
    """Whatever is wrong with it: 400 or the like, no traceback, and short."""
    chunked = f"{HEAD}{HEADER}: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    wrong = {
        "no signature": HEAD.encode() + b"Content-Length: 0\r\n\r\n",
        "a chunk size": chunked + b"ZZ\r\n",
        "a chunk's end": chunked + b"1\r\naXX\r\n",
        "a trailer": chunked + b"0\r\n: x\r\n\r\n",
        "crumbs": chunked + b"1\r\na\r\n" * 5000,
        "half a chunk": chunked + b"5\r\nab",
        "half a body": HEAD.encode() + f"{HEADER}: x\r\nContent-Length: 50\r\n\r\nab".encode(),
        "a long body": HEAD.encode() + f"{HEADER}: x\r\nContent-Length: 50000\r\n\r\n".encode(),
        "a method": b"G\x01T / HTTP/1.1\r\n\r\n",
        "a long line": b"GET /" + b"x" * 4090 + b"\xd7 HTTP/1.1\r\nHost: x\r\n\r\n",
        "a longer line": b"GET /" + b"x" * 8000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a b: " + b"y" * 1900 + b"\r\n\r\n",
        "long headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
        + (b"a: " + b"y" * 2040 + b"\r\n") * 50
        + b"\r\n",
        "a host": b"GET /healthz HTTP/1.1\r\nHost: a b/\xd7\r\n\r\n",
        "an expectation": HEALTH.replace(b"\r\n\r\n", b"\r\nExpect: what\r\n\r\n"),
        "a line of the path": b"GET /media/a%0Aforged.wav HTTP/1.1\r\nHost: x\r\n\r\n",
        "half a request": b"GET /healthz HTTP/1.1\r\nHos",
    }
    before, began = len(server.log), time.monotonic()
    statuses = {}
    for _ in range(10):
        for kind, request in wrong.items():
            with connected(server) as sock, suppress(OSError):
                sock.sendall(request)
                if kind.startswith("half"):
                    sock.shutdown(socket.SHUT_WR)
                statuses[kind] = sock.recv(65536)[9:12].decode()
    took_s = time.monotonic() - began
    assert not [kind for kind, status in statuses.items() if status[:1] == "5" and status != "501"], statuses
    said = server.log[before:].splitlines()
    assert len(said) <= 3 * (took_s + 2) and max(map(len, said), default=0) < 500, said


# ---- nobody reads the log -----------------------------------------------------------------------


def test_r2_nobody_reads_our_output_and_nobody_notices(tmp_path: Path) -> None:
    """A call beside it hears its greeting, health is answered, SIGTERM ends it; then it is all read."""
    with ThreadPoolExecutor(len(WORKERS)) as pool:
        for done in [pool.submit(stall, worker_class, tmp_path) for worker_class in WORKERS]:
            done.result()


def stall(worker_class: str, tmp_path: Path) -> None:
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    port = free_port()
    knobs = {"WORKER_CLASS": worker_class, "PORT": port, "AI_GREETING_HE": "שלום וברוכים הבאים " * 10}
    process = subprocess.Popen(GUNICORN, cwd=ROOT, env=environment(**knobs), stdout=write, stderr=write)
    os.close(write)
    server = Server(process, port, tmp_path / "nothing")
    try:
        server.wait_until_it_serves()
        told = {"CallSid": "CA" + "2" * 32, "StreamError": "x" * 190}
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(100):
                assert session.post(f"http://{server.address}/webhook/stream_status", told, timeout=15).ok
        assert longest_gap_s(server) < SOON_S
        assert health_s(server) < SOON_S
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        said = b"".join(iter(lambda: os.read(read, 65536), b"")).decode()
        assert "Starting gunicorn" in said
    finally:
        process.kill()
        process.wait()
        os.close(read)


def longest_gap_s(server: Server) -> float:
    """Between two messages of the greeting that a caller hears for a second."""
    ws = create_connection(
        f"ws://{server.address}/ws/twilio-media",
        subprotocols=[SUBPROTOCOL],
        timeout=5,
        http_no_proxy=["127.0.0.1"],
    )
    silence = json.dumps({"event": "media", "streamSid": SID, "media": {"payload": "////" * 53 + "/w=="}})
    ws.send(json.dumps({"event": "start", "streamSid": SID, "start": {"streamSid": SID, "callSid": "CA1"}}))
    heard: list[float] = []
    stop = threading.Event()

    def speak() -> None:
        while not stop.wait(0.02):
            ws.send(silence)

    talking = threading.Thread(target=speak)
    talking.start()
    try:
        while not heard or heard[-1] < heard[0] + 1:
            if json.loads(ws.recv())["event"] == "media":
                heard.append(time.monotonic())
    finally:
        stop.set()
        talking.join()
        ws.close()
    return max(later - sooner for sooner, later in zip(heard, heard[1:], strict=False))
