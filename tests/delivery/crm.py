"""A CRM on loopback: it answers as it is told, and keeps what came, with whether the signature was right."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.delivery.verification import verified

SECRET = "a-secret-of-24-characters"
SLOW_S = 30.0
DRIP_S = 0.05


@dataclass(frozen=True)
class Answer:
    """``status`` 0: the connection is closed without one. ``cut``: in the middle of the body."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False
    twice: bool = False
    slow: bool = False
    drips: bool = False


@dataclass
class Crm:
    """``answers``: of the next requests, in order; then 200."""

    url: str = ""
    answers: deque[Answer] = field(default_factory=deque)
    asked: list[str] = field(default_factory=list)  # the ID of each request, whatever came of it
    kept: list[dict[str, Any]] = field(default_factory=list)  # what was answered with 200
    forged: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def leads(self) -> list[str]:
        return [lead.get("id", "") for lead in self.kept]


def _handler(crm: Crm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            crm.forged += not verified(SECRET, self.headers, body, now=time.time())
            crm.asked.append(self.headers["X-Lead-Id"])
            answer = crm.answers.popleft() if crm.answers else Answer()
            if answer.slow:
                crm.over.wait(SLOW_S)
            if answer.drips:
                self._drip()
            if answer.status == 0 or answer.slow or answer.drips:
                self.close_connection = True
                return
            if 200 <= answer.status < 300:
                crm.kept.append(json.loads(body))
            self._answer(answer)

        def _answer(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", "1000" if answer.cut else "2")
            self.end_headers()
            self.wfile.write(b"ok" * (1 + answer.twice))
            if answer.twice:
                self.wfile.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
            self.close_connection = True

        def _drip(self) -> None:
            with suppress(OSError):
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not crm.over.wait(DRIP_S):
                    self.wfile.write(b"x")

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def crm_serving(answers: Sequence[Answer] = (), port: int = 0) -> Iterator[Crm]:
    crm = Crm(answers=deque(answers))
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(crm))
    server.daemon_threads = True
    crm.url = f"http://127.0.0.1:{server.server_address[1]}/leads"
    serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    serving.start()
    try:
        yield crm
    finally:
        crm.over.set()
        server.shutdown()
        server.server_close()
        serving.join()
