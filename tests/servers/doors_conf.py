"""The server's own gunicorn settings, and a worker that tells who it is, how many calls have a place, and
which engines are asked (``ENGINE_ASKED``). ``DOORS_CLOCK`` names a file: by how much its tokens' clock is
ahead, in seconds.
"""

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from server import gunicorn_conf
from server.gunicorn_conf import *  # noqa: F403  # gunicorn reads the names of this module

CLOCK = Path(os.environ["DOORS_CLOCK"])


def post_worker_init(worker: Any) -> None:
    gunicorn_conf.post_worker_init(worker)
    service = worker.wsgi.extensions["phone_agent"]
    service.gate.auth.now = lambda: time.time() + float(CLOCK.read_text())
    say_who_is_asked(service)
    for handler in logging.getLogger("agent").handlers:
        handler.setFormatter(logging.Formatter("worker=%(process)d %(message)s"))

    def signed(response: Any) -> Any:
        response.headers["X-Worker"] = str(os.getpid())
        response.headers["X-Places"] = str(service.gate.in_use())
        return response

    worker.wsgi.after_request(signed)


def say_who_is_asked(service: Any) -> None:
    from server.providers.fallback import FallbackChain  # not before gevent has patched

    log, tries, new_speech = logging.getLogger("agent"), FallbackChain.tries, service.providers.new_speech

    def told_tries(chain: Any) -> Iterator[Any]:
        log.info("ENGINE_ASKED %s", chain.kind)
        return tries(chain)

    def told_speech() -> Any:
        log.info("ENGINE_ASKED vad")
        return new_speech()

    FallbackChain.tries = told_tries  # type: ignore[method-assign,assignment]
    service.providers = replace(service.providers, new_speech=told_speech)
