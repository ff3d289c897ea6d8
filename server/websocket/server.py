"""A WebSocket of a call: the thread that receives does all that its peer is owed. No thread beside it."""

import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from simple_websocket import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode

from server.websocket.handshake import answer, came_along
from server.websocket.incoming import Incoming
from server.websocket.limits import CLOSING_S, PING_INTERVAL_S
from server.websocket.measure import Flood, Measure
from server.websocket.outgoing import bytes_frame, text_frames
from server.websocket.wire import Wire, is_known, wire_of

PING = Frame(Opcode.PING, b"").serialize(mask=False)
LEFT_S = 0.001  # for what is there already; others of the thread run meanwhile
SOCKET_KEY = "gunicorn.socket"


class ServerSocket:
    """Behind the handshake. ``receive``, ``close`` and ``end`` are one thread's; any thread sends.

    It has the methods of ``simple_websocket.Server`` that are used here, and raises what that does:
    ``ConnectionClosed`` and OSError. Bytes are read when a message is asked for, not before: a peer that
    sends more than is taken is held up by its own kernel. What must be done in time (pongs, a ping each
    25 s, 1008 for who does not answer it) is done by ``receive``, which must be called all the time.
    """

    mode = "gunicorn"  # whose socket it is, as simple-websocket says it

    def __init__(
        self,
        sock: socket.socket,
        wire: Wire,
        subprotocol: str | None = None,
        came_along: bytes = b"",
        *,
        tell: Callable[[str, object], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``came_along``: what the server has read behind the handshake. ``clock`` gives monotonic seconds.
        ``tell`` is told of a flood, as ``logging``'s methods are.
        """
        self.sock = sock
        self.subprotocol = subprotocol
        self._wire = wire
        self._incoming = Incoming()
        self._incoming.feed(came_along)
        self._tell = tell
        self._clock = clock
        self._measure = Measure(clock())
        self._sending = threading.Lock()
        self._owed: deque[bytes] = deque()  # control frames, for whoever may send next
        self._ping_at = clock() + PING_INTERVAL_S
        self._pinged = False

    def receive(self, timeout: float | None = None) -> str | bytes | None:
        """The next message; None when none has come within ``timeout`` seconds. Raises SOCKET_ENDED."""
        message = self._next()
        if message is not None:
            return message
        if timeout is None:
            timeout = math.inf
        wait_s = min(timeout, PING_INTERVAL_S)
        until = None if wait_s == timeout else self._clock() + timeout
        while True:
            data = self._read(wait_s)
            now = self._clock()
            if data is not None:
                message = self._take(data, now)
            if now >= self._ping_at:
                self._ping(now)
            if message is not None:
                return message
            if until is None:
                if data is None:
                    return None
                until = now + timeout  # a part of a message has come
            wait_s = min(until - now, PING_INTERVAL_S)
            if wait_s <= 0:
                return None

    def send(self, data: str | bytes) -> None:
        """One message, of text or of bytes. Blocks until all of it is sent. Raises SOCKET_ENDED."""
        self._send(text_frames((data,)) if isinstance(data, str) else bytes_frame(data))

    def send_all(self, messages: Sequence[str]) -> None:
        """Several messages in one write: all of them, or an exception of SOCKET_ENDED."""
        self._send(text_frames(messages))

    def _send(self, frames: bytes) -> None:
        with self._sending:
            self._check_open()
            self._wire.send(frames)
        if self._owed:
            self._send_owed()

    def close(self, reason: int | None = None, message: str | None = None) -> None:
        """Say that it is over, in at most 0.3 s. Raises SOCKET_ENDED, also where either has said so."""
        self._check_open()
        self._incoming.close(reason or CloseCode.NORMAL_CLOSURE, message or "")
        self._answer(CLOSING_S)

    def end(self) -> None:
        """Close, where nobody has, and take what is on its way, for at most 0.3 s. The socket stays open.

        Bytes that nobody has read would reset the connection, and the peer not read our close.
        """
        with suppress(ConnectionClosed, OSError):
            self.close()
        until = self._clock() + CLOSING_S
        with suppress(OSError):
            while (wait_s := until - self._clock()) > 0:
                data = self._wire.recv(LEFT_S if self._incoming.peer_closed else wait_s)
                if not data:
                    break
                self._incoming.feed(data)
                while self._incoming.next() is not None:
                    pass
        self._wire.release()

    # ---- the receiving thread ----

    def _next(self) -> str | bytes | None:
        incoming = self._incoming
        message = incoming.next()
        if incoming.others:
            self._look_after(self._clock())
        if message is None and incoming.closed:
            self._check_open()
        return message

    def _read(self, wait_s: float) -> bytes | None:
        try:
            data = self._wire.recv(wait_s)
        except OSError as error:
            self._incoming.lose(why=str(error))
        else:
            if data != b"":
                return data
            self._incoming.lose()
        self._check_open()
        return None

    def _take(self, data: bytes, now: float) -> str | bytes | None:
        try:
            self._measure.take_bytes(len(data), now)
        except Flood as flood:
            self._refuse(str(flood))
        self._incoming.feed(data)
        return self._next()

    def _look_after(self, now: float) -> None:
        """What has come beside messages."""
        others, self._incoming.others = self._incoming.others, 0
        try:
            self._measure.take_others(others, now)
        except Flood as flood:
            self._refuse(str(flood))
        self._answer(CLOSING_S if self._incoming.closed else None)

    def _ping(self, now: float) -> None:
        if self._pinged and not self._incoming.pongs:
            self._incoming.fail(CloseCode.POLICY_VIOLATION, "it answers no ping")
            self._answer(CLOSING_S)
            self._check_open()
        self._pinged, self._incoming.pongs = True, 0
        self._ping_at = max(now, self._ping_at) + PING_INTERVAL_S
        self._owed.append(PING)
        self._send_owed()

    def _refuse(self, flood: str) -> None:
        """Raises ConnectionClosed, when the peer has been told."""
        self._tell("WS_FLOOD %s", flood)
        if not self._incoming.closed:
            self._incoming.take_owed()
            self._incoming.fail(CloseCode.POLICY_VIOLATION, flood)
        self._answer(CLOSING_S)
        self._check_open()

    def _answer(self, within_s: float | None) -> None:
        if owed := self._incoming.take_owed():
            self._owed.append(owed)
            with suppress(OSError):  # the peer was faster, or takes nothing: reading will tell
                self._send_owed(within_s)

    # ---- any thread ----

    def _send_owed(self, within_s: float | None = None) -> None:
        """Now, or by the thread that is sending, once it has done so: it may be held up by the peer."""
        while self._owed and self._sending.acquire(blocking=False):
            try:
                owed = [self._owed.popleft() for _ in range(len(self._owed))]
                self._wire.send(b"".join(owed), within_s)
            finally:
                self._sending.release()

    def _check_open(self) -> None:
        if closed := self._incoming.closed:
            raise ConnectionClosed(int(closed.code), closed.reason)


def takes(environ: dict[str, Any]) -> bool:
    """Whether ``accept`` knows what the server of this request has for a socket."""
    return is_known(environ.get(SOCKET_KEY))


def accept(environ: dict[str, Any], subprotocol: str, tell: Callable[[str, object], None]) -> ServerSocket:
    """The WebSocket that a request asks for. Raises InvalidHandshake, and OSError."""
    response, chosen = answer(environ, subprotocol)
    sock = environ[SOCKET_KEY]
    wire = wire_of(sock)
    try:
        wire.send(response, CLOSING_S)
    except OSError:
        wire.release()
        raise
    return ServerSocket(sock, wire, chosen, came_along(environ), tell=tell)
