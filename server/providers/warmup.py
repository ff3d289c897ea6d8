"""Loads a process's engines before they are needed, and the fixed lines that its callers hear."""

import logging
from collections import deque
from collections.abc import Callable
from functools import partial

from server.providers.provider_set import Providers
from server.providers.tts_cache import tts_failed
from server.runtime.process_end import Ending, start
from server.runtime.threads import Runtime, Task

log = logging.getLogger("agent")

FIRST_REMAKE_S, LAST_REMAKE_S = 60.0, 3600.0
LINES_AT_ONCE = 4  # a vendor's voice takes a second each, and there are some sixty; some allow fewer
REFUSED_S = 1.0  # a voice that has refused a line to the only one who asks is left alone
MOST_REFUSED = 3  # lines in a row, to the only one: the voice is down, and all are made later
COLD_S = 20.0  # an engine that hangs keeps calls away no longer
LINES_S = 1.5  # waited for them; what is made later is made beside the calls
BREATH_S = 0.02  # between imports, which hold up a process of greenlets, its requests are answered


class Warmup:
    """Warms ``providers`` once. Any thread.

    ``beside()``: what else the first call would have to wait for; it may block.
    ``begin_work``: starts work that the end of the process waits for, on a thread of its own.
    """

    def __init__(
        self,
        providers: Providers,
        runtime: Runtime,
        beside: Callable[[], None] = lambda: None,
        begin_work: Callable[[str, Callable[[Ending], None]], Task] = start,
    ) -> None:
        self._providers = providers
        self._runtime = runtime
        self._beside = beside
        self._begin_work = begin_work
        self._never = runtime.event()
        self._changed = runtime.condition()  # guards what follows
        self._begun = False
        self._done = False
        self._making: set[int] = set()  # the numbers of the threads that make lines
        self._serving = False
        self._cold_until = 0.0  # by the runtime's clock, once it has begun

    def begin(self, settle: Callable[[], None] = lambda: None, *, serving: bool = False) -> None:
        """Load the engines, once. Returns at once.

        ``settle()`` is run once they are loaded, before those who wait go on. It must not raise. ``serving``:
        whether this process can be asked meanwhile (``warming``). Where no thread can be had it is left to
        who asks next.
        """
        with self._changed:
            if self._begun:
                return
            self._begun = True
            self._serving |= serving
            self._cold_until = self._runtime.clock() + COLD_S
        if self._start("warm", partial(self._load, settle)) is None:
            with self._changed:
                self._begun = False

    def wait(self, timeout_s: float) -> bool:
        """Block until every engine is loaded or has failed; False when that takes longer."""
        return self._wait_for(lambda: self._done, timeout_s)

    def wait_for_line(self, line: str, timeout_s: float) -> None:
        """Block until a voice has made ``line``, or all have tried; or for so long."""

        def over() -> bool:
            return self._done and (not self._making or self._providers.tts_cache.get(line) is not None)

        self._wait_for(over, timeout_s)

    @property
    def done(self) -> bool:
        with self._changed:
            return self._done

    @property
    def cold(self) -> bool:
        """Calls would be better off elsewhere. Not for ever where an engine hangs: its calls have others."""
        with self._changed:
            return not self._done and not (self._begun and self._runtime.clock() >= self._cold_until)

    @property
    def warming(self) -> bool:
        """A process that serves is cold, and this has begun, or was to."""
        with self._changed:
            return self._serving and not self._done and self._runtime.clock() < self._cold_until

    def _wait_for(self, over: Callable[[], bool], timeout_s: float) -> bool:
        """``over`` is asked under the lock."""
        deadline = self._runtime.clock() + timeout_s
        with self._changed:
            while not over() and (left_s := deadline - self._runtime.clock()) > 0:
                self._changed.wait(left_s)
            return over()

    def _load(self, settle: Callable[[], None], ending: Ending) -> None:
        started = self._runtime.clock()
        makers: list[Task] = []
        try:
            self._load_engines(ending)
            makers = self._begin_lines(ending)
            self._wait_for(lambda: not self._making, LINES_S)
            settle()
        finally:  # whatever failed: who waits must not do so for ever
            with self._changed:
                self._done = True
                self._changed.notify_all()
        if ending():
            return
        log.info("ENGINES_WARM after %.1f s", self._runtime.clock() - started)
        for maker in makers:
            maker.join()
        self._runtime.spawn("lines", self._make_lines_again)

    def _load_engines(self, ending: Ending) -> None:
        def asked_to_end() -> bool:
            """Between two engines."""
            self._never.wait(BREATH_S)
            return ending()

        asked_to_end()
        for load in (self._beside, partial(self._providers.warm, asked_to_end)):
            try:
                load()
            except Exception:  # the thread's edge: what failed is tried again by the calls
                log.exception("ENGINE_ERR: not all could be warmed")

    def _start(self, name: str, work: Callable[[Ending], None]) -> Task | None:
        """None where no thread can be had now."""
        try:
            return self._begin_work(name, work)
        except RuntimeError as error:
            log.error("ENGINE_ERR: no thread for %s: %s", name, error)
            return None

    def _begin_lines(self, ending: Ending) -> list[Task]:
        """The first first: it is the greeting."""
        missing = () if ending() else self._providers.tts_cache.missing
        lines = deque(missing)  # of all makers: one takes what no other has
        makers: list[Task] = []
        for number in range(min(LINES_AT_ONCE, len(missing))):
            with self._changed:
                self._making.add(number)
            maker = self._start(f"lines-{number}", partial(self._make_some, number, lines))
            if maker is None:  # those that there are make all
                self._makes_no_more(number)
                break
            makers.append(maker)
        return makers

    def _make_some(self, number: int, lines: deque[str], ending: Ending) -> None:
        """One who was refused a line leaves it to the others, who are fewer then; the last goes on slower."""
        refused = 0  # in a row
        try:
            line = self._next_line(number, lines, "")
            while line and refused < MOST_REFUSED and not ending():
                if refused:
                    self._never.wait(REFUSED_S)
                made = self._providers.tts_cache.make_line(line, self._providers.tts, tts_failed)
                refused = 0 if made else refused + 1
                line = self._next_line(number, lines, "" if made else line)
        finally:
            self._makes_no_more(number)

    def _next_line(self, number: int, lines: deque[str], refused: str) -> str:
        """Empty where ``number`` is to make no more. ``refused``: what it could not make, if anything."""
        with self._changed:
            self._changed.notify_all()
            others = self._making - {number}
            if refused and others:
                lines.append(refused)  # behind the rest: maybe no voice can say it
            elif lines:
                return lines.popleft()
            self._making.discard(number)  # in the same breath: of two who are refused at once one goes on
            return ""

    def _makes_no_more(self, number: int) -> None:
        with self._changed:
            self._making.discard(number)
            self._changed.notify_all()

    def _make_lines_again(self) -> None:
        """A line that a fallback voice had to say is made by the best one when that is back. Blocks."""
        wait_s = FIRST_REMAKE_S
        while not self._providers.tts_cache.complete:
            self._never.wait(wait_s)
            wait_s = min(2 * wait_s, LAST_REMAKE_S)
            if maker := self._start("lines-again", self._make_lines):
                maker.join()

    def _make_lines(self, ending: Ending) -> None:
        self._providers.tts_cache.make(self._providers.tts, tts_failed, ending)
