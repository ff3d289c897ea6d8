"""The media socket as the rest of the program sees it."""

from collections.abc import Callable, Iterable, Sequence
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
    """What is used of ``simple_websocket.Server``. Each method raises one of SOCKET_ENDED.

    One that has ``send_all(messages)`` too puts several on the wire in one write, whole or not at all.
    """

    def receive(self, timeout: float | None = None) -> str | bytes | None: ...

    def send(self, data: str) -> None: ...

    def close(self, reason: int | None = None) -> None: ...


Put = Callable[[Sequence[str]], Iterable[Sequence[str]]]


def put_on(ws: WebSocket) -> Put:
    """Puts messages on a socket, in as few writes as it can, and gives after each what is on the wire."""
    send_all = getattr(ws, "send_all", None)
    if send_all is None:
        return lambda messages: _one_by_one(ws.send, messages)

    def all_at_once(messages: Sequence[str]) -> Iterable[Sequence[str]]:
        send_all(messages)
        return (messages,)

    return all_at_once


def _one_by_one(send: Callable[[str], None], messages: Sequence[str]) -> Iterable[Sequence[str]]:
    for message in messages:
        send(message)
        yield (message,)


def has_unread(ws: Connection) -> bool:
    """Whether bytes have come that nobody has read; never blocks. No where that cannot be told."""
    with suppress(OSError, ValueError, AttributeError):  # it is closed, or has no socket
        return ioctl(ws.sock.fileno(), FIONREAD, bytes(4)) != bytes(4)
    return False
