"""Part 4: the socket under a peer that floods, stalls, inflates or sends no frames; over a real one."""

import json
import logging
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from flask import Blueprint, Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from simple_websocket import Server
from websocket import ABNF, WebSocketException

from server.telephony.socket_route import PhoneSock
from server.telephony.stock_socket import Frames, GuardedSocket
from server.websocket.limits import BYTES_AT_ONCE, BYTES_PER_S, OTHERS_AT_ONCE
from server.websocket.measure import Flood
from server.websocket.server import ServerSocket
from tests.servers.test_app import (
    HELLO,
    START,
    SUBPROTOCOL,
    connected,
    media,
    mount,
    scripted,
    serving,
    wait_for,
)

BUZZ_FRAME = b"\x00" * 160


@pytest.fixture(params=["own", "flask-sock"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a server that serves the one or the other WebSocket."""
    app = mount(Flask("host"), scripted())
    if request.param == "own":
        app.wsgi_app = as_gunicorn(app.wsgi_app)  # type: ignore[method-assign]  # Flask's word for a middleware
    with serving(app) as address:
        yield address


def as_gunicorn(app: Callable[..., Any]) -> Callable[..., Any]:
    """werkzeug's threads, which hand over their socket as gunicorn's do."""

    def serve(environ: dict[str, Any], start_response: Any) -> Any:
        environ["gunicorn.socket"] = environ.pop("werkzeug.socket")
        try:
            return app(environ, start_response)
        except StopIteration:
            raise ConnectionAbortedError from None  # and in these words: it was taken over

    return serve


@pytest.mark.parametrize(
    ("gunicorn", "stock", "served"),
    [(True, False, ServerSocket), (True, True, Server), (False, False, Server)],
)
def test_which_websocket_serves(gunicorn: bool, stock: bool, served: type) -> None:
    """Ours under gunicorn, unless WEBSOCKET_ENGINE says otherwise; flask-sock's where gunicorn is not."""
    app, blueprint, sock = Flask("host"), Blueprint("calls", "host"), PhoneSock(stock=stock)
    sock.route("/ws", blueprint)(lambda ws: ws.send(type(ws).__name__))
    app.register_blueprint(blueprint)
    if gunicorn:
        app.wsgi_app = as_gunicorn(app.wsgi_app)  # type: ignore[method-assign]  # Flask's word for a middleware
    with serving(app) as address, connected(address, "/ws", subprotocols=[SUBPROTOCOL]) as ws:
        assert ws.recv() == served.__name__


@contextmanager
def raw(address: str, **options: Any) -> Iterator[socket.socket]:
    """A handshake, then the bare connection."""
    with connected(address, subprotocols=[SUBPROTOCOL], **options) as ws:
        yield ws.sock


def frame(opcode: int, payload: bytes, *, mask: bool = True, first: int = 0x80) -> bytes:
    """As a peer that knows no better would write it."""
    head = bytes([first | opcode, (0x80 if mask else 0) | len(payload)])
    return head + (bytes(4) if mask else b"") + payload


GARBAGE_FRAMES = {
    "no mask": frame(1, b"{}", mask=False),
    "unknown opcode": frame(11, b""),
    "reserved bits": frame(1, b"{}", first=0xF0),
    "not UTF-8": frame(1, b"\xff\xfe"),
    "half of a character": frame(1, "א".encode()[:1]),
    "a continuation of nothing": frame(0, b"x"),
    "a fragmented ping": frame(9, b"x", first=0),
    "a close of one byte": frame(8, b"\x03"),
    "a close with a bad code": frame(8, b"\x00\x01"),
    "a length beyond any": b"\x81\xff" + b"\xff" * 12,
    "no frame at all": b"GET / HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("kind", GARBAGE_FRAMES)
def test_what_is_no_frame_ends_its_socket_without_a_traceback(
    kind: str, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception in simple-websocket's reader would be an error of the test run too."""
    with raw(address) as peer, caplog.at_level(logging.INFO, "agent"):
        peer.sendall(GARBAGE_FRAMES[kind])
        assert wait_for(lambda: "WS_DONE" in caplog.text)
    assert not [record for record in caplog.records if record.exc_info]


def test_a_flood_ends_with_1008_or_the_connection(address: str, caplog: pytest.LogCaptureFixture) -> None:
    with connected(address, subprotocols=[SUBPROTOCOL]) as ws, caplog.at_level(logging.INFO, "agent"):
        ws.send(json.dumps(START))
        try:
            for _ in range(20_000):
                ws.send(media(BUZZ_FRAME))
        except (OSError, WebSocketException):
            pass
        assert wait_for(lambda: "WS_DONE" in caplog.text)
    assert "WS_FLOOD" in caplog.text


def test_a_peer_that_pings_without_end_is_cut(address: str, caplog: pytest.LogCaptureFixture) -> None:
    """They are no messages: the reader answers them, and nobody else sees them."""
    with raw(address) as peer, caplog.at_level(logging.INFO, "agent"):
        peer.settimeout(5)
        drain = threading.Thread(target=read_all, args=(peer,))
        drain.start()
        try:
            for _ in range(200):
                peer.sendall(frame(9, b"x" * 100) * 100)
        except OSError:
            pass
        assert wait_for(lambda: "WS_DONE" in caplog.text)
        with suppress(OSError):
            peer.shutdown(socket.SHUT_RDWR)
        drain.join(5)
    assert "WS_FLOOD" in caplog.text


OTHERS = {
    "pings": (b"", frame(9, b"")),
    "pongs": (b"", frame(10, b"")),
    "empty fragments": (frame(1, b"", first=0), frame(0, b"", first=0)),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_message_has_its_measure_too(
    kind: str, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Closed with 1008 when more come than a hundred a second, once a network has brought what it kept."""
    first, others = OTHERS[kind]
    with raw(address) as peer, caplog.at_level(logging.INFO, "agent"):
        peer.settimeout(5)
        peer.sendall(first + others * (OTHERS_AT_ONCE * 3 // 2))
        heard = b""
        with suppress(OSError):
            while part := peer.recv(65536):
                heard += part
        assert wait_for(lambda: "WS_DONE" in caplog.text)
    assert "WS_FLOOD more than 100 pings" in caplog.text
    assert b"\x88\x02\x03\xf0" in heard


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 255), st.sampled_from([0, 1, 125, 126, 300, 70_000]), st.booleans())),
    st.data(),
)
def test_frames_are_counted_in_whatever_pieces_they_come(
    frames: list[tuple[int, int, bool]], data: st.DataObject
) -> None:
    """Those that are no whole message: controls, fragments, the ends of fragments."""
    stream = b"".join(long_frame(first, length, mask=mask) for first, length, mask in frames)
    counter, others, at = Frames(), 0, 0
    while at < len(stream):
        piece = data.draw(st.integers(1, 5000))
        others += counter.feed(stream[at : at + piece])
        at += piece
    assert others == sum(not (first & 0x80 and 0 < first & 0x0F < 8) for first, _, _ in frames)


def long_frame(first: int, length: int, *, mask: bool) -> bytes:
    short = length if length < 126 else 126 if length < 65536 else 127
    extended = {126: 2, 127: 8}.get(short, 0)
    head = bytes([first, short | (0x80 if mask else 0)])
    return head + (length.to_bytes(extended, "big") if extended else b"") + bytes(4 * mask) + b"\xff" * length


def read_all(peer: socket.socket) -> None:
    try:
        while peer.recv(65536):
            pass
    except OSError:
        pass


def test_compression_is_not_offered(address: str) -> None:
    """A kilobyte would be a megabyte of text; compressed frames are garbage then."""
    header = ["Sec-WebSocket-Extensions: permessage-deflate"]
    with connected(address, subprotocols=[SUBPROTOCOL], header=header) as ws:
        assert "sec-websocket-extensions" not in {name.lower() for name in ws.headers or {}}
        deflated = zlib.compress(b"x" * 60)
        ws.sock.sendall(frame(1, deflated[:100], first=0xC0))
        assert ws.recv_data()[0] == ABNF.OPCODE_CLOSE


def test_it_reads_within_its_measure_and_lets_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = socket.socketpair()
    yielded: list[float] = []
    monkeypatch.setattr("server.telephony.stock_socket.time.sleep", yielded.append)
    now_s = 0.0
    guarded = GuardedSocket(here, clock=lambda: now_s)
    there.settimeout(5)
    message = b"\x81\x7f" + (1 << 40).to_bytes(8, "big") + bytes(BYTES_AT_ONCE + BYTES_PER_S - 9)
    sender = threading.Thread(target=lambda: there.sendall(message))
    sender.start()
    read(guarded, BYTES_AT_ONCE)
    assert yielded and set(yielded) == {0}
    now_s += 1.0
    read(guarded, BYTES_PER_S)
    with pytest.raises(Flood):
        guarded.recv(1)
    sender.join(5)
    here.close()
    there.close()


def read(guarded: GuardedSocket, count: int) -> None:
    while count:
        count -= len(guarded.recv(min(4096, count)))


def test_a_socket_without_a_start_is_closed_with_1008(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("server.telephony.receiver.START_TIMEOUT_S", 0.2)
    with connected(address, subprotocols=[SUBPROTOCOL]) as ws, caplog.at_level(logging.INFO, "agent"):
        ws.send(json.dumps(HELLO))
        opcode, reason = ws.recv_data()
        assert (opcode, int.from_bytes(reason[:2])) == (ABNF.OPCODE_CLOSE, 1008)
    assert "WS_STALLED no start" in caplog.text


def test_a_peer_that_takes_nothing_is_given_up_by_the_kernel() -> None:
    """After five seconds every blocked send fails; how long a real one takes is seen in bench.chaos."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as peer:
            GuardedSocket(peer)
            assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
