"""How a Redis is reached by TLS (``rediss://``): the authorities' certificates are read once a process.

Whoever asks connects anew, and redis-py reads them for each connection: 20 ms of CPU, under gevent in the
hub, some twenty times a call.
"""

import socket
import ssl
from functools import cache
from typing import Any, ClassVar

from redis.connection import SSLConnection


def options(url: str, timeout_s: float) -> dict[str, Any]:
    """For ``redis.from_url``. ``timeout_s``: to connect, and for each part of an answer."""
    timeouts = {"socket_connect_timeout": timeout_s, "socket_timeout": timeout_s}
    return timeouts | ({"connection_class": _by_tls(url)} if url.startswith("rediss://") else {})


@cache
def _by_tls(url: str) -> type[SSLConnection]:
    """The connections to this Redis, which have their context in common: ``url`` says all that is in it."""

    class Connection(SSLConnection):
        context: ClassVar[ssl.SSLContext | None] = None

        def _wrap_socket_with_ssl(self, sock: socket.socket) -> Any:
            if self.ssl_validate_ocsp or self.ssl_validate_ocsp_stapled:
                return super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]
            if Connection.context is None:
                wrapped = super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]
                Connection.context = wrapped.context
                return wrapped
            try:
                return Connection.context.wrap_socket(sock, server_hostname=self.host)
            except ssl.SSLError:  # who is trusted may have changed
                Connection.context = None
                raise

    return Connection
