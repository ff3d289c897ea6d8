"""Which calls are taken, and which this process has: from the webhook to the end of the socket."""

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from server.admission.caller_share import ANYBODY, Party
from server.admission.rate_limits import RateLimits
from server.admission.slots import Slots
from server.telephony.signature import TokenRefused, TwilioAuth
from server.telephony.stream_clock import LATE_S
from server.telephony.twilio_messages import Start

log = logging.getLogger("agent")

RETRIED_S = 30.0  # Twilio asks again within seconds
HICCUP_S, LOOK_S = 2.0, 0.05  # a new caller may wait so long for the calls to catch up
STEADY_S = 1.0  # and to stay so: a process at its limit is in time every other moment


class Answer(Enum):
    """What a ringing call gets, as it is in the log; who is busy says which limit makes it so.

    Busy is a line of ours, or another number: we have too many calls. Rejected is the busy tone of the
    telephone network, which costs nothing: the caller has.
    """

    CONNECT = "connect"
    DRAINING = "busy limit=draining"
    RUSH = "busy limit=CALLS_PER_SEC"
    FULL = "busy limit=MAX_CALLS"
    THREADS = "busy limit=THREADS"
    LATE = "busy limit=overload"
    OFTEN = "reject limit=CALLS_PER_CALLER_MIN"
    AT_ONCE = "reject limit=CALLS_PER_CALLER_AT_ONCE"
    HIDDEN_OFTEN = "reject limit=HIDDEN_CALLS_PER_MIN"
    HIDDEN_AT_ONCE = "reject limit=HIDDEN_CALLS_PERCENT"

    @property
    def rejects(self) -> bool:
        return self.value.startswith("reject")


class LiveCall(Protocol):
    """What is used of ``MediaStreamHandler``."""

    @property
    def lag_s(self) -> float: ...

    def close_down(self) -> None: ...

    def cut(self) -> None: ...


class Gate:
    """Any thread. What asks the store may block for half a second."""

    def __init__(
        self,
        auth: TwilioAuth,
        rates: RateLimits,
        slots: Slots,
        first_time: Callable[[str, float], bool],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.auth = auth
        self.threads_for_calls = 0  # of this process, where a call holds one; 0: none does
        self.draining = False  # no new calls: the process will end
        self._closed = False  # no sockets either: it ends
        self._first_time = first_time
        self._rates = rates
        self._slots = slots
        self._wait = wait
        self._lock = threading.Lock()
        self._live: dict[LiveCall, str] = {}  # call → its CallSid

    def ring(self, call_sid: str, party: Party = ANYBODY) -> Answer:
        """Whether to take a new call; one that is to be connected has its place. May block."""
        # A call that rings again (Twilio retries) is not counted again.
        counts = not call_sid or self._first_time(f"ring:{call_sid}", RETRIED_S)
        if counts and not self._rates.one_more_of(party):
            return Answer.HIDDEN_OFTEN if party.hidden else Answer.OFTEN
        if self.draining:
            return Answer.DRAINING
        if counts and not self._rates.one_more():
            return Answer.RUSH
        if counts and self._overloaded():
            return Answer.LATE
        if counts and 0 < self.threads_for_calls <= self._slots.in_use_here():
            return Answer.THREADS
        if self._slots.reserve(call_sid, party.share):
            return Answer.CONNECT
        if self._slots.all_taken(party.share):
            return Answer.HIDDEN_AT_ONCE if party.hidden else Answer.AT_ONCE
        return Answer.FULL

    def admit(self, call: LiveCall, start: Start) -> str:
        """Let the socket of a call that was connected in; else why not. May block."""
        if self._closed:
            return "the server ends"
        try:
            self.auth.use(start.parameters.get("token", ""), start.call_sid)
        except TokenRefused as refused:
            return str(refused)
        self._slots.take(start.call_sid)
        with self._lock:
            self._live[call] = start.call_sid
        return ""

    def leave(self, call: LiveCall) -> None:
        """The socket is over; one that was never let in has nothing to give back. May block."""
        with self._lock:
            call_sid = self._live.pop(call, None)
        if call_sid is not None:
            self._slots.release(call_sid)

    def hung_up(self, call_sid: str) -> None:
        """Twilio says that the stream is over: its worker may have died with it. May block."""
        with self._lock:
            ours = call_sid in self._live.values()
        if not ours:
            self._slots.release(call_sid)

    def stop_taking_calls(self) -> None:
        """New callers hear that we are busy; those who were connected come in still."""
        self.draining = True

    def close(self) -> None:
        """Nobody comes in any more: Twilio asks what follows, and another process may answer."""
        self._closed = True

    def live(self) -> list[LiveCall]:
        """The calls of this process."""
        with self._lock:
            return list(self._live)

    @property
    def lag_s(self) -> float:
        """How far the call of this process that is worst off hears behind the clock of the wall (A9)."""
        return max((call.lag_s for call in self.live()), default=0.0)

    @property
    def overloaded(self) -> bool:
        """This process cannot keep up with its calls."""
        return self.lag_s > LATE_S

    def in_use(self) -> int:
        """Calls on this host, those that are about to come included. May block."""
        return self._slots.in_use()

    def _overloaded(self) -> bool:
        """The same, for a new call: one hiccup is not worth a caller. May block."""
        if not self.overloaded:
            return False
        waited_s = in_time_s = 0.0
        while in_time_s < STEADY_S:
            if waited_s >= HICCUP_S:
                log.warning("CALL_REFUSED the calls are heard late: lag_ms=%.0f", self.lag_s * 1000)
                return True
            self._wait(LOOK_S)
            waited_s += LOOK_S
            in_time_s = 0.0 if self.overloaded else in_time_s + LOOK_S
        return False
