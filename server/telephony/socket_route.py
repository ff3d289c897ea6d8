"""The media socket as a route of a Flask application: ``server.websocket``'s, or flask-sock's."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from flask import Blueprint, Response, request
from flask_sock import Sock
from wsproto.utilities import RemoteProtocolError

from server.logs.rate_limited import Bugs, OnceIn, RateLimitedLog
from server.runtime.web_server import why_no_call
from server.telephony import stock_socket
from server.telephony.host_app import reached
from server.telephony.websocket import POLICY_VIOLATION, SOCKET_ENDED, WebSocket
from server.websocket.handshake import InvalidHandshake
from server.websocket.server import ServerSocket, accept, takes

log = logging.getLogger("agent")

SUBPROTOCOL = "audio.twilio.com"
BAD_HANDSHAKE = (InvalidHandshake, RemoteProtocolError, ValueError, OSError)  # ValueError: no text in it


class Socket(WebSocket, Protocol):
    """Either of the two. Each method raises one of SOCKET_ENDED."""

    @property
    def mode(self) -> str:
        """Whose server's it is."""
        ...

    def close(self, reason: int | None = None, message: str | None = None) -> None: ...


class PhoneSock(Sock):  # type: ignore[misc]  # flask-sock has no types
    """flask-sock, with sockets of our own for the routes of a blueprint.

    flask-sock reads ``SOCK_SERVER_OPTIONS`` from the application. In a host's application those are the
    host's: ours would limit the messages of its sockets, and its own would break ours. So each has its own;
    a route that the host adds without a blueprint is flask-sock's as ever.
    """

    def __init__(self, calls: int = 0, *, stock: bool = False) -> None:
        """``calls``: MAX_CALLS, for what is said of a server that cannot hold any. ``stock``: flask-sock's
        own WebSocket under gunicorn too.
        """
        super().__init__()
        self._calls = calls
        self._stock = stock
        self._once = OnceIn()
        self._bugs = Bugs(log)
        self._floods = RateLimitedLog(log)

    def route(self, path: str, bp: Blueprint | None = None, **options: Any) -> Callable[..., Any]:
        """As ``Sock.route``. Whatever ``serve`` raises ends its socket and nothing else."""
        if bp is None:
            plain: Callable[..., Any] = super().route(path, **options)
            return plain

        def register(serve: Callable[[Socket], None]) -> None:
            def view() -> Response:
                why_not = why_no_call(request.environ, self._calls)
                try:
                    ws = self._accept(request.environ)
                except BAD_HANDSHAKE as error:
                    return Response(f"no WebSocket: {error}\n", 400, mimetype="text/plain")
                except RuntimeError:  # no socket
                    self._complain(why_not)
                    return Response(f"no WebSocket: {why_not}\n", 501, mimetype="text/plain")
                try:
                    # Closed by us, so that Twilio asks what follows: an apology, and a person or a call back.
                    self._refuse(ws, why_not) if why_not else serve(ws)
                except Exception as error:  # the thread's edge: an error page cannot follow a WebSocket
                    self._bugs.tell("SOCKET_ERR", error)
                ws.end() if isinstance(ws, ServerSocket) else stock_socket.end(ws)
                return _SocketOver(ws.mode)

            bp.add_url_rule(path, "socket", reached(view), websocket=True, **options)

        return register

    def _accept(self, environ: dict[str, Any]) -> Socket:
        ours = takes(environ) and not self._stock
        ws: Socket = (accept if ours else stock_socket.accept)(environ, SUBPROTOCOL, self._floods.warn)
        return ws

    def _refuse(self, ws: Socket, why_not: str) -> None:
        self._complain(why_not)
        reject(ws, "this server cannot hold a call")

    def _complain(self, why_not: str) -> None:
        if self._once.due(why_not):
            log.error("WS_REFUSED %s", why_not)


def reject(ws: Socket, why: str) -> None:
    """Close with 1008: the peer may not talk to us."""
    with suppress(*SOCKET_ENDED):
        ws.close(POLICY_VIOLATION, why)


class _SocketOver(Response):
    """What a view returns when its WebSocket is over: no bytes may follow on the connection."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self._mode = mode

    def __call__(self, *wsgi: Any) -> Any:
        if self._mode == "gunicorn":
            raise StopIteration  # gunicorn's word for "this connection was taken over"
        return super().__call__(*wsgi) if self._mode == "werkzeug" else []
