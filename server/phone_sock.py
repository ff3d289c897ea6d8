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

from server.host_app import reached
from server.media_ws_ai import POLICY_VIOLATION, SOCKET_ENDED
from server.meter import Meter, OnceIn
from server.web_server import why_no_call

log = logging.getLogger("agent")

SUBPROTOCOL = "audio.twilio.com"
SOCKET_OPTIONS = {"subprotocols": [SUBPROTOCOL], "ping_interval": 25, "max_message_size": 65536}
# A peer that takes nothing any more while we send: the kernel gives up, and with it every blocked send.
UNACKNOWLEDGED_MS = 5000
# A call's audio is some 25,000 a second; behind a network that was away for ten seconds comes what it kept.
BYTES_PER_S, BYTES_AT_ONCE = 64 * 1024, 512 * 1024
READER_TIMEOUT_S = 0.3
TOLD_EVERY_S = 60.0


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
        self._once = OnceIn(TOLD_EVERY_S)

    def route(self, path: str, bp: Blueprint | None = None, **options: Any) -> Callable[..., Any]:
        """As ``Sock.route``. Whatever ``serve`` raises ends its socket and nothing else."""
        if bp is None:
            plain: Callable[..., Any] = super().route(path, **options)
            return plain

        def register(serve: Callable[[Server], None]) -> None:
            def view() -> Response:
                why_not = why_no_call(request.environ, self._calls)
                try:
                    ws = Server(_guarded(request.environ), **SOCKET_OPTIONS)
                except (RemoteProtocolError, ValueError, OSError) as error:  # no handshake, or no text in it
                    return Response(f"no WebSocket: {error}\n", 400, mimetype="text/plain")
                except RuntimeError:  # no socket
                    self._complain(why_not)
                    return Response(f"no WebSocket: {why_not}\n", 501, mimetype="text/plain")
                try:
                    # Closed by us, so that Twilio asks what follows: an apology, and a person or a call back.
                    self._refuse(ws, why_not) if why_not else serve(ws)
                except Exception:  # the thread's edge: an error page cannot follow a WebSocket
                    log.exception("SOCKET_ERR")
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


def _guarded(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment with its socket in a ``GuardedSocket``, and without compression.

    A kilobyte of compressed frames is a megabyte of text; Twilio does not compress.
    """
    guarded = {key: value for key, value in environ.items() if key != "HTTP_SEC_WEBSOCKET_EXTENSIONS"}
    for key in ("gunicorn.socket", "werkzeug.socket"):
        if key in environ:
            guarded[key] = GuardedSocket(environ[key])
    return guarded


class Flood(OSError):
    """The peer sends more than a telephone call can."""


class GuardedSocket:
    """A socket whose ``send`` sends all of it, one sender at a time, and whose ``recv`` has its measure.

    simple-websocket sends from two threads (our TX, its own reader's pongs) with one ``sock.send`` whose
    count it ignores: a slow peer or a pong at the wrong moment would cut a frame in two.
    """

    def __init__(self, sock: socket.socket, clock: Callable[[], float] = time.monotonic) -> None:
        self._sock = sock
        self._clock = clock
        self._lock = threading.Lock()
        self._meter = Meter(BYTES_PER_S, BYTES_AT_ONCE, clock())
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
        if not self._meter.take(len(data), self._clock()):
            log.warning("WS_FLOOD more than %d bytes a second", BYTES_PER_S)
            raise Flood("too much")
        if len(data) == at_most:  # there is more: gevent would read on and on, and nobody else would run
            time.sleep(0)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
