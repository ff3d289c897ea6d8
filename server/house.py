"""What the calls and webhooks of one process share."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from server.config import Config
from server.core.frames import mulaw_to_pcm16, pcm16_to_mulaw
from server.desk import open_desk
from server.person import availability
from server.phrases import speak_whole
from server.turn_pipeline import Engines

log = logging.getLogger("agent")

FIRST_REMAKE_S, LAST_REMAKE_S = 60.0, 3600.0


class House:
    """What the routes of one process share: knobs, engines and whether they are warm, desk, calls.

    Any thread.
    """

    def __init__(self, config: Config, engines: Engines) -> None:
        self.config = config
        self.engines = engines
        self.desk = open_desk(config)
        self.calls = 0  # in progress in this process
        self._lock = threading.Lock()
        self._warming = False
        self._warm = threading.Event()

    def begin_warming(self) -> None:
        """Load the engines on a thread of their own, once a process. Returns at once."""
        with self._lock:
            if self._warming:
                return
            self._warming = True
        threading.Thread(target=self._load, name="warm", daemon=True).start()

    def wait_until_warm(self, timeout_s: float) -> bool:
        """Block until every engine is loaded or has failed; False when that takes longer."""
        return self._warm.wait(timeout_s)

    @property
    def warm(self) -> bool:
        return self._warm.is_set()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call while it lasts."""
        with self._lock:
            self.calls += 1
        try:
            yield
        finally:
            with self._lock:
                self.calls -= 1

    def phrase_pcm16_8k(self, line: str) -> bytes | None:
        """A fixed line from the cache, made now if need be; None when no voice can say it. May block."""
        mulaw_8k = self.engines.phrases.get(line)
        if mulaw_8k is None:
            spoken = speak_whole(line, self.engines.voices, log.error)
            if spoken is None:
                return None
            mulaw_8k = pcm16_to_mulaw(spoken.pcm16_8k)
            self.engines.phrases.keep(spoken.identity, line, mulaw_8k)
        return mulaw_to_pcm16(mulaw_8k)

    def _load(self) -> None:
        started = time.monotonic()
        try:
            self.engines.warm()
        except Exception:  # the thread's edge: engines that failed are tried again by the calls
            log.exception("ENGINE_ERR: the engines could not be warmed")
        availability(self.config).person_available(datetime.now(UTC))  # the first time takes 150 ms
        self._warm.set()
        log.info("ENGINES_WARM after %.1f s", time.monotonic() - started)
        self._make_lines_again()

    def _make_lines_again(self) -> None:
        """A line that a fallback voice had to say is made by the best one when that is back. Blocks."""
        wait_s = FIRST_REMAKE_S
        while not self.engines.phrases.make(self.engines.voices, log.error):
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, LAST_REMAKE_S)
