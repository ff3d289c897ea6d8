"""The client's connections, each knowing the exchange that is using it.

A response can be closed only once its headers have come, and closing does not wake a thread that waits
in ``recv``; shutting the socket down does. So a connection is told whose it is at the first byte of the
request, and stays that exchange's until the response has been read or closed.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2

from server.providers.base import Cancelled
from server.providers.openai.client import Call

_running = threading.local()


@contextmanager
def used_by(call: Call) -> Iterator[None]:
    """What this thread sends and opens meanwhile is ``call``'s."""
    _running.call = call
    try:
        yield
    finally:
        _running.call = None


def _current() -> Call | None:
    call: Call | None = getattr(_running, "call", None)
    return call


def watch(http: httpx2.Client) -> None:
    """Wrap the connections that ``http`` will make."""
    # There is no public way to a pool's sockets; the mounts are the proxies that the environment names.
    for transport in (http._transport, *http._mounts.values()):
        if isinstance(transport, httpx2.HTTPTransport):
            transport._pool._network_backend = _Backend(transport._pool._network_backend)


def note_end(response: httpx2.Response) -> None:
    """A client's hook, run on the reader's thread when the headers have come."""
    call = _current()
    if call is not None and isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = Body(response.stream, call)


class Body(httpx2.SyncByteStream):
    """The bytes of a response; with its end its connection goes back into the pool."""

    def __init__(self, stream: httpx2.SyncByteStream, call: Call) -> None:
        self._stream = stream
        self.call = call

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if self.call.cancelled:
                raise Cancelled
            yield chunk

    def close(self) -> None:
        self.call.let_go()  # first: from the next line on the connection may be another's
        self._stream.close()


class _Wire:
    """A second descriptor of a connection's socket, to shut it down whatever its owner does with the first.

    TLS takes the first one over, and its own shutdown is not for other threads; and nobody can close
    this one, and the system give its number to another file, between our look and our call.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection.dup()
        self._lock = threading.Lock()
        self._open = True

    def shut_down(self) -> None:
        with self._lock:
            if self._open:
                try:
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # the other side was faster

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._socket.close()


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream, wire: _Wire, call: Call | None) -> None:
        self._stream = stream
        self._wire = wire
        self._call = call

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._call is not None:
            timeout = self._call.seconds_left(timeout)
        return self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._call = _current()  # a request begins, perhaps on a connection that was another's
        if self._call is not None:
            self._call.hold(self._wire)
            timeout = self._call.seconds_left(timeout)
        self._stream.write(buffer, timeout)

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            secure = self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            self.close()
            raise
        return _Stream(secure, self._wire, self._call)

    def close(self) -> None:
        self._stream.close()
        self._wire.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *where: Any, **options: Any) -> httpcore2.NetworkStream:
        stream = self._backend.connect_tcp(*where, **options)
        wire = _Wire(stream.get_extra_info("socket"))
        call = _current()
        made = _Stream(stream, wire, call)
        if call is not None:
            try:
                call.hold(wire)
            except Cancelled:
                made.close()
                raise
        return made
