"""The server's own gunicorn settings, an LLM that ends every call with its first answer, and answers that
say whose they are (``X-Worker``).
"""

import os
from typing import Any

from server import gunicorn_conf
from server.gunicorn_conf import *  # noqa: F403  # gunicorn reads the names of this module
from server.turns.effects import EndCall


def post_worker_init(worker: Any) -> None:
    gunicorn_conf.post_worker_init(worker)
    from server.providers import scripted

    scripted.ScriptedReply.acts = (EndCall(),)
    worker.wsgi.after_request(signed)


def signed(response: Any) -> Any:
    response.headers["X-Worker"] = str(os.getpid())
    return response
