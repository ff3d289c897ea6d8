"""The one owner of the file of leads in a process: a line is said to be saved once the disk has it."""

import atexit
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from server.logs.writer import last_words
from server.office.whole_lines import append
from server.runtime.native_calls import NoThread, Pool, on_gevent
from server.runtime.private_files import PRIVATE

log = logging.getLogger("agent")

WRITE_S = 2.0  # then the line is in the log as well
END_S = 1.0  # of the process, for one more try
FIRST_AGAIN_S, LAST_AGAIN_S = 1.0, 4.0
MAX_WAITING_CHARS = 8_000_000
MAX_AT_ONCE = 64  # lines that wait for the disk together


@dataclass(eq=False)
class _Line:
    call_sid: str
    text: str
    on_disk: bool = False  # a native thread says so
    logged: bool = False  # that it is on the disk, or else all of it


class LeadsFile:
    """Lines are written in their order, by a thread that lives while there are some. Any thread may add.

    What the disk does not take, or not within WRITE_S, goes whole to the log (``LEAD_ERR``), and waits here
    for the disk: it is tried again with the next line, after some seconds, and at the end of the process.
    Whatever is on the disk is ``LEAD_SAVED`` in the log. A write that hangs is waited for, and never begun
    again beside itself.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.begin()

    def begin(self) -> None:
        """Forget what waits, and the threads: in a process that was forked they are the parent's."""
        self._changed = threading.Condition()  # guards all that follows
        self._pool: Pool | None = None
        self._waiting: deque[_Line] = deque()
        self._chars = 0
        self._writing = False  # there is a thread for it
        self._failing = False  # the last try
        self._ending = False  # one try more, and no pause before it

    def add(self, call_sid: str, text: str, within_s: float = 0.0) -> bool:
        """Keep one line; True: it is on the disk. Never raises.

        Waits ``within_s`` for that at most, and not at all while the disk fails.
        """
        line = _Line(call_sid, text)
        if why_not := self._take(line):
            self._tell([line], why_not)
            return False
        with self._changed:
            if not self._failing:
                self._changed.wait_for(lambda: line.logged, within_s)
            return line.on_disk

    def settle(self, within_s: float) -> bool:
        """Try at once what waits, and once; True when nothing is left. For the end of the process."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._writing, within_s)
            self._ending = False
            left = self._all()
        self._tell(left, "the process ends")
        return not left

    def _take(self, line: _Line) -> str:
        """Why the line cannot even wait; nothing: it does."""
        with self._changed:
            if self._chars + len(line.text) > MAX_WAITING_CHARS:
                return f"{len(self._waiting)} lines wait for the disk"
            try:
                if not self._writing:
                    self._pool = self._pool or Pool("the disk", 1)
                    threading.Thread(target=self._write_all, name="leads", daemon=True).start()
            except RuntimeError as error:  # the interpreter ends, or there are too many threads
                return str(error)
            self._writing = True
            self._waiting.append(line)
            self._chars += len(line.text)
            self._changed.notify_all()
        return ""

    # ---- the writing thread ----

    def _write_all(self) -> None:
        again_s = FIRST_AGAIN_S
        while lines := self._next():
            last = self._ending
            why = self._try(lines, last=last)
            self._forget_saved(failing=bool(why))
            if not why:
                again_s = FIRST_AGAIN_S
                continue
            self._tell(self._all(), why)
            if last:
                self._stop()
                return
            if not self._hangs:  # else the next try waits for this one
                self._pause(again_s)
                again_s = min(2 * again_s, LAST_AGAIN_S)

    def _next(self) -> Sequence[_Line]:
        """What is to be tried now; nothing: this thread is needed no longer."""
        with self._changed:
            # One alone where the last try failed: a full disk may have room for it.
            lines = list(islice(self._waiting, 1 if self._failing else MAX_AT_ONCE))
            if not lines:
                self._stop()
            return lines

    def _try(self, lines: Sequence[_Line], *, last: bool) -> str:
        """Why they are not on the disk; nothing: they are."""
        try:
            open_mode = self._touch_disk(lines, last=last)
        except Exception as error:  # whatever a disk does, the next line has its try
            return str(error)
        if open_mode:
            log.warning(
                "LEAD_FILE %s had mode %o, now %o: others could read it", self._path, open_mode, PRIVATE
            )
        return ""

    def _touch_disk(self, lines: Sequence[_Line], *, last: bool) -> int:
        assert self._pool is not None
        try:
            return self._pool.run(WRITE_S, self._append, lines)
        except NoThread:
            if not last or on_gevent():
                raise
            # Python 3.12 starts none at its end. Ours is no call's, and ``settle`` waits no longer for it.
            return self._append(lines)

    @property
    def _hangs(self) -> bool:
        return self._pool is not None and self._pool.hanging > 0

    def _append(self, lines: Sequence[_Line]) -> int:
        """On a native thread, one at a time; what an earlier try that hung has done since is done."""
        left = [line for line in lines if not line.on_disk]
        text = "".join(f"{line.text}\n" for line in left)
        open_mode = append(self._path, text.encode(errors="replace")) if left else 0
        for line in left:
            line.on_disk = True
        return open_mode

    def _forget_saved(self, *, failing: bool) -> None:
        saved = [line for line in self._all() if line.on_disk]
        for line in saved:
            log.info("LEAD_SAVED call=%s", line.call_sid)
        with self._changed:
            self._failing = failing
            for line in saved:
                self._waiting.remove(line)
                self._chars -= len(line.text)
                line.logged = True
            self._changed.notify_all()

    def _tell(self, lines: Iterable[_Line], why: str) -> None:
        """In the log they are not lost, whatever becomes of this process."""
        for line in lines:
            if not line.logged:
                log.error("LEAD_ERR LEADS_FILE=%s: %s; it is kept here: %s", self._path, why, line.text)
        with self._changed:
            for line in lines:
                line.logged = True
            self._changed.notify_all()

    def _pause(self, seconds: float) -> None:
        """Until the next try; a line that has had none does not wait."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ending or not all(line.logged for line in self._waiting), seconds
            )

    def _stop(self) -> None:
        with self._changed:
            self._writing = False
            self._changed.notify_all()

    def _all(self) -> Sequence[_Line]:
        with self._changed:
            return list(self._waiting)


_files: "weakref.WeakValueDictionary[str, LeadsFile]" = weakref.WeakValueDictionary()
_opening = threading.Lock()


def opened(path: str) -> LeadsFile:
    """The one of this process, however many ask for it."""
    with _opening:
        return _files.setdefault(os.path.abspath(path), LeadsFile(path))


def _begin_all() -> None:
    global _opening
    _opening = threading.Lock()
    for file in list(_files.values()):
        file.begin()


os.register_at_fork(after_in_child=_begin_all)


@atexit.register
def _settle_all() -> None:
    for file in list(_files.values()):
        file.settle(END_S)
    last_words()  # what this has said may be behind the output's own end
