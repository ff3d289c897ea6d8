"""Which calls are taken, and which this process has: from the webhook to the end of the socket."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from server.admission.caller_share import ANYBODY, Party
from server.admission.load_watch import Seen
from server.admission.rate_limits import Over, RateLimits
from server.admission.room import Room
from server.admission.slots import Slots
from server.runtime.threads import Runtime
from server.shared_state.changes import Made
from server.shared_state.state import Once, Outcome, SharedState
from server.telephony.signature import Refused, TwilioAuth
from server.telephony.stream_clock import LATE_S
from server.telephony.twilio_messages import Start

log = logging.getLogger("agent")

TAKEN_UP_S = 60.0  # a call whose socket fails twice within that is not worth a third try
RETRIED_S = 30.0  # Twilio asks again within seconds
HICCUP_S, LOOK_S = 2.0, 0.05  # a new caller may wait so long for the calls to catch up
STEADY_S = 1.0  # and to stay so: a process at its limit is in time every other moment


class Limit(StrEnum):
    """What keeps a new call out; as it is in the log."""

    DRAINING = "draining"
    RUSH = "CALLS_PER_SEC"
    FULL = "MAX_CALLS"
    THREADS = "THREADS"
    LOAD = "LOAD_THRESHOLD"
    LATE = "overload"
    OFTEN = "CALLS_PER_CALLER_MIN"
    AT_ONCE = "CALLS_PER_CALLER_AT_ONCE"
    HIDDEN_OFTEN = "HIDDEN_CALLS_PER_MIN"
    HIDDEN_AT_ONCE = "HIDDEN_CALLS_PERCENT"


@dataclass(frozen=True)
class Admitted:
    """The call has its place. ``token``: what opens its socket, once; empty when nobody asks for it."""

    token: str = ""

    def __str__(self) -> str:
        return "connect"


@dataclass(frozen=True)
class Busy:
    """We have too many calls: a line of ours, or another number."""

    limit: Limit

    def __str__(self) -> str:
        return f"busy limit={self.limit}"


@dataclass(frozen=True)
class Rejected:
    """The caller has too many: the busy tone of the telephone network, which costs nothing."""

    limit: Limit

    def __str__(self) -> str:
        return f"reject limit={self.limit}"


TooMany = Busy | Rejected
OLD = Refused("an old request")


class LiveCall(Protocol):
    """What is used of ``MediaStreamHandler``. Any thread; returns at once."""

    @property
    def lag_s(self) -> float: ...

    def close_down(self) -> None:
        """End well, and soon."""
        ...

    def cut(self) -> None:
        """End now."""
        ...


class Gate:
    """Any thread. What asks the store may block for half a second.

    A call asks the store three times, each in one transaction: as it rings, as its socket comes, at its end;
    and twice more when it is taken up.
    """

    def __init__(
        self,
        auth: TwilioAuth,
        rates: RateLimits,
        slots: Slots,
        shared_state: SharedState,
        runtime: Runtime,
        room: Room,
    ) -> None:
        self.auth = auth
        self.room = room
        self.threads_for_calls = 0  # of this process, where a call holds one; 0: none does
        self.draining = False  # no new calls: the process will end
        self._closed = False  # no sockets either: it ends
        self._rates = rates
        self._slots = slots
        self._shared_state = shared_state
        self._never = runtime.event()
        self._lock = runtime.condition()
        self._live: dict[LiveCall, str] = {}  # call → its CallSid; "" once its place was given back

    # ---- the call

    def ring(
        self, call_sid: str, party: Party = ANYBODY, signature: str = ""
    ) -> Admitted | TooMany | Refused:
        """Whether to take a call; one that is admitted has its place. May block.

        ``signature``: the webhook's, which is genuine. A call that rings again, since Twilio retries, is not
        counted again and keeps its place.
        """
        why_not = self._why_not(party)
        at_once = why_not is None and not self.overloaded  # else the place is asked for when that is known
        rings = [Once(f"ring:{call_sid}", RETRIED_S)] if call_sid else []

        def reserve(once: Sequence[Once] = ()) -> Made:
            return self._slots.reserve(call_sid, party.share, once=once)

        dated = self._dated(signature, reserve if at_once else self._note, rings)
        if isinstance(dated, Refused):
            return dated
        made, until = dated
        new = not any(ring.was_seen(made) for ring in rings)
        if new and (too_many := self._counted(party, why_not)):
            if at_once and made:
                self._slots.cancel(call_sid)
            return too_many
        if new and not at_once:
            if self._stays_overloaded():
                return Busy(Limit.LATE)
            if self._no_thread_beside():  # others have rung meanwhile
                return Busy(Limit.THREADS)
        if not new and self.draining:
            return Busy(Limit.DRAINING)
        if not new or not at_once:
            made = reserve()
        if made:
            return Admitted(self.auth.new_token(call_sid, until, signature))
        return Busy(Limit.FULL) if made.pool != party.share.name else _all_at_once(party)

    def take_up(
        self, call_sid: str, party: Party = ANYBODY, signature: str = ""
    ) -> Admitted | Refused | None:
        """Whether a call whose socket has failed goes on at another (F8); it was taken, so no limit counts.

        None: not here, or not again so soon. May block.
        """
        if not call_sid or self.draining or self._no_thread_beside(call_sid):
            return None  # and ours may be the last process there is

        def keep(once: Sequence[Once]) -> Made:
            return self._slots.keep(call_sid, party.share, once=once)

        dated = self._dated(signature, keep, [Once(f"taken up:{call_sid}", TAKEN_UP_S)])
        if isinstance(dated, Refused):
            return dated
        made, until = dated
        return Admitted(self.auth.new_token(call_sid, until, signature)) if made else None

    def admit(self, call: LiveCall, start: Start) -> Refused | None:
        """Let the socket of a call that was connected in; else why not. May block."""
        if self._closed:
            return Refused("the server ends")
        opened = self.auth.opened_by(start.parameters.get("token", ""), start.call_sid)
        if isinstance(opened, Refused):
            return opened
        if not self._slots.take(start.call_sid, once=(opened,) if opened else ()):
            return Refused("a used token")
        with self._lock:
            self._live[call] = start.call_sid
        return None

    def ends(self, call: LiveCall, call_sid: str, outcome: Outcome) -> None:
        """Our side is about to close this call's stream, and ``outcome`` is what shall follow. May block.

        Returns when other processes may know. Its place is given back at once.
        """
        with self._lock:
            held = self._live.get(call)
            if held:
                self._live[call] = ""
        if held:
            self._slots.release(held, outcome)
        elif held is None:  # its socket was faster
            self._shared_state.close(call_sid, outcome)

    def leave(self, call: LiveCall) -> None:
        """The socket is over; one that was never let in has nothing to give back. May block."""
        with self._lock:
            call_sid = self._live.pop(call, "")
        if call_sid:
            self._slots.release(call_sid)

    def told(self, call_sid: str, signature: str = "", *, over: bool = False) -> Refused | None:
        """Twilio tells something of a call, with a genuine signature; refused when it is an old request.

        ``over``: that its stream is over; a worker may have died with it, so its place is given back, unless
        the call is in this process. May block.
        """
        with self._lock:
            gives_back = over and call_sid not in self._live.values()

        def release(once: Sequence[Once]) -> Made:
            return self._slots.release(call_sid, once=once)

        dated = self._dated(signature, release if gives_back else self._note)
        return dated if isinstance(dated, Refused) else None

    def _dated(
        self, signature: str, do: Callable[[Sequence[Once]], Made], once: Sequence[Once] = ()
    ) -> tuple[Made, float] | Refused:
        """What ``do`` has made of a genuine request, and the request's date; refused when that is over."""
        request = self.auth.request(signature)
        if request is None:
            return do(once), 0.0
        made = do([request, *once])
        if not request.was_seen(made):
            return made, request.until
        until = self._shared_state.date(request.key)
        return (do(once), until) if self.auth.is_good(until) else OLD

    def _note(self, once: Sequence[Once]) -> Made:
        return self._shared_state.first_time(*once)

    # ---- the process

    def takes_calls(self) -> None:
        """Hosts that share the state learn that this one does. Does not block."""
        self._slots.begin()

    def stop_taking_calls(self) -> None:
        """New callers hear that we are busy; those who were connected come in still. May block."""
        self.draining = True
        self._slots.stop()

    def others_take_calls(self) -> bool:
        """Whether another host would take those that come to this one. May block."""
        return bool(self._shared_state.other_hosts())

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

    @property
    def carries(self) -> int:
        """About how many calls there can be in this process, by its load and its threads."""
        carries = self.room.load.carries
        return min(carries, self.threads_for_calls) if self.threads_for_calls else carries

    def seen(self, *, warm: bool) -> Seen:
        """What the load is measured of."""
        live = self.live()
        lag_s = max((call.lag_s for call in live), default=0.0)
        return Seen(len(live), max(self._slots.in_use_here(), len(live)), lag_s, warm, self.draining)

    def why_full(self) -> Limit | None:
        """What would keep a new caller out now, whoever it is; None: nothing. May block."""
        if self.draining:
            return Limit.DRAINING
        if self._no_thread_beside():
            return Limit.THREADS
        if self.overloaded:
            return Limit.LATE
        if not self.room.load.takes(self._places_here()):
            return Limit.LOAD
        return Limit.FULL if self._slots.full() else None

    def in_use(self) -> int:
        """Calls on this host, those that are about to come included. May block."""
        return self._slots.in_use()

    # ---- limits on new calls

    def _why_not(self, party: Party) -> TooMany | None:
        """What keeps a new call out before any place is asked for; counts nothing."""
        over = self._rates.over(party)
        if over is Over.PARTY:
            return _too_often(party)
        if self.draining:
            return Busy(Limit.DRAINING)
        if over is Over.ALL:
            return Busy(Limit.RUSH)
        if self._no_thread_beside():
            return Busy(Limit.THREADS)
        return None if self.room.takes(self._places_here()) else Busy(Limit.LOAD)

    def _no_thread_beside(self, call_sid: str = "") -> bool:
        """A call that is over holds its thread until its socket is closed; that of ``call_sid`` is."""
        with self._lock:
            its_own = bool(call_sid) and call_sid in self._live.values()
        return 0 < self.threads_for_calls <= self._places_here() - its_own

    def _places_here(self) -> int:
        """Calls that this process has admitted, or holds."""
        return max(self._slots.in_use_here(), len(self.live()))

    def _counted(self, party: Party, why_not: TooMany | None) -> TooMany | None:
        """A new call is counted, whatever its answer is; another one may have come just before."""
        over = self._rates.count(party, of_all=not self.draining)
        if over is Over.PARTY:
            return _too_often(party)
        return why_not or (Busy(Limit.RUSH) if over else None)

    def _stays_overloaded(self) -> bool:
        """Whether the calls do not catch up soon: one hiccup is not worth a caller. Blocks for HICCUP_S."""
        waited_s = in_time_s = 0.0
        while in_time_s < STEADY_S:
            if waited_s >= HICCUP_S:
                log.warning("CALL_REFUSED the calls are heard late: lag_ms=%.0f", self.lag_s * 1000)
                return True
            self._never.wait(LOOK_S)
            waited_s += LOOK_S
            in_time_s = 0.0 if self.overloaded else in_time_s + LOOK_S
        return False


def _too_often(party: Party) -> Rejected:
    return Rejected(Limit.HIDDEN_OFTEN if party.hidden else Limit.OFTEN)


def _all_at_once(party: Party) -> Rejected:
    return Rejected(Limit.HIDDEN_AT_ONCE if party.hidden else Limit.AT_ONCE)
