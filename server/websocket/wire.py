"""A connection's bytes: waiting for them costs one system call a piece, on a thread or a greenlet.

Python's own ``recv`` with a timeout is two (``poll``, then ``recv``), and gevent's three: a ``recv`` that
finds nothing, the hub's ``epoll_wait``, and another ``recv``.
"""

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from select import POLLOUT, poll
from typing import Protocol

from server.runtime.native_calls import on_gevent
from server.websocket.limits import UNACKNOWLEDGED_MS

AT_ONCE = 4096  # some ten messages: behind that many, other calls of the thread have their turn
SHORTEST_WAIT_S = 0.001


class Wire(Protocol):
    """``recv`` is called by one thread, ``send`` by one at a time."""

    def recv(self, within_s: float) -> bytes | None:
        """Some bytes; empty at the end; None when none have come in time. Raises OSError."""
        ...

    def send(self, data: bytes, within_s: float | None = None) -> None:
        """Block until all of it is sent. Raises OSError; TimeoutError behind ``within_s``."""
        ...

    def release(self) -> None:
        """Keep nothing of the socket; it stays open. Nobody may use this any more."""
        ...


def is_known(sock: object) -> bool:
    """Whether ``wire_of`` can wait for it: a TLS socket holds bytes of its own, of which no kernel tells."""
    return isinstance(sock, socket.socket) and not isinstance(sock, ssl.SSLSocket)


def wire_of(sock: socket.socket) -> Wire:
    """From now on the socket is used by this alone."""
    with suppress(AttributeError, OSError):  # not on this system, or not TCP: pings find a vanished peer
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    return GreenletWire(sock) if on_gevent() else ThreadWire(sock)


def _send(sock: socket.socket, data: bytes, writable: Callable[[], bool]) -> None:
    """``writable`` waits, and says whether it is."""
    sent = 0
    while True:
        with suppress(BlockingIOError):
            sent += sock.send(data[sent:] if sent else data, socket.MSG_DONTWAIT)
        if sent == len(data):
            return
        if not writable():
            raise TimeoutError(f"the peer took {sent} of {len(data)} bytes")


class ThreadWire:
    """For a thread of its own: the kernel counts the time that ``recv`` may wait."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        self._sock = sock
        self._within_s = -1.0  # that the kernel has been told

    def recv(self, within_s: float) -> bytes | None:
        flags = 0
        if within_s < SHORTEST_WAIT_S:
            flags = socket.MSG_DONTWAIT
        elif within_s != self._within_s:
            whole, rest = divmod(within_s, 1)
            timeval = struct.pack("@ll", int(whole), int(rest * 1e6))
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
            self._within_s = within_s
        try:
            return self._sock.recv(AT_ONCE, flags)
        except BlockingIOError:
            return None

    def send(self, data: bytes, within_s: float | None = None) -> None:
        _send(self._sock, data, lambda: self._writable(within_s))

    def release(self) -> None:
        pass

    def _writable(self, within_s: float | None) -> bool:
        waiting = poll()
        waiting.register(self._sock, POLLOUT)
        return bool(waiting.poll(None if within_s is None else within_s * 1000))


class GreenletWire:
    """For a greenlet: it is asked for bytes only when there are some. All of it in the greenlet's thread."""

    def __init__(self, sock: socket.socket) -> None:
        from gevent import get_hub
        from gevent.hub import Waiter

        sock.settimeout(0.0)  # it never waits by itself
        self._sock = sock
        self._loop = get_hub().loop
        self._readable = self._loop.io(sock.fileno(), 1)
        self._waiter = Waiter()
        self._wake = self._waiter.switch

    def recv(self, within_s: float) -> bytes | None:
        if within_s > 0 and not self._wait(within_s):
            return None
        try:
            return self._sock.recv(AT_ONCE)
        except BlockingIOError:
            return None

    def send(self, data: bytes, within_s: float | None = None) -> None:
        _send(self._sock, data, lambda: self._writable(within_s))

    def release(self) -> None:
        self._readable.close()

    def _wait(self, within_s: float) -> bool:
        late = self._loop.timer(within_s)
        self._readable.start(self._wake, True)
        late.start(self._wake, False)
        try:
            return bool(self._waiter.get())
        finally:
            self._readable.stop()
            late.close()
            self._waiter.clear()

    def _writable(self, within_s: float | None) -> bool:
        from gevent.socket import wait_write

        try:
            wait_write(self._sock.fileno(), within_s)
        except TimeoutError:
            return False
        return True
