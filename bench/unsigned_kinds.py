"""Requests that nobody has signed, as bytes: each as dear for the server as its kind can be made."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.servers.doors import HEADER, RING, SOCKET

FORM = "application/x-www-form-urlencoded"
SID = "CallSid=CA" + "0" * 32
PROOF = f"{HEADER}: {'x' * 27}=\r\n"
WEBSOCKET = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
PIPELINED = 50


@dataclass(frozen=True)
class Kind:
    """``data``: what is sent on one connection; so many ``requests`` are in it."""

    name: str
    data: bytes
    requests: int = 1


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode("latin-1")


def post(body: bytes, kind: str = FORM, headers: str = PROOF, path: str = RING) -> bytes:
    told = f"Content-Type: {kind}\r\n{headers}Content-Length: {len(body)}\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: x\r\n{told}\r\n".encode("latin-1") + body


def form(field: Callable[[int], str], size: int) -> bytes:
    """A call's form of ever more fields, ``size`` bytes of it."""
    text, number = SID, 0
    while len(text) < size:
        text += "&" + field(number)
        number += 1
    return text[:size].encode("latin-1")


def chunked(body: bytes, size: int) -> bytes:
    told = f"Content-Type: {FORM}\r\n{PROOF}Transfer-Encoding: chunked\r\n"
    head = f"POST {RING} HTTP/1.1\r\nHost: x\r\n{told}\r\n"
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def multipart(parts: int) -> bytes:
    one = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n1\r\n'
    return "".join(one.format(number) for number in range(parts)).encode() + b"--b--\r\n"


def headers(count: int, length: int) -> str:
    return "".join(f"X-{number}: {'a' * length}\r\n" for number in range(count))


KINDS = (
    Kind("/healthz", get("/healthz")),
    Kind("/healthz, pipelined", get("/healthz") * PIPELINED, PIPELINED),
    Kind("/media", get("/media/busy.wav")),
    Kind("404", get("/" + "a/" * 2000)),
    Kind("a long query", get("/healthz?" + "a=&" * 1300)),
    Kind("97 headers of 1,000 bytes", get("/healthz", headers(97, 1000))),
    Kind("49 headers of 2,000 bytes", get("/healthz", headers(48, 2000))),
    Kind("a form without a signature", post(form(lambda n: f"{n:x}=", 65_000), headers="")),
    Kind("a small form, a bad signature", post(form(lambda n: f"Field{n}=abc", 600))),
    Kind("12,000 fields", post(form(lambda n: f"{n:x}=", 65_000))),
    Kind("4,000 fields in 16 KB", post(form(lambda n: f"{n:x}=", 16_000))),
    Kind("190 long fields", post(form(lambda n: f"F{n}={'a' * 70}", 15_000))),
    Kind("one name again and again", post(form(lambda n: f"a={n}", 65_000))),
    Kind("escapes", post(form(lambda n: f"{n}={'%D7%90' * 10}", 65_000))),
    Kind("escapes that are no text", post(f"{SID}&a={'%D7' * 21_000}".encode())),
    Kind("escapes, 15 KB", post(f"{SID}&a={'%D7' * 5_000}".encode())),
    Kind("good escapes, 16 KB", post(f"{SID}&a={'%D7%90' * 2_700}".encode())),
    Kind("multipart of 800 parts", post(multipart(800), "multipart/form-data; boundary=b")),
    Kind("chunks of one byte", chunked(form(lambda n: f"F{n}={'a' * 70}", 15_000), 1)),
    Kind("a chunk that is none", chunked(b"", 1).replace(b"\r\n0\r\n", b"\r\nZZ\r\n")),
    Kind("a handshake", get(SOCKET, WEBSOCKET)),
    Kind("a handshake, a bad signature", get(SOCKET, WEBSOCKET + PROOF)),
)
