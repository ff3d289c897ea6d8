"""R2, R5, R6: attacks that would take everybody's time, and the call beside them."""

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from bench.attack import Outcome
from bench.promised import ask
from bench.stalled_log import LogReader
from bench.watched import watched
from tests.servers.doors import HEADER, RING, Form, ringing

LINES_ASKED, LINE_EVERY_S = 60, 0.05
STALLED_S = 10.0
FORMS, FORMS_PER_S = 80, 10
QUIET_S = 2.0
PIPELINED = 10_000
READ_S = 15.0
LOOK = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def log_stalls(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R2: who reads our standard output stops, and webhooks make lines."""
    reader = LogReader(folder / "log")
    answers: Counter[bool] = Counter()
    with watched(folder, worker_class, command=reader.command, before_end=reader.go_on) as server:

        def tell(number: int) -> None:
            form: Form = [*ringing(random.Random(number)), ("StreamError", "x" * 190)]
            answers[ask(server.door, form, "/webhook/stream_status") is not None] += 1

        with server.beside() as beside, ThreadPoolExecutor(LINES_ASKED) as pool:
            reader.stall()
            until = time.monotonic() + STALLED_S
            for number in range(LINES_ASKED):
                pool.submit(tell, number)
                time.sleep(LINE_EVERY_S)
            time.sleep(max(0.0, until - time.monotonic()))
            answered = answers[True]
            noticed = beside.end()
            reader.go_on()
    reader.end()
    log = server.server.log
    lines = log.count("stream_status=204")
    said = f"{answered} of {LINES_ASKED} webhooks answered meanwhile; {lines} of their lines came later"
    yield Outcome("nobody reads our log for 10 s", said, answered == LINES_ASKED, noticed)


def many_fields() -> bytes:
    """65,000 bytes of form with as many fields as there is room for."""
    return ("CallSid=CA" + "0" * 32 + "&" + "&".join(f"{i:x}=" for i in range(13000))).encode()[:65000]


def dear_forms(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R5: forms with thousands of fields and a wrong signature."""
    body = many_fields()
    headers = {HEADER: "x" * 28, "Content-Type": "application/x-www-form-urlencoded"}
    statuses: Counter[int] = Counter()
    with watched(folder, worker_class) as server:

        def post() -> None:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.post(server.url + RING, data=body, headers=headers, timeout=30)
                statuses[answer.status_code] += 1

        with server.beside() as beside, ThreadPoolExecutor(FORMS) as pool:
            before = server.cpu_s()
            time.sleep(QUIET_S)
            quiet = (server.cpu_s() - before) / QUIET_S
            beside.begin()
            began, before = time.monotonic(), server.cpu_s()
            for number in range(FORMS):
                pool.submit(post)
                time.sleep(max(0.0, began + number / FORMS_PER_S - time.monotonic()))
            pool.shutdown()
            took = time.monotonic() - began
            each_ms = (server.cpu_s() - before - quiet * took) / FORMS * 1000
            noticed = beside.end()
    said = f"answered {dict(statuses)}, {each_ms:.0f} ms of CPU each"
    yield Outcome(f"{FORMS_PER_S} forms a second of 12,000 fields", said, 200 not in statuses, noticed)


def pipelined(worker_class: str, folder: Path) -> Iterable[Outcome]:
    """R6: one connection asks for ``/healthz`` ten thousand times in one go."""
    with watched(folder, worker_class) as server, server.beside() as beside:
        host, _, port = server.server.address.partition(":")
        with socket.create_connection((host, int(port))) as sock:
            began = time.monotonic()
            threading.Thread(target=_send, args=(sock, LOOK * PIPELINED), daemon=True).start()
            answered = _answers(sock, began + READ_S)
            took = time.monotonic() - began
        noticed = beside.end()
    said = f"{answered} answered in {took:.1f} s"
    yield Outcome("/healthz 10,000 times in one go on one connection", said, True, noticed)


def _send(sock: socket.socket, data: bytes) -> None:
    try:
        sock.sendall(data)
    except OSError:  # it was closed on us, which is well
        pass


def _answers(sock: socket.socket, until: float) -> int:
    answered, rest = 0, b""
    while answered < PIPELINED and (left := until - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            data = sock.recv(1 << 16)
        except OSError:
            break
        if not data:
            break
        rest = rest[-8:] + data  # a head may come in two pieces
        answered += rest.count(b"HTTP/1.1 ")
    return answered
