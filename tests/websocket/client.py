"""A client of a real server that plays Autobahn's cases."""

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.serving import ROOT, Server, started
from tests.websocket.catalogue import NO_CODE, Answer, Case
from tests.websocket.echo import PATH
from tests.websocket.frames import CLOSE, said

ECHO = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--threads", "60"]
TIMEOUT_S = 5.0
OK, NOT_STRICT, FAILED = "ok", "not strict", "failed"


@contextmanager
def echoing(worker_class: str, engine: str) -> Iterator[Server]:
    """gunicorn with ``tests.websocket.echo``, and WEBSOCKET_ENGINE."""
    with tempfile.TemporaryDirectory() as folder:
        command = " ".join([*ECHO, "-k", worker_class, "-b 127.0.0.1:$PORT tests.websocket.echo:app"])
        log = Path(folder) / "log"
        with started(["sh", "-c", f"exec {command}"], ROOT, log, "/", WEBSOCKET_ENGINE=engine) as server:
            yield server


def talk(
    address: str, sends: bytes, chop: int = 0, *, at_once: bytes = b"", answers: int = 0, last: bytes = b""
) -> tuple[list[Answer], int | None]:
    """What a server answers, and the code of its close; None where it has only hung up.

    ``at_once`` is sent with the handshake, ``last`` when so many ``answers`` have come.
    """
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(handshake(PATH) + at_once)
        heard = shaken_hands(peer)
        with suppress(OSError):  # it was refused before all was sent
            for at in range(0, len(sends), chop or len(sends) or 1):
                peer.sendall(sends[at : at + (chop or len(sends))])
        heard = hear(peer, heard, lambda frames: last != b"" and len(frames) >= answers)
        with suppress(OSError):
            peer.sendall(last)
        frames = list(said(hear(peer, heard, lambda frames: False)))
    if not frames or frames[-1][0] != CLOSE:
        return frames, None
    reason = frames.pop()[1]
    return frames, int.from_bytes(reason[:2], "big") if reason else NO_CODE


def handshake(path: str) -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def shaken_hands(peer: socket.socket) -> bytes:
    """What has come behind the handshake."""
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += (piece := peer.recv(4096))
        assert piece, "no handshake"
    head, _, heard = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return heard


def hear(peer: socket.socket, heard: bytes, enough: Callable[[list[Answer]], bool]) -> bytes:
    """On to enough, to a close, or to the end."""
    with suppress(OSError):
        while not enough(frames := list(said(heard))) and CLOSE not in (opcode for opcode, _ in frames):
            if not (piece := peer.recv(65536)):
                break
            heard += piece
    return heard


def verdict(address: str, case: Case, *, hurried: bool = False) -> str:
    """Not strict: it refused what was wrong, and left out answers to what came before.

    ``hurried``: the client closes before it has read an answer.
    """
    sends, last = (case.sends + case.last, b"") if hurried else (case.sends, case.last)
    answers, code = talk(address, sends, case.chop, answers=len(case.answers), last=last)
    expected = list(case.answers)
    if code != case.code or answers != expected[: len(answers)]:
        return FAILED
    return OK if answers == expected else NOT_STRICT
