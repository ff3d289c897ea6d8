"""Whoever reads a server's standard output, and stops reading: as journald, or a ``tee``, may."""

import fcntl
import os
import select
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.service import TICKING

PIPE_BYTES = 4096  # full after some twenty lines
LOOK_S = 0.02
_INTO = 'exec "$@" >"$0" 2>&1'


class LogReader:
    """``command`` starts a server whose log goes into a pipe; it is read here until ``stall``.

    What was read is in ``file``, as if the server had written there. ``end`` once the server is gone.
    """

    def __init__(self, file: Path, command: Sequence[str] = TICKING) -> None:
        self._file = file
        fifo = file.with_suffix(".fifo")
        os.mkfifo(fifo)
        self.command = ["sh", "-c", _INTO, str(fifo), *command]
        self._pipe = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        self._filler = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._reads, self._over = threading.Event(), threading.Event()
        self._reads.set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stall(self) -> None:
        """From now on there is no room for a line."""
        self._reads.clear()
        time.sleep(2 * LOOK_S)  # it may be reading just now
        with suppress(BlockingIOError):
            while True:
                os.write(self._filler, b"\n")

    def go_on(self) -> None:
        self._reads.set()

    def end(self) -> None:
        """Read the rest. Idempotent."""
        if not self._over.is_set():
            self.go_on()
            time.sleep(5 * LOOK_S)
            self._over.set()
            self._thread.join(5)
            os.close(self._pipe)
            os.close(self._filler)

    def _run(self) -> None:
        while not self._over.is_set():
            if not self._reads.wait(LOOK_S):
                continue
            if select.select([self._pipe], [], [], LOOK_S)[0]:
                data = os.read(self._pipe, 1 << 16)
                with self._file.open("ab") as file:
                    file.write(data)
