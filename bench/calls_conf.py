"""The server's own gunicorn settings; and once a second the worker notes what it has going on.

``WATCH_FOLDER`` says where: a line of JSON a second in ``beats``. Nothing else is added to the server.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from server import gunicorn_conf
from server.gunicorn_conf import *  # noqa: F403  # gunicorn reads the names of this module

BEAT_S = 1.0


def post_worker_init(worker: Any) -> None:
    gunicorn_conf.post_worker_init(worker)
    beats = Path(os.environ["WATCH_FOLDER"]) / "beats"
    threading.Thread(target=beat, args=(beats,), name="watch-beats", daemon=True).start()


def beat(path: Path) -> None:
    """For ever: Python threads (under gevent, greenlets that stand for them), and turns of its hub."""
    with path.open("a", buffering=1, encoding="ascii") as beats:
        while True:
            now = {"at": time.time(), "threads": threading.active_count(), "loops": loops()}
            beats.write(json.dumps(now) + "\n")
            time.sleep(BEAT_S)


def loops() -> int | None:
    """How often the hub's loop has turned; None without a hub."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return None
    from gevent import get_hub

    found: int | None = getattr(get_hub().loop, "iteration", None)
    return found
