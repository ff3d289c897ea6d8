"""Background work that the process waits for at its end; as a daemon thread it could abort the process (F14).

A daemon thread is stopped wherever it is when the interpreter ends. If it is in C++ code without Python's
lock then (onnxruntime, loading a model), the process dies of SIGABRT and loses its exit code.
"""

import atexit
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

POLL_S = 0.05
LAST_S = 10.0  # for the work to notice the end; after that it is abandoned

Ending = Callable[[], bool]  # true when the process is ending: stop working


def start(name: str, work: Callable[[Ending], None]) -> threading.Thread:
    """Runs ``work`` on its own thread, which the process waits for at its end. Returns at once.

    ``work(ending)`` must ask ``ending()`` between its steps and return once it is true. Work that does not
    delays the end of the process by LAST_S. Raises RuntimeError when no thread can be had for it.
    """
    over = threading.Event()
    worker = threading.Thread(target=work, args=(over.is_set,), name=name, daemon=True)
    worker.start()
    end = partial(_end, worker, over)
    atexit.register(end)  # needed when a second Ctrl-C interrupts the interpreter's own joining

    def keep() -> None:
        main = threading.main_thread()
        while worker.is_alive() and main.is_alive():
            worker.join(POLL_S)
        end()
        atexit.unregister(end)

    # Not a daemon: the interpreter joins it before the exit handlers of libraries run. The work goes on where
    # no second thread can be had: then our own exit handler waits for it.
    with suppress(RuntimeError):
        threading.Thread(target=keep, name=f"{name}-keeper", daemon=False).start()
    return worker


def _end(worker: threading.Thread, over: threading.Event) -> None:
    over.set()
    worker.join(LAST_S)
