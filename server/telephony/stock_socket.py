"""flask-sock's WebSocket for a call: for servers that are not gunicorn, and where it is asked for.

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

from simple_websocket import Server

from server.telephony.websocket import POLICY_VIOLATION, SOCKET_ENDED
from server.websocket.limits import CLOSING_S, MAX_MESSAGE_BYTES, PING_INTERVAL_S, UNACKNOWLEDGED_MS
from server.websocket.measure import Flood, Measure

log = logging.getLogger("agent")

FIN, CONTROL = 0x80, 0x08
CLOSE_1008 = b"\x88\x02" + POLICY_VIOLATION.to_bytes(2, "big")


def accept(environ: dict[str, Any], subprotocol: str, tell: Callable[[str, object], None]) -> Server:
    """The WebSocket that a request asks for.

    Raises wsproto's RemoteProtocolError, ValueError and OSError for a bad handshake, RuntimeError where the
    server has no socket for it.
    """
    return Server(
        _guarded(environ, tell),
        subprotocols=[subprotocol],
        ping_interval=PING_INTERVAL_S,
        max_message_size=MAX_MESSAGE_BYTES,
    )


def end(ws: Server) -> None:
    """Close it, where nobody has, and let its reader end, in at most 0.6 s."""
    with suppress(*SOCKET_ENDED):  # already closed, by the handler or the peer
        ws.close()
    # The server closes the connection next. Until the peer has answered our close, simple-websocket's reader
    # takes the audio that is still on its way: left unread it would reset the connection before our close is
    # read.
    ws.thread.join(CLOSING_S)
    if ws.thread.is_alive():
        # It would wait until its next ping is due: a thread of a call that is over (F6).
        with suppress(OSError):
            ws.sock.shutdown(socket.SHUT_RD)
        ws.thread.join(CLOSING_S)


def _guarded(environ: dict[str, Any], tell: Callable[[str, object], None]) -> dict[str, Any]:
    """The WSGI environment with its socket in a ``GuardedSocket``, and without compression.

    A kilobyte of compressed frames is a megabyte of text; Twilio does not compress.
    """
    guarded = {key: value for key, value in environ.items() if key != "HTTP_SEC_WEBSOCKET_EXTENSIONS"}
    for key in ("gunicorn.socket", "werkzeug.socket"):
        if key in environ:
            guarded[key] = GuardedSocket(environ[key], tell=tell)
    return guarded


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
        tell: Callable[[str, object], None] = log.warning,
    ) -> None:
        self._sock = sock
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._measure = Measure(clock())
        self._frames = Frames()
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
        try:
            self._measure.take_bytes(len(data), now)
            self._measure.take_others(self._frames.feed(data), now)
        except Flood as flood:
            self._close(str(flood))
            raise
        if len(data) == at_most:  # there is more: gevent would read on and on, and nobody else would run
            time.sleep(0)
        return data

    def _close(self, why: str) -> None:
        self._tell("WS_FLOOD %s", why)
        with suppress(OSError), self._lock:
            self._sock.settimeout(CLOSING_S)  # it may take nothing while it sends
            self._sock.sendall(CLOSE_1008)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
