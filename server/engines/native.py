"""Native calls that take milliseconds must not hold gevent's hub: every other call would stutter."""

import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def run_native(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` on a real thread when this process runs on gevent, else right here.

    Any thread or greenlet; only the caller waits. ``function`` must not use locks, queues or
    events of ``threading``: under gevent those are patched and belong to the hub's thread.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return function(*args, **kwargs)
    import gevent

    def attempt() -> tuple[R, None] | tuple[None, Exception]:
        try:
            return function(*args, **kwargs), None
        except Exception as error:  # gevent's pool would print a traceback of what the caller handles
            return None, error

    result, error = gevent.get_hub().threadpool.apply(attempt)
    if error is not None:
        raise error
    answer: R = result
    return answer
