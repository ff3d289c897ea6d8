"""Name look-ups while the name server is silent. Who looks up names in a worker, and the time limit of each:

    Redis (shared state, rate limits)   the limit of the pool that asks
    OpenAI's client                     the turn's deadline: the caller hears a fallback, the thread is late
    providers on a WebSocket            likewise
    Google's client                     gRPC asks by itself, within the deadline of the request
    Twilio                              none: Twilio calls this server

Under gevent the ten threads of the hub do all look-ups of a process, even of numeric addresses, without a
limit: ten that hang would block a Redis at 127.0.0.1. On gthread every look-up has libc's limit, on the
thread that asks.
"""

import socket
from typing import Any

from server.runtime.native_calls import Pool, Stuck, on_gevent

LOOK_UPS = 64
WITHIN_S = 5.0  # libc waits as long for its first name server


def bound_look_ups(within_s: float = WITHIN_S) -> None:
    """Under gevent, limits look-ups on this thread's hub to ``within_s``; numeric addresses take no time.

    Only for a process that runs the agent alone: a host application keeps its own resolver. A look-up that
    exceeds the limit raises ``socket.gaierror``.
    """
    if not on_gevent():
        return
    import _socket  # not patched by gevent

    from gevent import get_hub
    from gevent.resolver.thread import Resolver

    pool = Pool("names", LOOK_UPS)

    class Bounded(Resolver):  # type: ignore[misc]
        def getaddrinfo(
            self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
        ) -> Any:
            wanted = (host, port, family, type, proto)
            try:
                return _socket.getaddrinfo(*wanted, flags | socket.AI_NUMERICHOST)
            except socket.gaierror:  # not a numeric address
                pass
            try:
                return pool.run(within_s, _socket.getaddrinfo, *wanted, flags)
            except Stuck as stuck:
                raise socket.gaierror(socket.EAI_AGAIN, str(stuck)) from None

    get_hub().resolver = Bounded()
