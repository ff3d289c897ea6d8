"""Whoever reads a server's standard output, and stops reading: as journald, or a ``tee``, may."""

import fcntl
import os
import select
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.house import TICKING

PIPE_BYTES = 4096  # full after some twenty lines
LOOK_S = 0.02
_INTO = 'exec "$@" >"$0" 2>&1'


class LogReader:
    """``command`` starts a server whose log goes into a pipe; it is read here until ``stall``.

    ``text``: what was read so far. ``end`` once the server is gone.
    """

    def __init__(self, folder: Path, command: Sequence[str] = TICKING) -> None:
        fifo = folder / "log.fifo"
        os.mkfifo(fifo)
        self.command = ["sh", "-c", _INTO, str(fifo), *command]
        self._pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._reads, self._over = threading.Event(), threading.Event()
        self._read: list[bytes] = []
        self._reads.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stall(self) -> None:
        self._reads.clear()

    def go_on(self) -> None:
        self._reads.set()

    @property
    def text(self) -> str:
        return b"".join(self._read).decode(errors="replace")

    def end(self) -> str:
        """All of it. Idempotent."""
        if not self._over.is_set():
            self.go_on()
            time.sleep(5 * LOOK_S)
            self._over.set()
            self._thread.join(5)
            os.close(self._pipe)
        return self.text

    def _run(self) -> None:
        while not self._over.is_set():
            if not self._reads.wait(LOOK_S):
                continue
            if select.select([self._pipe], [], [], LOOK_S)[0]:
                self._read.append(os.read(self._pipe, 1 << 16))
                if not self._read[-1]:  # nobody writes, not yet or not any more
                    time.sleep(LOOK_S)
