"""The server's own gunicorn settings, and in each worker a census on request: what it holds just then.

``WATCH_FOLDER`` says where: each worker answers the file ``wanted-<n>`` there with ``census-<n>-<pid>``.
"""

import gc
import json
import os
import re
import socket
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from server import gunicorn_conf
from server.config import EXTENSION
from server.gunicorn_conf import *  # noqa: F403  # gunicorn reads the names of this module

LOOK_S = 0.05
# gunicorn's own threads, and gevent's native ones: they stay, and are as many as were busy at once.
POOLED = ("ThreadPoolExecutor", "Dummy", "_WorkerGreenlet")
ONCE = ("admission", "lines")  # begun once a process, for all its calls
COUNTED_AS_THREAD = ("Thread._bootstrap",)


def post_worker_init(worker: Any) -> None:
    gunicorn_conf.post_worker_init(worker)
    folder = Path(os.environ["WATCH_FOLDER"])
    gate = worker.wsgi.extensions[EXTENSION].gate
    watch = threading.Thread(target=answer, args=(folder, gate), name="watch-census", daemon=True)
    watch.start()


def answer(folder: Path, gate: Any) -> None:
    number = 0
    while True:
        if (folder / f"wanted-{number}").exists():
            unfinished = folder / f"unfinished-{os.getpid()}"
            unfinished.write_text(json.dumps(census() | {"places": gate.in_use()}), encoding="utf-8")
            unfinished.rename(folder / f"census-{number}-{os.getpid()}")
            number += 1
        time.sleep(LOOK_S)


def census() -> dict[str, Any]:
    """Counts by name. What is garbage, but not yet collected, is not held."""
    gc.collect()
    tcp = psutil.Process().net_connections("tcp")
    names = [thread.name for thread in threading.enumerate()]
    return {
        "rss": int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "threads": Counter(plain(name) for name in names if not name.startswith(POOLED + ONCE)),
        "greenlets": Counter(greenlets()),
        "files": Counter(files(tcp)),
        "connections": Counter(connections(tcp)),
    }


def plain(name: str) -> str:
    return re.sub(r"\d+", "N", name)


def greenlets() -> list[str]:
    """What each runs that has begun and not ended; those of the worker's start are frozen, not seen."""
    try:
        from greenlet import greenlet
    except ImportError:
        return []
    # By type, not isinstance: that would ask every proxy in the heap for its class.
    alive = [one for one in gc.get_objects() if issubclass(type(one), greenlet) and one.gr_frame is not None]
    names = [outermost(one.gr_frame) for one in alive]
    return [name for name in names if not name.startswith(POOLED + COUNTED_AS_THREAD)]


def outermost(frame: Any) -> str:
    while frame.f_back is not None:
        frame = frame.f_back
    return str(frame.f_code.co_qualname)


def files(tcp: list[Any]) -> list[str]:
    """The kind of each descriptor: pipe, anon_inode:…, a file's path; sockets but those of ``tcp``."""
    elsewhere = {str(each.fd) for each in tcp}
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:  # the listing's own
            continue
        if target.startswith("socket:") and descriptor not in elsewhere:
            found.append(described(int(descriptor)))
        elif not target.startswith("socket:"):
            found.append(plain(target) if target.startswith("/") else target.partition(":[")[0])
    return found


def described(descriptor: int) -> str:
    """A socket that is no TCP connection (any more), by its family and kind."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            return f"socket of family {int(copy.family)}, type {int(copy.type)}"
    except OSError:
        return "a socket that was closed just now"


def connections(tcp: list[Any]) -> list[str]:
    """The state of each TCP connection, and the port it leads to; ``us`` for those of our callers."""
    ours = int(os.environ["PORT"])
    return [
        f"{each.status} to {'us' if each.laddr.port == ours else each.raddr.port}"
        for each in tcp
        if each.raddr
    ]
