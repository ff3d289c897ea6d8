"""The opening handshake, from a WSGI server's environment."""

from collections.abc import Sequence
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

__all__ = ["InvalidHandshake", "answer", "came_along"]

HEADERS = ("Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol")


def answer(environ: dict[str, Any], subprotocol: str) -> tuple[bytes, str | None]:
    """What goes back to a client that wants a WebSocket, and the subprotocol: the given one if it is offered.

    No extension is taken: a kilobyte of compressed frames is a megabyte of text. Raises InvalidHandshake.
    """
    names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in HEADERS}
    asked = Headers({name: environ[key] for name, key in names.items() if key in environ})

    def choose(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        return Subprotocol(subprotocol) if subprotocol in offered else None

    protocol = ServerProtocol(select_subprotocol=choose)
    accept, _, chosen = protocol.process_request(Request("/", asked))
    headers = Headers({"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept})
    if chosen:
        headers["Sec-WebSocket-Protocol"] = chosen
    return Response(101, "Switching Protocols", headers).serialize(), chosen


def came_along(environ: dict[str, Any]) -> bytes:
    """What gunicorn has read from the connection behind the request: a client's first frames.

    gunicorn hands over its socket, and these bytes stay with the reader of the request's body.
    """
    body_reader = getattr(environ.get("wsgi.input"), "reader", None)
    take = getattr(getattr(body_reader, "unreader", None), "take_buffered", None)
    return bytes(take()) if take else b""
