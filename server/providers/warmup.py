"""Loads a process's engines before they are needed, and the fixed lines that its callers hear."""

import logging
from collections.abc import Callable

from server.providers.provider_set import Providers
from server.providers.tts_cache import tts_failed
from server.runtime.process_end import Ending, start
from server.runtime.threads import Runtime, Task

log = logging.getLogger("agent")

FIRST_REMAKE_S, LAST_REMAKE_S = 60.0, 3600.0


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

    def begin(self) -> None:
        """Load the engines, once. Returns at once."""
        with self._changed:
            if self._begun:
                return
            self._begun = True
        self._begin_work("warm", self._load)

    def wait(self, timeout_s: float) -> bool:
        """Block until every engine is loaded or has failed; False when that takes longer."""
        deadline = self._runtime.clock() + timeout_s
        with self._changed:
            while not self._done and (left_s := deadline - self._runtime.clock()) > 0:
                self._changed.wait(left_s)
            return self._done

    @property
    def done(self) -> bool:
        with self._changed:
            return self._done

    def _load(self, ending: Ending) -> None:
        started = self._runtime.clock()
        self._beside()
        try:
            self._providers.warm(ending)
        except Exception:  # the thread's edge: engines that failed are tried again by the calls
            log.exception("ENGINE_ERR: the providers could not be warmed")
        with self._changed:
            self._done = True
            self._changed.notify_all()
        if ending():
            return
        log.info("ENGINES_WARM after %.1f s", self._runtime.clock() - started)
        self._runtime.spawn("lines", self._make_lines_again)

    def _make_lines_again(self) -> None:
        """A line that a fallback voice had to say is made by the best one when that is back. Blocks."""
        wait_s = FIRST_REMAKE_S
        while not self._providers.tts_cache.complete:
            self._never.wait(wait_s)
            wait_s = min(2 * wait_s, LAST_REMAKE_S)
            self._begin_work("lines-again", self._make_lines).join()

    def _make_lines(self, ending: Ending) -> None:
        self._providers.tts_cache.make(self._providers.tts, tts_failed, ending)
