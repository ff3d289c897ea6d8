"""One question to a provider and what it answers, over a connection that is its alone meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from server.providers.base import Cancelled
from server.providers.streaming.connection import Connection, ConnectionLost
from server.providers.streaming.pool import Pool


class Exchange:
    """Read by one thread; any may cancel it.

    ``timeout_s`` bounds the whole, from its opening to its last message.
    """

    def __init__(self, pool: Pool, timeout_s: float) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._until: float | None = None
        self._lock = threading.Lock()  # guards the connection's coming and going against ``cancel``
        self._connection: Connection | None = None
        self.cancelled = False

    def messages(self, begin: Callable[[Connection], None]) -> Iterator[dict[str, Any]]:
        """What the provider answers, until ``over`` or ``cancel``. Blocks. Raises ProviderError, Cancelled.

        ``begin(connection)`` sends what opens the exchange; it raises what ``Connection.send`` does. A kept
        connection that turns out to be dead before it said anything is replaced by a new one, once.
        Left early, the exchange takes its connection with it.
        """
        if self._until is None:
            self._until = time.monotonic() + self._timeout_s
        try:
            message = self._first(begin)
            while message is not None:
                yield message
                message = self._next()
        finally:
            self._drop()

    def over(self) -> None:
        """Everything was read: the connection is free for the next exchange. By the reading thread."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.keep(connection)

    def cancel(self) -> None:
        """Give it up: its reader ends, its provider sees the connection end. Idempotent, never blocks."""
        with self._lock:
            self.cancelled = True
            if self._connection is not None:
                self._connection.shut_down()

    def done(self) -> None:
        """Nothing more is awaited: its reader ends, the connection is closed in good order.

        By another thread than the reader's. Blocks for CLOSE_S at most.
        """
        with self._lock:
            self.cancelled = True
            connection = self._connection
        if connection is not None:
            connection.close()

    @property
    def left_s(self) -> float:
        """Seconds left of ``timeout_s``."""
        return self._timeout_s if self._until is None else max(0.0, self._until - time.monotonic())

    def _first(self, begin: Callable[[Connection], None]) -> dict[str, Any] | None:
        connection = self._take(self._pool.take())
        kept = connection.is_open
        try:
            return self._open(connection, begin)
        except ConnectionLost:
            if not kept:
                raise
        self._drop()
        return self._open(self._take(self._pool.new()), begin)

    def _open(self, connection: Connection, begin: Callable[[Connection], None]) -> dict[str, Any] | None:
        if connection.is_open:
            begin(connection)
            return self._next()
        connection.open(self.left_s)
        try:
            begin(connection)
        except ConnectionLost:  # what the provider said before it closed tells why
            with suppress(ConnectionLost):
                return connection.receive(0.0)
            raise
        return self._next()

    def _next(self) -> dict[str, Any] | None:
        connection = self._connection
        if connection is None:
            return None
        if not self.left_s:  # a peer that never pauses would be read for ever
            raise connection.late()
        try:
            return connection.receive(self.left_s)
        except ConnectionLost:
            if self.cancelled:  # it was closed because nothing more is awaited
                raise Cancelled from None
            raise

    def _take(self, connection: Connection) -> Connection:
        with self._lock:
            self._connection = connection
            if self.cancelled:
                connection.shut_down()
                raise Cancelled
        return connection

    def _drop(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.shut_down()
