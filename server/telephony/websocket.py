"""The media socket as the rest of the program sees it."""

from contextlib import suppress
from fcntl import ioctl
from socket import socket
from termios import FIONREAD
from typing import Protocol

from simple_websocket import ConnectionClosed
from wsproto.utilities import LocalProtocolError

POLICY_VIOLATION = 1008
SOCKET_ENDED = (ConnectionClosed, OSError, LocalProtocolError)


class Connection(Protocol):
    @property
    def sock(self) -> socket: ...


class WebSocket(Connection, Protocol):
    """What is used of ``simple_websocket.Server``. Each method raises one of SOCKET_ENDED."""

    def receive(self, timeout: float | None = None) -> str | bytes | None: ...

    def send(self, data: str) -> None: ...

    def close(self, reason: int | None = None) -> None: ...


def has_unread(ws: Connection) -> bool:
    """Whether bytes have come that nobody has read; never blocks. No where that cannot be told."""
    with suppress(OSError, ValueError, AttributeError):  # it is closed, or has no socket
        return ioctl(ws.sock.fileno(), FIONREAD, bytes(4)) != bytes(4)
    return False
