"""Work that the end of the process waits for: native code on a daemon thread would abort it (F14).

An interpreter that ends takes every daemon thread down where it stands. Where that is C++ which holds no
Python lock (onnxruntime, while it loads a model), the process dies of SIGABRT, whatever it had to return.
"""

import atexit
import threading
from collections.abc import Callable
from functools import partial

POLL_S = 0.05
LAST_S = 10.0  # for a piece of work to see that it is over; beyond, it is left as it stands

Ending = Callable[[], bool]  # the process ends: do nothing more


def start(name: str, work: Callable[[Ending], None]) -> threading.Thread:
    """Run ``work`` on a thread of its own, which the process waits for when it ends. Returns at once.

    ``work(ending)`` asks ``ending()`` between its pieces and returns when it says so. One that does not
    holds the process for LAST_S.
    """
    over = threading.Event()
    worker = threading.Thread(target=work, args=(over.is_set,), name=name, daemon=True)
    worker.start()
    end = partial(_end, worker, over)
    atexit.register(end)  # for an interpreter whose joining is broken off, by a second Ctrl-C

    def keep() -> None:
        main = threading.main_thread()
        while worker.is_alive() and main.is_alive():
            worker.join(POLL_S)
        end()
        atexit.unregister(end)

    # Not a daemon: the interpreter joins it first of all, before what libraries have left for its exit.
    threading.Thread(target=keep, name=f"{name}-keeper", daemon=False).start()
    return worker


def _end(worker: threading.Thread, over: threading.Event) -> None:
    over.set()
    worker.join(LAST_S)
