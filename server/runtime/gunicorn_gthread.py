"""gunicorn's worker with threads, whose main thread waits for no peer."""

from typing import Any

from gunicorn.util import close_graceful
from gunicorn.workers.gthread import ThreadWorker

LINGER_S = 0.3  # for a peer that is still sending: it would not read our answer if we closed at once


class Worker(ThreadWorker):  # type: ignore[misc]
    """For ``worker_class``.

    gunicorn waits in its main thread, which accepts connections and gives them to threads, until a peer has
    closed a connection that is over: up to two seconds for each, and nobody else is answered meanwhile.
    """

    def handle(self, conn: Any) -> Any:
        """On a thread of the pool: a request of ``conn``; False when it is over."""
        goes_on = super().handle(conn)
        if goes_on is False:
            close_graceful(conn.sock, LINGER_S)
            conn.close = _closed
        return goes_on


def _closed(graceful: bool = False) -> None:
    """In the place of a connection's ``close``: nothing is left to do."""
