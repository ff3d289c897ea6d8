"""The one writer of a process's records: off the audio path, bounded; what it was given is kept somewhere."""

import atexit
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from server.logs.rate_limited import TOLD_EVERY_S, OnceIn
from server.logs.writer import last_words
from server.records.database import WITHIN_S
from server.records.facts import CallFacts, TurnFacts
from server.records.rows import Record, call_record, turn_record
from server.records.store import DISK_S, Refused, Store

log = logging.getLogger("agent")

MAX_WAITING_CHARS = 8_000_000  # in memory, while the disk fails as well
MAX_AT_ONCE = 64
FIRST_AGAIN_S, LAST_AGAIN_S = 1.0, 30.0
BUSY_S, GATHERS_S = 1.0, 0.2  # a transaction costs two milliseconds, a row of it a twentieth
END_S = 1.0  # of the process: for one more try, and then for the disk
OF_IT_TO_TRY, OF_IT_TO_WAIT = 0.4, 0.7  # the rest is for the disk


class Tries:
    """When a database that fails is tried again, and what of it is worth a line of the log."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._again_at: float | None = None
        self._again_s = FIRST_AGAIN_S
        self._once = OnceIn(TOLD_EVERY_S, clock)
        self._told = False

    @property
    def failing(self) -> bool:
        return self._again_at is not None

    @property
    def due_in_s(self) -> float:
        return 0.0 if self._again_at is None else max(0.0, self._again_at - self._clock())

    def failed(self) -> bool:
        """Whether to say so."""
        self._again_at = self._clock() + self._again_s
        self._again_s = min(2 * self._again_s, LAST_AGAIN_S)
        due = self._once.due("it fails")
        self._told = self._told or due
        return due

    def worked(self) -> bool:
        """Whether to say that it does again."""
        told, self._told = self._told, False
        self._again_at, self._again_s = None, FIRST_AGAIN_S
        return told


class RecordsWriter:
    """Records are written in their order, by a thread that lives while any wait. Any thread may give some.

    While the database fails they wait in the spool, and it is tried again ever less often; what the spool
    does not take either waits here. What finds no room, or is still here when the process ends, goes whole to
    the log, as what no database would take does (``RECORDS_ERR``). Nobody waits for any of it.
    """

    def __init__(self, store: Store | None, clock: Callable[[], float] = time.monotonic) -> None:
        """``store``: None: nothing is kept. ``clock``: seconds that do not jump."""
        self._store = store
        self._clock = clock
        self.begin()
        _writers.add(self)

    def begin(self) -> None:
        """Forget what waits, and the thread: in a process that was forked they are the parent's."""
        self._changed = threading.Condition()  # guards all that follows
        self._waiting: deque[Record] = deque()
        self._chars = 0
        self._fresh = False  # something has come since the last try
        self._running = False  # there is a thread
        self._ending_s = 0.0  # for one try more, without a pause before it; 0: it is not the end
        self._tries = Tries(self._clock)  # the thread's own, as this is:
        self._disk_fails = OnceIn(TOLD_EVERY_S, self._clock)
        self._wrote_at = -BUSY_S
        if self._store is not None:
            self._store.begin()

    def start(self) -> None:
        """Make the tables, take over what waits in a file; returns at once. Once a process."""
        if self._store is not None:
            with self._changed:
                self._wake()

    def keep_call(self, call: CallFacts) -> None:
        """Keep it, in place of what was kept of it before. Returns at once. Never raises."""
        self._keep(lambda: call_record(call))

    def keep_turn(self, sid: str, turn: TurnFacts) -> None:
        """The same for one turn of it; the call itself may come later."""
        self._keep(lambda: turn_record(sid, turn))

    @property
    def waiting(self) -> int:
        """Records that are neither in the database nor in the spool."""
        return len(self._waiting)

    def settle(self, within_s: float) -> bool:
        """Try at once what waits, and once; True: all is in the database or in the spool.

        For the end of the process. A database that takes most of the time is left alone.
        """
        with self._changed:
            if not self._running and not self._waiting:
                return True
            self._ending_s = OF_IT_TO_TRY * within_s
            self._wake()
            self._changed.wait_for(lambda: not self._running, OF_IT_TO_WAIT * within_s)
            left = list(self._waiting)
        why = self._spooled(left, (1 - OF_IT_TO_WAIT) * within_s) if left else ""
        with self._changed:
            self._ending_s = 0.0
        if why:
            self._tell_whole((record.line, f"the process ends; {why}") for record in left)
            self._forget(left)
        return not why

    def _keep(self, made: Callable[[], Record]) -> None:
        if self._store is None:
            return
        try:
            record = made()
            size = len(record.line)
            with self._changed:
                full = self._chars + size > MAX_WAITING_CHARS
                if not full:
                    self._waiting.append(record)
                    self._chars += size
                    self._wake()
            if full:
                self._tell_whole([(record.line, "too many wait")])
        except Exception:  # our own bug, and no call's
            log.exception("RECORDS_ERR")

    def _wake(self) -> None:
        """With the lock held. Without a thread (the interpreter ends) they wait for ``settle``."""
        self._fresh = True
        self._changed.notify_all()
        if self._running:
            return
        try:
            threading.Thread(target=self._work, name="records", daemon=True).start()
        except RuntimeError:
            return
        self._running = True

    # ---- the writing thread ----

    def _work(self) -> None:
        while True:
            self._gather()
            records, ending_s = self._next()
            written = (ending_s or not self._tries.due_in_s) and self._written(records, ending_s)
            stuck = bool(records) and not written and bool(self._spooled(records, DISK_S))
            if self._is_over(ending=bool(ending_s)):
                return
            if self._tries.failing:
                self._pause(stuck=stuck)

    def _gather(self) -> None:
        """What many calls leave within an instant is one transaction; the first of it does not wait."""
        with self._changed:
            if not self._tries.failing and self._clock() - self._wrote_at < BUSY_S:
                self._changed.wait_for(lambda: self._ending_s > 0, GATHERS_S)

    def _next(self) -> tuple[list[Record], float]:
        with self._changed:
            self._fresh = False
            return list(islice(self._waiting, MAX_AT_ONCE)), self._ending_s

    def _is_over(self, *, ending: bool) -> bool:
        """Nothing waits, here or in the spool, or it is the end; then this thread is no more."""
        assert self._store is not None
        with self._changed:
            idle = not (self._tries.failing or self._waiting or self._fresh or self._store.spooled_in)
            if idle or ending:
                self._running = False
                self._changed.notify_all()
            return idle or ending

    def _pause(self, *, stuck: bool) -> None:
        """Until the database is due, or something is new; ``stuck``: the disk takes nothing either."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._fresh or self._ending_s > 0 or (bool(self._waiting) and not stuck),
                self._tries.due_in_s,
            )

    def _written(self, records: Sequence[Record], ending_s: float) -> bool:
        """They are in the database. False: it fails, or others that wait in the spool go first."""
        assert self._store is not None
        try:
            if ending_s and (self._store.spooled_in or not records):
                return False
            behind, refused = (False, []) if ending_s else self._store.catch_up()
            if not records:
                self._store.reach()
            elif not behind:
                refused += self._store.write(records, ending_s or WITHIN_S)
        except Exception as error:  # whatever a database or a disk does
            if self._tries.failed():
                self._tell("%s; calls go on, and records wait", error)
            return False
        self._tell_whole(refused)
        if behind:
            return False
        self._forget(records)
        self._wrote_at = self._clock()
        if self._tries.worked():
            log.info("RECORDS_BACK %s: it answers, and takes what waited", self._store.database.name)
        return True

    def _spooled(self, records: Sequence[Record], within_s: float) -> str:
        """Why they are not on the disk; nothing: they are."""
        assert self._store is not None
        try:
            self._store.spool(records, within_s)
        except Exception as error:
            if self._disk_fails.due("it fails"):
                self._tell("nor does the disk take them: %s; they wait in memory", error)
            return self._store.database.why(error)
        self._forget(records)
        return ""

    def _forget(self, records: Iterable[Record]) -> None:
        with self._changed:
            for record in records:  # ``settle`` and the thread may both have kept it
                if self._waiting and self._waiting[0] is record:
                    self._waiting.popleft()
                    self._chars -= len(record.line)

    def _tell(self, line: str, error: Exception) -> None:
        assert self._store is not None
        log.error("RECORDS_ERR %s: " + line, self._store.database.name, self._store.database.why(error))

    def _tell_whole(self, lines: Iterable[Refused]) -> None:
        """In the log they are not lost."""
        assert self._store is not None
        for line, why in lines:
            log.error("RECORDS_ERR %s: %s; it is kept here: %s", self._store.database.name, why, line)


_writers: "weakref.WeakSet[RecordsWriter]" = weakref.WeakSet()


def _begin_all() -> None:
    for writer in list(_writers):
        writer.begin()


os.register_at_fork(after_in_child=_begin_all)


@atexit.register
def _settle_all() -> None:
    for writer in list(_writers):
        writer.settle(END_S)
    last_words()
