"""gunicorn's threaded worker, without waiting for peers in the main thread."""

from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker

LINGER_S = 0.3  # for a peer that is still sending; it would lose the response if the socket closed at once


class Worker(ThreadWorker):  # type: ignore[misc]
    """A ``worker_class``.

    gunicorn's main thread accepts connections. After a response it also waits for the peer to close, up to
    two seconds each, and accepts nobody meanwhile. Here a thread of the pool waits.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the worker's end its listeners are closed as well, as under gevent.

        gunicorn would keep them until the last call is over. Beside other workers that does no harm; where
        all have ended, callers would be connected by the kernel, and heard by nobody.
        """
        super().set_accept_enabled(enabled)
        if not enabled and not self.alive:
            for listener in self.sockets:
                listener.close()

    def handle(self, conn: Any) -> Any:
        """Handles one request of ``conn`` on a thread of the pool. False: the connection is over."""
        goes_on = super().handle(conn)
        if goes_on is False:
            close_graceful(conn.sock, LINGER_S)
            conn.close = _closed
        return goes_on


def _closed(graceful: bool = False) -> None:
    """Replaces a connection's ``close`` when the connection is closed already."""
