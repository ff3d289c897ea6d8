"""Open connections to one provider, kept for the next exchange: its opening costs no caller a handshake."""

import threading
from collections.abc import Iterator

from server.providers.base import Cancelled, ProviderError
from server.providers.streaming.connection import CONNECT_S, Address, Connection
from server.runtime.threads import Runtime, Signal, Threads

MAX_IDLE = 8
IDLE_S = 45.0  # longer than a caller thinks; servers and what is between close what is silent for a minute
SESSION_S = 50 * 60.0  # OpenAI ends a session after 60 minutes, Soniox after 300


class Pool:
    """Any thread may call any method; none blocks but ``close``.

    ``most_idle``: 0 where a provider bills what is open, or ends a session with its exchange. ``idle_s``: so
    long one is kept.
    """

    def __init__(
        self,
        address: Address,
        most_idle: int = MAX_IDLE,
        idle_s: float = IDLE_S,
        runtime: Runtime | None = None,
    ) -> None:
        self._address = address
        self._most_idle = most_idle
        self._idle_s = idle_s
        self._runtime = runtime or Threads()
        self._lock = threading.Lock()  # guards the three below
        self._idle: list[tuple[float, Connection]] = []  # since when; the newest is last
        self._opening = 0  # by ``prepare``
        self._sweeping: Signal | None = None  # a thread closes what nobody takes; set: it looks at once

    def take(self) -> Connection:
        """An open connection if one is kept, else a new one that is to be opened."""
        with self._lock:
            while self._idle:
                _, connection = self._idle.pop()
                if connection.is_open:
                    return connection
                connection.shut_down()
        return self.new()

    def new(self) -> Connection:
        """A connection that is to be opened."""
        return Connection(self._address)

    def keep(self, connection: Connection) -> None:
        """Nobody uses ``connection`` any more, and nothing is left to be read from it.

        What is not kept is closed in good order, by a thread of its own: the peer's answer takes a moment.
        """
        now = self._runtime.clock()
        with self._lock:
            young = now - connection.opened_at < SESSION_S
            if connection.is_open and young and len(self._idle) < self._most_idle:
                self._idle.append((now, connection))
                if self._sweeping is None:
                    self._sweeping = self._runtime.event()
                    self._runtime.spawn("sockets-idle", self._sweep)
                return
        if connection.is_open:
            self._runtime.spawn("socket-closes", connection.close)
        else:
            connection.shut_down()

    def prepare(self) -> None:
        """An exchange will begin soon: open a connection for it, unless one is kept."""
        with self._lock:
            if (
                self._opening
                or not self._most_idle
                or any(connection.is_open for _, connection in self._idle)
            ):
                return
            self._opening += 1
        try:
            self._runtime.spawn("socket-opens", self._open_one)
        except RuntimeError:  # the system gives no thread; the exchange opens its own connection
            with self._lock:
                self._opening -= 1

    def close(self) -> None:
        """Close what is kept. What is in use goes its way."""
        with self._lock:
            idle, self._idle = self._idle, []
            if self._sweeping is not None:
                self._sweeping.set()
        for _, connection in idle:
            connection.close()

    def _open_one(self) -> None:
        connection = self.new()
        try:
            connection.open(CONNECT_S)
        except (ProviderError, Cancelled):  # the exchange itself will say so
            return
        finally:
            with self._lock:
                self._opening -= 1
        self.keep(connection)

    def _sweep(self) -> None:
        while True:
            for connection in self._expired():
                connection.close()
            with self._lock:
                if not self._idle:
                    self._sweeping = None
                    return
                oldest = self._idle[0][0]
                if self._sweeping is None or self._sweeping.is_set():  # closed, and kept again since
                    self._sweeping = self._runtime.event()
                pause = self._sweeping
            pause.wait(max(0.0, oldest + self._idle_s - self._runtime.clock()) + 0.01)

    def _expired(self) -> Iterator[Connection]:
        now = self._runtime.clock()
        with self._lock:
            expired = [idle for idle in self._idle if now - idle[0] >= self._idle_s or not idle[1].is_open]
            self._idle = [idle for idle in self._idle if idle not in expired]
        yield from (connection for _, connection in expired)
