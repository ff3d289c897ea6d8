"""What the calls and webhooks of one process share."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from server.admission.caller_share import Limits, Parties, hidden_at_once
from server.admission.drain import Drain
from server.admission.gate import Gate
from server.admission.rate_limits import RateLimits
from server.admission.room import Room
from server.admission.slots import PENDING_GREETED_S, PENDING_S, Slots
from server.audio.frames import mulaw_to_pcm16
from server.call.finishing import Afterwards
from server.call.observers import Observer
from server.config import Config
from server.delivery.llm_summary import SummaryOfCall
from server.kept_calls import KeptCalls
from server.office.leads_file import END_S
from server.office.leads_writer import LeadsWriter
from server.office.transfer import availability
from server.providers.provider_set import Providers
from server.providers.warmup import Warmup
from server.runtime.cores import allowed_cores, core_of_each
from server.runtime.threads import Runtime, Threads
from server.shared_state.call_memories import CallMemories
from server.shared_state.state import SharedState, shared_state_of
from server.telephony.request_guard import RequestGuard
from server.telephony.signature import TwilioAuth
from server.vitals import looks_at, sees

LINES_TIMEOUT_S = 8.0  # Twilio waits longer
CALL_WAITS_S = 8.0  # the same, of a webhook and of a socket


class Service:
    """Knobs, engines and whether they are warm, leads, and the gate that knows the calls. Any thread."""

    def __init__(self, config: Config, providers: Providers, runtime: Runtime | None = None) -> None:
        self._runtime = runtime = runtime or Threads()
        self.config = config
        self.providers = providers
        self.shared_state = shared_state_of(config.redis_url.get_secret_value(), config.state_file)
        self.kept = KeptCalls(config, runtime)
        self.leads = LeadsWriter(config.leads_file, self.shared_state, also=self.kept.take_lead)
        self.afterwards = Afterwards(runtime)
        self.memories = CallMemories(self.shared_state, runtime, on=config.resume_calls)
        auth = TwilioAuth(config.twilio_auth_token.get_secret_value())
        self.guard = RequestGuard(config, auth)
        self.gate = _gate(config, auth, self.shared_state, runtime)
        self.parties = _parties(config, self.gate.room)
        self._warmup = Warmup(providers, runtime, self._ask_what_is_slow_at_first)

    def begin_warming(self, settle: Callable[[], None] = lambda: None, *, serving: bool = False) -> None:
        """Load the engines, reach the records, carry leads: on threads of their own, once. At once.

        ``settle()``: run once the engines are loaded, before a call is let in. ``serving``: the server
        answers meanwhile, says so (``warming``), and calls wait.
        """
        self.kept.start()
        self.kept.watch(looks_at(self))
        self.gate.room.watch(sees(self))
        self._warmup.begin(settle, serving=serving)

    def observers(self) -> Sequence[Observer]:
        """Who else sees a call that begins."""
        seen_by = self.kept.observers()
        if self.kept.take_lead is None or self.config.leads_summary != "llm":
            return seen_by
        return [*seen_by, SummaryOfCall(self.providers.llm, self._runtime, self.leads.save_summary)]

    def wait_until_warm(self, timeout_s: float) -> bool:
        """Block until every engine is loaded or has failed; False when that takes longer."""
        return self._warmup.wait(timeout_s)

    def drain(self, finished: Callable[[], None]) -> Drain:
        """What to ``begin`` when the process is to end: no new calls, those in progress end well."""

        def end() -> None:
            self.leads.settle(END_S)
            self.kept.settle()
            finished()

        settle_s, drain_s = _pending_s(self.config), self.config.drain_sec
        return Drain(self.gate, self._runtime, drain_s, end, settle_s, afterwards=self.afterwards)

    @property
    def warm(self) -> bool:
        return self._warmup.done

    @property
    def cold(self) -> bool:
        """Engines are not loaded: not begun, or not for long."""
        return self._warmup.cold

    @property
    def warming(self) -> bool:
        """This process serves, and is not ready: calls should go to another one, if there is one."""
        return self._warmup.warming

    def wait_while_warming(self) -> None:
        """Block until calls can be held well, for as long as Twilio is patient. At once in a warm process."""
        if self.warming:
            self.wait_until_warm(CALL_WAITS_S)

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
        self._warmup.wait_for_line(line, LINES_TIMEOUT_S)
        mulaw_8k = self.providers.tts_cache.get(line)
        return mulaw_to_pcm16(mulaw_8k) if mulaw_8k else None

    def _ask_what_is_slow_at_first(self) -> None:
        self.gate.takes_calls()
        self.gate.in_use()  # a store that does not answer is told before the first call
        availability(self.config).person_available(datetime.now(UTC))  # the first time takes 150 ms


def _gate(config: Config, auth: TwilioAuth, shared_state: SharedState, runtime: Runtime) -> Gate:
    rates = RateLimits(config.calls_per_sec, config.redis_url.get_secret_value())
    slots = Slots(shared_state, runtime, config.most_calls, _pending_s(config))
    core = core_of_each(config.web_concurrency, allowed_cores())
    return Gate(auth, rates, slots, shared_state, runtime, Room(config.load_threshold, core, runtime))


def _pending_s(config: Config) -> float:
    """Between the webhook that has connected a call and its socket."""
    return PENDING_GREETED_S if config.twiml_play_greeting else PENDING_S


def _parties(config: Config, room: Room) -> Parties:
    def hidden() -> Limits:
        places = max(1, room.host_carries()) if config.max_calls is None else config.max_calls
        return Limits(config.hidden_calls_per_min, hidden_at_once(places, config.hidden_calls_percent))

    return Parties(
        config.twilio_auth_token.get_secret_value(),
        Limits(config.calls_per_caller_min, config.calls_per_caller_at_once),
        hidden,
        config.callers_let_off,
    )
