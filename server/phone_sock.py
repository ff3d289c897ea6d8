"""The media socket as a route: flask-sock with our options, and a socket that keeps to its word."""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint, Response, request
from flask_sock import Sock
from simple_websocket import Server

from server.media_ws_ai import SOCKET_ENDED

log = logging.getLogger("agent")

SUBPROTOCOL = "audio.twilio.com"
SOCKET_OPTIONS = {"subprotocols": [SUBPROTOCOL], "ping_interval": 25, "max_message_size": 65536}
# A peer that takes nothing any more while we send: the kernel gives up, and with it every blocked send.
UNACKNOWLEDGED_MS = 5000
READER_TIMEOUT_S = 0.3


class PhoneSock(Sock):  # type: ignore[misc]  # flask-sock has no types
    """flask-sock, with socket options of its own for the routes of a blueprint.

    flask-sock reads ``SOCK_SERVER_OPTIONS`` from the application. In a host's application those are the
    host's: ours would limit the messages of its sockets, and its own would break ours. So each has its own;
    a route that the host adds without a blueprint is flask-sock's as ever.
    """

    def route(self, path: str, bp: Blueprint | None = None, **options: Any) -> Callable[..., Any]:
        """As ``Sock.route``. Whatever ``serve`` raises ends its socket and nothing else."""
        if bp is None:
            plain: Callable[..., Any] = super().route(path, **options)
            return plain

        def register(serve: Callable[[Server], None]) -> None:
            def view() -> Response:
                ws = Server(_whole_writes(request.environ), **SOCKET_OPTIONS)
                try:
                    serve(ws)
                except Exception:  # the thread's edge: an error page cannot follow a WebSocket
                    log.exception("SOCKET_ERR")
                _close(ws)
                return _SocketOver(ws.mode)

            bp.add_url_rule(path, "socket", view, websocket=True, **options)

        return register


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


def _whole_writes(environ: dict[str, Any]) -> dict[str, Any]:
    """The WSGI environment with its socket in a ``WholeWrites``."""
    wrapped = dict(environ)
    for key in ("gunicorn.socket", "werkzeug.socket"):
        if key in environ:
            wrapped[key] = WholeWrites(environ[key])
    return wrapped


class WholeWrites:
    """A socket whose ``send`` sends all of it, one sender at a time.

    simple-websocket sends from two threads (our TX, its own reader's pongs) with one ``sock.send`` whose
    count it ignores: a slow peer or a pong at the wrong moment would cut a frame in two.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
        except (AttributeError, OSError):
            pass  # not on this system, or not TCP: pings find a vanished peer later

    def send(self, message: bytes) -> int:
        with self._lock:
            self._sock.sendall(message)
        return len(message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
