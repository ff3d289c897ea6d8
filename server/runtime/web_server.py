"""The web server that runs the application. A call holds a socket for minutes; some cannot do that."""

import inspect
from dataclasses import dataclass
from typing import Any

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")  # of this machine, for itself
SPARE_THREADS = 14  # for webhooks, audio and health checks while every call has its thread
MANY_CALLS = 50  # assumed when MAX_CALLS is not set
SOCKETS = ("gunicorn.socket", "werkzeug.socket", "eventlet.input")  # the keys that simple-websocket looks for


@dataclass(frozen=True)
class Gunicorn:
    """How gunicorn was started. ``threads``: per worker."""

    worker_class: str
    threads: int

    @property
    def alone(self) -> bool:
        """Whether a worker serves only one connection at a time."""
        name = self.worker_class
        return ("sync" in name and "async" not in name) or (self.has_threads and self.threads < 2)

    @property
    def is_ours(self) -> bool:
        """Whether it runs our gunicorn_conf, which has threads for MAX_CALLS and reports its own limits."""
        return self.worker_class.startswith("server.")

    @property
    def has_threads(self) -> bool:
        return "gthread" in self.worker_class


def gunicorn_below() -> Gunicorn | None:
    """The gunicorn that is loading the application or handling a request; None for another server.

    gunicorn tells an application nothing about itself, so its frames on this thread's stack are inspected.
    """
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("gunicorn."):
            config = getattr(frame.f_locals.get("self"), "cfg", None)
            if config is not None:
                return Gunicorn(str(config.worker_class_str).lower(), int(config.threads))
        frame = frame.f_back
    return None


def threads_for_calls(gunicorn: Gunicorn | None) -> int:
    """The number of a worker's threads that calls may hold; the rest answer webhooks. 0: calls hold none."""
    if gunicorn is None or not gunicorn.has_threads:
        return 0
    return max(1, gunicorn.threads - min(SPARE_THREADS, gunicorn.threads // 2))


def why_too_few(gunicorn: Gunicorn | None, calls: int) -> str:
    """Why calls would use up a worker's threads, or an empty text. ``calls``: MAX_CALLS, 0 if unset."""
    if gunicorn is None:
        return ""
    if gunicorn.alone:
        return _held(f"gunicorn's {gunicorn.worker_class} worker", calls)
    if not gunicorn.has_threads or gunicorn.is_ours or gunicorn.threads > calls > 0:
        return ""
    if not calls and threads_for_calls(gunicorn) >= MANY_CALLS:
        return ""
    limit = f"MAX_CALLS is {calls}" if calls else "there is no MAX_CALLS"
    held = f"a call holds one of a worker's {gunicorn.threads} threads, and {limit}"
    more = (
        _advice(calls) if calls else "for more, serve with gunicorn --worker-class gevent, or more --threads"
    )
    return f"{held}: more than {threads_for_calls(gunicorn)} at once hear that we are busy; {more}"


def why_no_call(environ: dict[str, Any], calls: int) -> str:
    """Why this server cannot hold a call's WebSocket; empty if it can. ``environ``: the request's."""
    software = str(environ.get("SERVER_SOFTWARE") or "")
    if not any(key in environ for key in SOCKETS) and not software.startswith("gevent"):
        return f"{software.split('/')[0] or 'this server'} gives Flask no WebSockets: {_advice(calls)}"
    if "werkzeug.socket" in environ and not environ.get("wsgi.multithread"):
        return "a call would hold this server, which has one thread: run it with threads"
    if "gunicorn.socket" not in environ:
        return ""
    gunicorn = gunicorn_below()
    if gunicorn is not None and gunicorn.alone:
        return _held(f"gunicorn's {gunicorn.worker_class} worker", calls)
    return "" if environ.get("wsgi.multithread") else _held("this worker of gunicorn's", calls)


def _held(worker: str, calls: int) -> str:
    return f"a call would hold {worker} to its end, and nobody else be answered: {_advice(calls)}"


def _advice(calls: int) -> str:
    threads = (calls or MANY_CALLS) + SPARE_THREADS
    return f"serve with gunicorn --worker-class gevent, or --worker-class gthread --threads {threads}"
