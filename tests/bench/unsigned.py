"""What a stranger's request costs before it is known to be no request of Twilio's: the dearest that we know.

``python -m tests.bench.unsigned [WORKER_CLASS]``: one worker, asked straight, a connection a request. Exit
status 1 when a kind costs more than MOST_CPU_MS of the worker's time.
"""

import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.doors import HEADER, RING, SECRET, SOCKET
from tests.serving import GUNICORN, ROOT, Server, started

TIMES = 100
MOST_CPU_MS = 4.0  # on two cores that are shared; 2 where nothing else runs
FORM = "application/x-www-form-urlencoded"
SID = "CallSid=CA" + "0" * 32
PROOF = f"{HEADER}: {'x' * 27}=\r\n"


def post(body: bytes, kind: str = FORM, headers: str = PROOF, path: str = RING) -> bytes:
    told = f"Content-Type: {kind}\r\n{headers}Content-Length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{told}\r\n".encode("latin-1") + body


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode("latin-1")


def form(field: Callable[[int], str], size: int) -> bytes:
    """A call's form with ever more fields, ``size`` bytes of it."""
    text, fields = [SID], size // (len(field(100)) + 1)
    text += [field(n) for n in range(fields)]
    return "&".join(text)[:size].encode("latin-1")


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    told = f"Content-Type: {FORM}\r\n{PROOF}Transfer-Encoding: chunked\r\n"
    sent = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return f"POST {RING} HTTP/1.1\r\nHost: x\r\n{told}\r\n".encode() + sent + b"0\r\n\r\n"


def multipart(parts: int) -> bytes:
    one = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n1\r\n'
    return "".join(one.format(n) for n in range(parts)).encode() + b"--b--\r\n"


def headers(count: int, length: int) -> str:
    return "".join(f"X-{n}: {'a' * length}\r\n" for n in range(count))


HANDSHAKE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n"
)
SMALL = form(lambda n: f"Field{n}=abc", 600)
KINDS: dict[str, bytes] = {
    "health": get("/healthz"),
    "media": get("/media/busy.wav"),
    "no such page": get("/x"),
    "a path of 4,000 characters": get("/" + "a/" * 2000),
    "a query of 4,000 characters": get("/healthz?" + "a=&" * 1300),
    "100 headers of 8,000 bytes": get("/healthz", headers(98, 8000)),
    "no signature": post(SMALL, headers=""),
    "a small form": post(SMALL),
    "190 fields": post(form(lambda n: f"F{n}={'a' * 70}", 15_000)),
    "190 fields, percent-escaped": post(form(lambda n: "%46%46%46%46=" + "%D7%90" * 11, 15_000)),
    "one field of 16 KB, escaped": post(f"{SID}&a={'%D7%90' * 2700}".encode()),
    "one field of 16 KB, no UTF-8": post(f"{SID}&a={'%D7' * 5400}".encode()),
    "one field of 16 KB, no escapes": post(f"{SID}&a={'%' * 16000}".encode()),
    "raw bytes": post(f"{SID}&a=".encode() + b"\xd7" * 16000),
    "12,000 names, 65,000 bytes": post(form(lambda n: f"{n:x}=", 65_000)),
    "one name 16,000 times": post(form(lambda n: f"a={n}", 65_000)),
    "%D7 for 65,000 bytes": post(f"{SID}&a={'%D7' * 21000}".encode()),
    "4,000 names, 16,000 bytes": post(form(lambda n: f"{n:x}=", 16_000)),
    "multipart of 800 parts": post(multipart(800), "multipart/form-data; boundary=b"),
    "JSON, nested": post(b"[" * 16000, "application/json"),
    "chunks of 1 byte": chunked(form(lambda n: f"F{n}={'a' * 70}", 15_000), 1),
    "chunks of 1 byte, unsigned": chunked(SMALL, 1).replace(PROOF.encode(), b""),
    "a handshake, not signed": get(SOCKET, HANDSHAKE),
    "a handshake, badly signed": get(SOCKET, HANDSHAKE + PROOF),
    "a handshake of 4,000 characters": get(SOCKET + "?" + "a=%D7%90&" * 400, HANDSHAKE + PROOF),
}


def ask(server: Server, request: bytes) -> int:
    """The status of the answer; 0: there was none."""
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), 10) as sock:
        try:
            sock.sendall(request)
            answer = sock.recv(65536)
        except OSError:  # it has heard enough
            return 0
    return int(answer[9:12]) if answer.startswith(b"HTTP/1") else 0


def worker_of(server: Server) -> int:
    pid = server.process.pid
    (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(worker)


def cpu_s(pid: int) -> float:
    """Of the process: all its threads, those that have ended too."""
    return time.clock_gettime((~pid << 3) | 2)  # Linux's clock of another process, as clock_getcpuclockid(3)


def cost(server: Server, request: bytes, times: int = TIMES) -> tuple[int, float]:
    """The status, and milliseconds of the worker's CPU a request."""
    worker = worker_of(server)
    status = ask(server, request)
    before = cpu_s(worker)
    for _ in range(times):
        ask(server, request)
    return status, (cpu_s(worker) - before) * 1000 / times


def main(worker_class: str) -> int:
    worst = 0.0
    public = "https://agent.example.com"
    with tempfile.TemporaryDirectory() as folder:
        known = {"TWILIO_AUTH_TOKEN": SECRET, "PUBLIC_BASE_URL": public, "WORKER_CLASS": worker_class}
        with started(GUNICORN, ROOT, Path(folder) / "log", **known) as server:
            for kind, request in KINDS.items():
                status, cpu_ms = cost(server, request)
                worst = max(worst, cpu_ms)
                print(f"{kind:34}{len(request):8} bytes{status:5}{cpu_ms:9.2f} ms", flush=True)
        print(f"the log: {os.path.getsize(Path(folder) / 'log')} bytes")
    return int(worst > MOST_CPU_MS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "gevent"))
