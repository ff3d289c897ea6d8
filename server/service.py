"""What the calls and webhooks of one process share."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from server.admission.caller_share import Limits, Parties, hidden_at_once
from server.admission.drain import Drain
from server.admission.gate import Gate
from server.admission.rate_limits import RateLimits
from server.admission.slots import PENDING_GREETED_S, PENDING_S, Slots
from server.audio.frames import mulaw_to_pcm16
from server.call.after_hangup import Afterwards
from server.config import Config
from server.logs.rate_limited import RateLimitedLog
from server.office.call_outcome import open_desk
from server.office.leads_file import END_S
from server.office.transfer import availability
from server.providers.provider_set import Providers
from server.providers.tts_cache import tts_failed
from server.runtime.process_end import Ending, start
from server.runtime.threads import Threads
from server.shared_state.state import SharedState
from server.telephony.signature import TwilioAuth

log = logging.getLogger("agent")

LINES_TIMEOUT_S = 8.0  # Twilio waits longer
FIRST_REMAKE_S, LAST_REMAKE_S = 60.0, 3600.0


class Service:
    """Knobs, engines and whether they are warm, the desk, and the reception that knows the calls.

    Any thread.
    """

    def __init__(self, config: Config, providers: Providers) -> None:
        self.config = config
        self.providers = providers
        self.desk = open_desk(config)
        self.afterwards = Afterwards(Threads())
        self.gate = _gate(config, self.desk.shared_state)
        self.parties = _parties(config)
        self.refusals = RateLimitedLog(log)
        self._lock = threading.Lock()
        self._warming = False
        self._warm = threading.Event()

    def begin_warming(self) -> None:
        """Load the engines on a thread of their own, once a process. Returns at once."""
        with self._lock:
            if self._warming:
                return
            self._warming = True
        start("warm", self._load)

    def wait_until_warm(self, timeout_s: float) -> bool:
        """Block until every engine is loaded or has failed; False when that takes longer."""
        return self._warm.wait(timeout_s)

    def drain(self, finished: Callable[[], None]) -> Drain:
        """What to ``begin`` when the process is to end: no new calls, those in progress end well."""

        def end() -> None:
            self.desk.settle(END_S)
            finished()

        settle_s, drain_s = _pending_s(self.config), self.config.drain_sec
        return Drain(self.gate, Threads(), drain_s, end, settle_s, afterwards=self.afterwards)

    @property
    def warm(self) -> bool:
        return self._warm.is_set()

    @property
    def failing(self) -> tuple[str, ...]:
        """The kinds of engine (``asr``, ``llm``, ``tts``) of which none works, as this process has found."""
        chains = (self.providers.stt, self.providers.llm, self.providers.tts)
        return tuple(chain.kind for chain in chains if chain.failing)

    def phrase_pcm16_8k(self, line: str) -> bytes | None:
        """A fixed line, once the engines are warm; None when no voice has made it. Blocks for seconds.

        Nobody who asks makes a voice work: anybody may ask.
        """
        self.begin_warming()
        self.wait_until_warm(LINES_TIMEOUT_S)
        mulaw_8k = self.providers.tts_cache.get(line)
        return mulaw_to_pcm16(mulaw_8k) if mulaw_8k else None

    def _load(self, ending: Ending) -> None:
        started = time.monotonic()
        self.gate.in_use()  # a store that does not answer is told before the first call
        try:
            self.providers.warm(ending)
        except Exception:  # the thread's edge: engines that failed are tried again by the calls
            log.exception("ENGINE_ERR: the engines could not be warmed")
        availability(self.config).person_available(datetime.now(UTC))  # the first time takes 150 ms
        self._warm.set()
        if ending():
            return
        log.info("ENGINES_WARM after %.1f s", time.monotonic() - started)
        Threads().spawn("lines", self._make_lines_again)

    def _make_lines_again(self) -> None:
        """A line that a fallback voice had to say is made by the best one when that is back. Blocks."""
        wait_s = FIRST_REMAKE_S
        while not self.providers.tts_cache.complete:
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, LAST_REMAKE_S)
            start("lines-again", self._make_lines).join()

    def _make_lines(self, ending: Ending) -> None:
        self.providers.tts_cache.make(self.providers.tts, tts_failed, ending)


def _gate(config: Config, shared_state: SharedState) -> Gate:
    return Gate(
        TwilioAuth(config.twilio_auth_token.get_secret_value(), shared_state),
        RateLimits(config.calls_per_sec, config.redis_url.get_secret_value()),
        Slots(shared_state, Threads(), config.max_calls, _pending_s(config)),
        shared_state.first_time,
    )


def _pending_s(config: Config) -> float:
    """Between the webhook that has connected a call and its socket."""
    return PENDING_GREETED_S if config.twiml_play_greeting else PENDING_S


def _parties(config: Config) -> Parties:
    return Parties(
        config.twilio_auth_token.get_secret_value(),
        Limits(config.calls_per_caller_min, config.calls_per_caller_at_once),
        Limits(config.hidden_calls_per_min, hidden_at_once(config.max_calls, config.hidden_calls_percent)),
        config.callers_let_off,
    )
