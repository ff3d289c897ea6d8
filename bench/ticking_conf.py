"""The server's own gunicorn settings, and in the worker a ticker that shows stalls and a list of threads.

``WATCH_FOLDER`` says where: ``ticks`` and ``threads`` are written there.
"""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from bench.ticker import tick
from server import gunicorn_conf
from server.gunicorn_conf import *  # noqa: F403  # gunicorn reads the names of this module

THREADS_EVERY_S = 0.2


def post_worker_init(worker: Any) -> None:
    gunicorn_conf.post_worker_init(worker)
    # From here on calls can come: a stall in a cold process's first call is seen.
    folder = Path(os.environ["WATCH_FOLDER"])
    threading.Thread(target=tick, args=(folder / "ticks",), name="watch-ticks", daemon=True).start()
    list_threads(folder / "threads")  # once before anybody asks for it
    threading.Thread(target=keep_listing, args=(folder / "threads",), name="watch-list", daemon=True).start()


def list_threads(path: Path) -> None:
    """The names of this process's Python threads (under gevent: greenlets that stand for them)."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(json.dumps([thread.name for thread in threading.enumerate()]))
    unfinished.replace(path)


def keep_listing(path: Path) -> None:
    while True:
        time.sleep(THREADS_EVERY_S)
        list_threads(path)
