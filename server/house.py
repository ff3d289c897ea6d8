"""What the calls and webhooks of one process share."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from server.admission import Admission
from server.config import Config
from server.core.frames import mulaw_to_pcm16, pcm16_to_mulaw
from server.desk import open_desk
from server.drain import Drain
from server.ledger import Ledger
from server.person import availability
from server.phrases import speak_whole
from server.rates import CallRates
from server.reception import Reception
from server.runtime import Threads
from server.turn_pipeline import Engines
from server.twilio_auth import TwilioAuth

log = logging.getLogger("agent")

FIRST_REMAKE_S, LAST_REMAKE_S = 60.0, 3600.0


class House:
    """Knobs, engines and whether they are warm, the desk, and the reception that knows the calls.

    Any thread.
    """

    def __init__(self, config: Config, engines: Engines) -> None:
        self.config = config
        self.engines = engines
        self.desk = open_desk(config)
        self.reception = _reception(config, self.desk.ledger)
        self._lock = threading.Lock()
        self._speaking = threading.Lock()  # a line is made once, however many ask for it
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

    def drain(self, finished: Callable[[], None]) -> Drain:
        """What to ``begin`` when the process is to end: no new calls, those in progress end well."""
        return Drain(self.reception, Threads(), self.config.drain_sec, finished)

    @property
    def warm(self) -> bool:
        return self._warm.is_set()

    def phrase_pcm16_8k(self, line: str) -> bytes | None:
        """A fixed line from the cache, made now if need be; None when no voice can say it. May block."""
        mulaw_8k = self.engines.phrases.get(line) or self._speak(line)
        return mulaw_to_pcm16(mulaw_8k) if mulaw_8k else None

    def _speak(self, line: str) -> bytes | None:
        with self._speaking:
            if (made_meanwhile := self.engines.phrases.get(line)) is not None:
                return made_meanwhile
            spoken = speak_whole(line, self.engines.voices, log.error)
            if spoken is None:
                return None
            mulaw_8k = pcm16_to_mulaw(spoken.pcm16_8k)
            self.engines.phrases.keep(spoken.identity, line, mulaw_8k)
            return mulaw_8k

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


def _reception(config: Config, ledger: Ledger) -> Reception:
    return Reception(
        TwilioAuth(config.twilio_auth_token.get_secret_value(), ledger.first_time),
        CallRates(config.calls_per_caller_min, config.calls_per_sec, config.redis_url.get_secret_value()),
        Admission(ledger, Threads(), config.max_calls),
    )
