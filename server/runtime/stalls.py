"""Which line keeps a thread from running anything else, seen while it does: a native thread looks.

Under gevent one thread, the hub's, runs every call of a worker. gevent's own monitor would tell too, for
0.4 µs of each switch of greenlets: half a percent of a core with 100 calls. This costs ten wake-ups a second.
"""

import os
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from types import CodeType, FrameType

from server.runtime.oslock import os_sleep, os_thread_id, start_os_thread

STALLED_S = 0.1
STILL_S = 10.0  # gunicorn kills a worker that is silent for 30 s, and says nothing of the line
SHOWN_PARTS = 3  # of a path
_NOT_OURS = tuple(
    {sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)


class StallWatch:
    """Watches the thread that makes it, from ``begin`` on, until ``end``."""

    def __init__(
        self,
        still: Callable[[float, str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = os_sleep,
    ) -> None:
        """``still(seconds, place)``: it stalls and stalls; told once a stall, on the native thread."""
        self._still = still
        self._clock = clock
        self._sleep = sleep
        self._thread = os_thread_id()
        self._due: float | None = clock()  # when the watched thread wants to run next; None: it is over
        self._seen_at = ""

    def begin(self) -> None:
        """Once. Raises RuntimeError when no thread can be had."""
        start_os_thread(self._run)

    def expect(self, due: float) -> None:
        """The watched thread runs, and wants to run again at ``due``, on the clock."""
        self._due = due
        self._seen_at = ""

    @property
    def seen_at(self) -> str:
        """Where it was STALLED_S after it had wanted to run (``place_of``); "": it was not looked at."""
        return self._seen_at

    def end(self) -> None:
        self._due = None

    def _run(self) -> None:
        while (due := self._due) is not None:
            left_s = due + STALLED_S - self._clock()
            if left_s > 0:
                self._sleep(left_s)
                continue
            place = place_of(self._thread)
            if self._due == due:
                self._seen_at = place
                self._wait_for_its_end(due)

    def _wait_for_its_end(self, due: float) -> None:
        told = False
        while self._due == due:
            self._sleep(STALLED_S)
            late_s = self._clock() - due
            if not told and late_s > STILL_S and self._due == due:
                told = True
                self._still(late_s, place_of(self._thread))


def place_of(thread: int) -> str:
    """Where the operating system's thread ``thread`` is: file, line and function, and no value.

    ``office/crm.py:12 in ask (ssl.py:1166 in read)``: the innermost of ours, or of the application that we
    are mounted in, and behind it the innermost of all, where that is a library's. "": there is none such.
    """
    frames = [(frame.f_code, frame.f_lineno) for frame in _stack(sys._current_frames().get(thread))]
    if not frames:
        return ""
    innermost = _shown(*frames[0])
    ours = next((_shown(code, line) for code, line in frames if _is_ours(code)), innermost)
    return ours if ours == innermost else f"{ours} ({innermost})"


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_ours(code: CodeType) -> bool:
    file = code.co_filename
    return os.path.isabs(file) and not file.startswith(_NOT_OURS)


def _shown(code: CodeType, line: int) -> str:
    file = "/".join(code.co_filename.split(os.sep)[-SHOWN_PARTS:])
    return f"{file}:{line} in {code.co_qualname}"
