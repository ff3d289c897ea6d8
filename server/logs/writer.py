"""Standard output and error that nobody waits for: lines wait in a queue, and one native thread writes them.

Whoever reads our output may stop reading: a log driver that stalls, a ``tee`` that hangs, a full disk. A line
written then would hold its thread, and under gevent every call of the worker. So what does not fit into the
queue is dropped and counted, and ``LOG_DROPPED n lines`` stands in its place once lines flow again. A line
that holds a lead, which may be nowhere else, has more room.

For all that Python writes to ``sys.stdout`` and ``sys.stderr``: our log, gunicorn's, warnings, tracebacks.
Not for C code that writes to the file descriptors itself, as a crash does.
"""

import atexit
import io
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from server.logs.line_format import stamp
from server.runtime.oslock import os_lock, os_queue, os_wait_to_write, start_os_thread

MOST_BYTES = 1 << 20  # that wait: some 8,000 lines
ROOM_FOR_LEADS = 8  # times as much, with all that waits before them
A_LEAD, LONGEST_STAMP = b" LEAD", 40  # it stands behind the time
LAST_WORDS_S = 1.0  # for what still waits when the process ends
STANDARD = (1, 2)  # the descriptors that a process is given; no other is written to behind its owner's back


class Writer:
    """Writes lines to file descriptors in the order in which they come. Any thread; nobody waits.

    Without a lock, for it may be asked by a signal handler or a destructor in the middle of being asked. So
    what is counted may be a line or two off. ``write``: as ``os.write``.
    """

    def __init__(
        self, most_bytes: int = MOST_BYTES, write: Callable[[int, memoryview], int] = os.write
    ) -> None:
        self._most_bytes = most_bytes
        self._write = write
        self.begin()

    def begin(self) -> None:
        """Forget what waits, and the thread: in a process that was forked they are the parent's."""
        self._queue = os_queue()
        self._bytes = 0  # that wait; right whenever none do
        self._full = False  # until the writer has caught up: so that there is one gap and not many
        self._dropped: Counter[int] = Counter()  # lines, by descriptor
        self._torn: set[int] = set()  # descriptors whose latest line is not whole
        self._started = False

    def line(self, descriptor: int, data: bytes) -> None:
        """To be written; or dropped, when too much waits."""
        lead = A_LEAD in data[:LONGEST_STAMP]
        room = self._most_bytes * ROOM_FOR_LEADS if lead else 0 if self._full else self._most_bytes
        if self._bytes + len(data) > room:
            self._dropped[descriptor] += 1
            if not self._full:
                self._full = True
                self._queue.put((descriptor, b""))  # nothing else may wait: the gap would have no end
        else:
            self._bytes += len(data)
            self._queue.put((descriptor, data))
        self._start()

    def finish(self, within_s: float) -> bool:
        """Block, the whole thread, until all that waits is written; False when that takes longer."""
        written = os_lock()
        written.acquire()
        self._queue.put(written)
        self._start()
        return bool(written.acquire(timeout=within_s))

    def _start(self) -> None:
        if not self._started:
            self._started = True
            # Not threading's: the end of the process need not wait for it, and gevent need not know it.
            queue = self._queue
            start_os_thread(lambda: self._run(queue))

    # ---- the native thread ----

    def _run(self, queue: Any) -> None:
        while True:
            item = queue.get()
            if isinstance(item, tuple):
                self._put_down(*item)
            if queue.empty():
                self._caught_up()
            if not isinstance(item, tuple):
                item.release()

    def _put_down(self, descriptor: int, data: bytes) -> None:
        self._bytes -= len(data)
        try:
            self._write_all(descriptor, data)
        except OSError:  # nobody reads any more, or there is no room
            self._dropped[descriptor] += 1

    def _write_all(self, descriptor: int, data: bytes) -> None:
        left = memoryview(b"\n" + data if descriptor in self._torn else data)
        try:
            while left:
                try:
                    left = left[self._write(descriptor, left) :]
                    self._torn.add(descriptor)
                except BlockingIOError:  # who shares the descriptor wants it so
                    os_wait_to_write(descriptor)
        finally:
            if not left:
                self._torn.discard(descriptor)

    def _caught_up(self) -> None:
        self._bytes = 0
        for descriptor, lines in [*self._dropped.items()]:
            if lines:
                said = f"{stamp(time.time())} LOG_DROPPED {lines} lines: nobody took them in time\n"
                with suppress(OSError):
                    self._write_all(descriptor, said.encode())
                    self._dropped[descriptor] -= lines
        self._full = False


class Unblocked(io.TextIOBase):
    """In the place of a text stream: whole lines go to ``writer``, and no call waits. Any thread."""

    def __init__(self, stream: TextIO, writer: Writer) -> None:
        stream.flush()
        self._stream = stream
        self._writer = writer
        self._begun = ""  # a line that is not whole yet

    def write(self, text: str) -> int:
        whole, newline, begun = (self._begun + text).rpartition("\n")
        self._begun = begun
        if newline:
            self._out(whole + newline)
        return len(text)

    def flush(self) -> None:
        begun, self._begun = self._begun, ""
        if begun:
            self._out(begun)

    def _out(self, text: str) -> None:
        # Never an error: half a character in a line is no reason to lose it.
        self._writer.line(self._stream.fileno(), text.encode(self._stream.encoding, "backslashreplace"))

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    @property
    def errors(self) -> str:  # type: ignore[override]
        return "backslashreplace"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_writer: Writer | None = None


def unblock_output() -> None:
    """From now on nobody waits for who reads our standard output and error. Again: nothing.

    What the process forks has a queue and a thread of its own. To be called before handlers of ``logging``
    are made: they keep the stream that they find.
    """
    global _writer
    if _writer is None:
        _writer = Writer()
        os.register_at_fork(after_in_child=_writer.begin)
        atexit.register(last_words)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, Unblocked) and _descriptor(stream) in STANDARD:
            setattr(sys, name, Unblocked(stream, _writer))


def last_words() -> None:
    """Block until what was said is written, at most LAST_WORDS_S: before ``os._exit``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, Unblocked):
            stream.flush()
    if _writer is not None:
        _writer.finish(LAST_WORDS_S)


def _descriptor(stream: TextIO | None) -> int | None:
    """None: there is none, nobody can be kept waiting."""
    if stream is not None:
        with suppress(OSError, ValueError, AttributeError):
            return stream.fileno()
    return None
