"""Looking names up, while the name server is silent. Who does it in a worker, and what bounds it:

    the store's Redis, RateLimits'   the bound of the pool that asks
    OpenAI's client                 the turn's deadline: the caller hears another engine, the thread is late
    Google's                        gRPC asks by itself, within the deadline of the request
    Twilio                          nobody: it calls us

Under gevent all look-ups of a process, those of addresses too, are done on the ten threads of its hub, and
nothing bounds them: ten that hang would keep a Redis at 127.0.0.1 waiting. On gthread each has libc's bound,
on the thread that asks.
"""

import socket
from typing import Any

from server.runtime.native_calls import Pool, Stuck, on_gevent

LOOK_UPS = 64
WITHIN_S = 5.0  # as long as libc waits for the first of its name servers


def bound_look_ups(within_s: float = WITHIN_S) -> None:
    """Under gevent, on this thread's hub: a name costs who asks ``within_s`` at most, an address nothing.

    For a process of our own: a host's resolver is the host's. Too late a name raises ``socket.gaierror``.
    """
    if not on_gevent():
        return
    import _socket  # what gevent has not patched

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
            except socket.gaierror:  # no address
                pass
            try:
                return pool.run(within_s, _socket.getaddrinfo, *wanted, flags)
            except Stuck as stuck:
                raise socket.gaierror(socket.EAI_AGAIN, str(stuck)) from None

    get_hub().resolver = Bounded()
