"""What clouds that speak over WebSockets share: a client's socket, served and sent to on one thread."""

import heapq
import itertools
import json
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

SHORTEST_WAIT_S = 0.0005


class Over(Exception):
    """The socket is closed: by the client, by us, or with the cloud."""


@dataclass(frozen=True)
class Received:
    """A message from the client. ``at`` is ``time.time()``; ``text`` is None for binary ones."""

    at: float
    text: str | None
    size: int  # bytes, or characters


def reset(connection: ServerConnection) -> None:
    """Cut the TCP connection: the client's kernel is told of a reset, not of an end. Any thread."""
    with suppress(OSError):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close_socket()


class Link:
    """A client's open socket. All but the attributes belongs to the thread that serves it.

    What is to be sent later waits in ``later`` and goes out from the same thread, between messages.
    """

    def __init__(self, connection: ServerConnection, path: str) -> None:
        self.path = path
        self.opened_at = time.time()
        self.closed_at: float | None = None
        self.received: list[Received] = []
        self._connection = connection
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Have ``act`` called in ``seconds``; of two that are due at once, the first to ask is first."""
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), act))

    def receive(self) -> str | bytes:
        """The next message; what falls due meanwhile is done. Raises Over."""
        while True:
            self._act()
            wait = max(self._due[0][0] - time.monotonic(), SHORTEST_WAIT_S) if self._due else None
            try:
                message = self._connection.recv(timeout=wait)
            except TimeoutError:
                continue
            except ConnectionClosed:
                raise Over from None
            text = message if isinstance(message, str) else None
            self.received.append(Received(time.time(), text, len(message)))
            return message

    def _act(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()

    def send(self, message: dict[str, Any] | str | bytes) -> None:
        """JSON for a dict, else the message as it is. Raises Over."""
        if isinstance(message, dict):
            message = json.dumps(message, ensure_ascii=False)
        try:
            self._connection.send(message)
        except ConnectionClosed:
            raise Over from None

    def close(self, code: int = 1000) -> None:
        """Raises Over."""
        self._connection.close(code)
        raise Over

    def reset(self) -> None:
        """Raises Over."""
        reset(self._connection)
        raise Over
