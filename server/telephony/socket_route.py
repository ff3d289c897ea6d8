"""The media socket as a route: flask-sock with our options, on a socket that keeps to its word.

What simple-websocket leaves open, measured: one ``send`` whose count is ignored, from two threads; a reader
that takes as much as a peer sends, as fast as it comes, and inflates it.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request
from flask_sock import Sock
from simple_websocket import Server
from wsproto.utilities import RemoteProtocolError

from server.logs.rate_limited import Bugs, OnceIn, RateLimitedLog
from server.runtime.token_bucket import TokenBucket
from server.runtime.web_server import why_no_call
from server.telephony.host_app import reached
from server.telephony.websocket import POLICY_VIOLATION, SOCKET_ENDED

log = logging.getLogger("agent")

SUBPROTOCOL = "audio.twilio.com"
SOCKET_OPTIONS = {"subprotocols": [SUBPROTOCOL], "ping_interval": 25, "max_message_size": 65536}
# A peer that takes nothing any more while we send: the kernel gives up, and with it every blocked send.
UNACKNOWLEDGED_MS = 5000
# A call's audio is some 25,000 a second; behind a network that was away for ten seconds comes what it kept.
BYTES_PER_S, BYTES_AT_ONCE = 64 * 1024, 512 * 1024
# What is no whole message: pings, pongs, fragments. A call needs a ping in 25 s; what the reader answers and
# throws away is counted nowhere else.
OTHERS_PER_S, OTHERS_AT_ONCE = 100, 1000
FIN, CONTROL = 0x80, 0x08
CLOSE_1008 = b"\x88\x02" + POLICY_VIOLATION.to_bytes(2, "big")
READER_TIMEOUT_S = 0.3


class PhoneSock(Sock):  # type: ignore[misc]  # flask-sock has no types
    """flask-sock, with socket options of its own for the routes of a blueprint.

    flask-sock reads ``SOCK_SERVER_OPTIONS`` from the application. In a host's application those are the
    host's: ours would limit the messages of its sockets, and its own would break ours. So each has its own;
    a route that the host adds without a blueprint is flask-sock's as ever.
    """

    def __init__(self, calls: int = 0) -> None:
        """``calls``: MAX_CALLS, for what is said of a server that cannot hold any."""
        super().__init__()
        self._calls = calls
        self._once = OnceIn()
        self._bugs = Bugs(log)
        self._floods = RateLimitedLog(log)

    def route(self, path: str, bp: Blueprint | None = None, **options: Any) -> Callable[..., Any]:
        """As ``Sock.route``. Whatever ``serve`` raises ends its socket and nothing else."""
        if bp is None:
            plain: Callable[..., Any] = super().route(path, **options)
            return plain

        def register(serve: Callable[[Server], None]) -> None:
            def view() -> Response:
                why_not = why_no_call(request.environ, self._calls)
                try:
                    ws = Server(_guarded(request.environ, self._floods.warn), **SOCKET_OPTIONS)
                except (RemoteProtocolError, ValueError, OSError) as error:  # no handshake, or no text in it
                    return Response(f"no WebSocket: {error}\n", 400, mimetype="text/plain")
                except RuntimeError:  # no socket
                    self._complain(why_not)
                    return Response(f"no WebSocket: {why_not}\n", 501, mimetype="text/plain")
                try:
                    # Closed by us, so that Twilio asks what follows: an apology, and a person or a call back.
                    self._refuse(ws, why_not) if why_not else serve(ws)
                except Exception as error:  # the thread's edge: an error page cannot follow a WebSocket
                    self._bugs.tell("SOCKET_ERR", error)
                _close(ws)
                return _SocketOver(ws.mode)

            bp.add_url_rule(path, "socket", reached(view), websocket=True, **options)

        return register

    def _refuse(self, ws: Server, why_not: str) -> None:
        self._complain(why_not)
        reject(ws, "this server cannot hold a call")

    def _complain(self, why_not: str) -> None:
        if self._once.due(why_not):
            log.error("WS_REFUSED %s", why_not)


def reject(ws: Server, why: str) -> None:
    """Close with 1008: the peer may not talk to us."""
    with suppress(*SOCKET_ENDED):
        ws.close(POLICY_VIOLATION, why)


def _close(ws: Server) -> None:
    with suppress(*SOCKET_ENDED):  # already closed, by the handler or the peer
        ws.close()
    # The server closes the connection next. Until the peer has answered our close, simple-websocket's reader
    # takes the audio that is still on its way: left unread it would reset the connection before our close is
    # read.
    ws.thread.join(READER_TIMEOUT_S)
    if ws.thread.is_alive():
        # It would wait until its next ping is due: a thread of a call that is over (F6).
        with suppress(OSError):
            ws.sock.shutdown(socket.SHUT_RD)
        ws.thread.join(READER_TIMEOUT_S)


class _SocketOver(Response):
    """What a view returns when its WebSocket is over: no bytes may follow on the connection."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def __call__(self, *wsgi: Any) -> Any:
        if self._mode == "gunicorn":
            raise StopIteration  # gunicorn's word for "this connection was taken over"
        return super().__call__(*wsgi) if self._mode == "werkzeug" else []


def _guarded(environ: dict[str, Any], tell: Callable[[str, str], None]) -> dict[str, Any]:
    """The WSGI environment with its socket in a ``GuardedSocket``, and without compression.

    A kilobyte of compressed frames is a megabyte of text; Twilio does not compress.
    """
    guarded = {key: value for key, value in environ.items() if key != "HTTP_SEC_WEBSOCKET_EXTENSIONS"}
    for key in ("gunicorn.socket", "werkzeug.socket"):
        if key in environ:
            guarded[key] = GuardedSocket(environ[key], tell=tell)
    return guarded


class Flood(OSError):
    """The peer sends more than a telephone call can."""


class Frames:
    """Counts the frames of a WebSocket's bytes, as they come in pieces of any length."""

    def __init__(self) -> None:
        self._head = bytearray()  # of the frame that is beginning
        self._left = 0  # of its payload, still to come

    def feed(self, data: bytes) -> int:
        """How many frames have begun in ``data`` that are no whole message: controls and fragments."""
        others = at = 0
        while True:
            skipped = min(self._left, len(data) - at)
            at += skipped
            self._left -= skipped
            if at == len(data):
                return others
            self._head.append(data[at])
            at += 1
            if len(self._head) == self._head_length():
                others += self._head[0] & (FIN | CONTROL) != FIN or not self._head[0] & 0x0F
                self._left = self._payload_length()
                self._head.clear()

    def _head_length(self) -> int:
        """Of the head that has begun; a client's has a mask."""
        if len(self._head) < 2:
            return 2
        masked = 4 if self._head[1] & 0x80 else 0
        return 2 + {126: 2, 127: 8}.get(self._head[1] & 0x7F, 0) + masked

    def _payload_length(self) -> int:
        short = self._head[1] & 0x7F
        extended = {126: 2, 127: 8}.get(short, 0)
        return int.from_bytes(self._head[2 : 2 + extended], "big") if extended else short


class GuardedSocket:
    """A socket whose ``send`` sends all of it, one sender at a time, and whose ``recv`` has its measure.

    simple-websocket sends from two threads (our TX, its own reader's pongs) with one ``sock.send`` whose
    count it ignores: a slow peer or a pong at the wrong moment would cut a frame in two.
    """

    def __init__(
        self,
        sock: socket.socket,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str, str], None] = log.warning,
    ) -> None:
        self._sock = sock
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._meter = TokenBucket(BYTES_PER_S, BYTES_AT_ONCE, clock())
        self._frames = Frames()
        self._others = TokenBucket(OTHERS_PER_S, OTHERS_AT_ONCE, clock())
        with suppress(AttributeError, OSError):  # not on this system, or not TCP: pings find a vanished peer
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)

    def send(self, message: bytes) -> int:
        """Block until all is sent, or raise OSError."""
        with self._lock:
            self._sock.sendall(message)
        return len(message)

    def recv(self, at_most: int) -> bytes:
        """Block for some bytes. Raises Flood, and OSError."""
        data = self._sock.recv(at_most)
        now = self._clock()
        if not self._meter.take(len(data), now):
            raise self._flood(f"more than {BYTES_PER_S} bytes a second")
        if not self._others.take(self._frames.feed(data), now):
            raise self._flood(f"more than {OTHERS_PER_S} pings, pongs and fragments a second")
        if len(data) == at_most:  # there is more: gevent would read on and on, and nobody else would run
            time.sleep(0)
        return data

    def _flood(self, why: str) -> Flood:
        self._tell("WS_FLOOD %s", why)
        with suppress(OSError), self._lock:
            self._sock.settimeout(READER_TIMEOUT_S)  # it may take nothing while it sends
            self._sock.sendall(CLOSE_1008)
        return Flood(why)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
