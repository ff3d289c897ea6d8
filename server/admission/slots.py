"""MAX_CALLS for a host, or for all that share a Redis together: a place for every call, from the webhook
that admits it until its socket has ended.

    webhook            socket                                      socket's end
    reserve ---------> take -----> renewed every BEAT_S ---------> release
       place for pending_s   place for LEASE_S, again and again      place is free

A place nobody renews comes back by itself: of a caller who hung up before the socket came, and of a
worker that was killed. One that could not be given back, since the store failed just then, is given back
within AGAIN_S of the store's answering again. A socket that comes later all the same is let in, above the
limit: it was promised. So a place that waits for its socket need not be kept for long, and who rings and
hangs up again and again holds as many as ring in PENDING_S. A place is taken in the caller's share at the
same time (``Share``).

The webhook of a call and its socket may meet different hosts. So each host that shares its state with
others says again and again how many calls it takes, and a call is let in while all of them together have
room. A host that is killed takes none from OFFER_S on, and one that drains from that moment.
"""

from collections import Counter
from collections.abc import Sequence

from server.runtime.threads import Runtime
from server.shared_state.changes import Made
from server.shared_state.pools import IN_NONE, Share
from server.shared_state.state import Once, Outcome, SharedState

PENDING_S = 3.0  # Twilio connects within a second of the answer
PENDING_GREETED_S = 30.0  # and when a greeting in the TwiML is played before
LEASE_S = 15.0
BEAT_S = LEASE_S / 3  # two renewals may fail
AGAIN_S = 1.0
OFFER_S = 2 * BEAT_S + AGAIN_S  # one beat may fail


class Slots:
    """The places of one process among its host's. Any thread; never raises what a store raises.

    Every method but the constructor may block for half a second, when the shared store is slow.
    A call without a CallSid is let in and not counted (``SharedState.lease``).
    """

    def __init__(
        self, shared_state: SharedState, runtime: Runtime, max_calls: int, pending_s: float = PENDING_S
    ) -> None:
        """``max_calls``: what this host takes; 0: any number. ``pending_s``: webhook to socket."""
        self._shared_state = shared_state
        self._runtime = runtime
        self._max_calls = max_calls
        self._pending_s = pending_s
        self._changed = runtime.condition()
        self._held: Counter[str] = Counter()  # sockets by call, of this process; under _changed
        self._ended: dict[str, float] = {}  # places the store still holds, until when; under _changed
        self._beating = False  # the heartbeat was started; under _changed
        self._offers = shared_state.of_all_hosts  # until the process drains; under _changed

    def begin(self) -> None:
        """This host takes calls; others are told from now on. Does not block."""
        with self._changed:
            if self._offers:
                self._start_beating()

    def stop(self) -> None:
        """It takes no more; those that it has keep their places."""
        with self._changed:
            offered, self._offers = self._offers, False
        if offered:
            self._shared_state.offer(self._max_calls, 0.0)

    def reserve(self, call_sid: str, share: Share = IN_NONE, *, once: Sequence[Once] = ()) -> Made:
        """At the webhook: true when the call may come; again when Twilio asks again.

        The store compares with the limit (``shared_state.changes.Lease``). ``once``: what has to be a first
        time before, here and below; in the same transaction.
        """
        return self._shared_state.lease(call_sid, self._max_calls, self._pending_s, share, once=once)

    def keep(self, call_sid: str, share: Share = IN_NONE, *, once: Sequence[Once] = ()) -> Made:
        """The call goes on at another socket (F8): its place waits for that, above any limit."""
        unlimited = Share(share.name)
        return self._shared_state.lease(call_sid, 0, self._pending_s, unlimited, once=once)

    def take(self, call_sid: str, *, once: Sequence[Once] = ()) -> Made:
        """The call's socket has come. It was admitted, so it counts above the limit too."""
        with self._changed:
            if call_sid:
                self._start_beating()
            shared = self._held[call_sid] > 0
            if call_sid:
                self._held[call_sid] += 1
                self._changed.notify_all()
        made = self._shared_state.renew([call_sid], LEASE_S, once=once)
        if not made and call_sid and self._let_go(call_sid) and shared:
            self._give_back(call_sid)  # the other socket has ended meanwhile, and left that to this one
        return made

    def release(self, call_sid: str, outcome: Outcome | None = None, *, once: Sequence[Once] = ()) -> Made:
        """Once for each ``take``, or for a reservation that is of no use any more.

        A call that has two sockets for a moment keeps its place until both have ended. ``outcome``: how the
        call has ended.
        """
        if self._let_go(call_sid):
            return self._give_back(call_sid, outcome, once)
        if outcome:
            self._shared_state.close(call_sid, outcome)
        return self._shared_state.first_time(*once)

    def cancel(self, call_sid: str) -> None:
        """A reservation is of no use any more; a call that is held keeps its place."""
        with self._changed:
            held = self._held[call_sid] > 0
        if not held:
            self._give_back(call_sid)

    def in_use(self) -> int:
        """Calls of this host that have a place, reserved or taken."""
        return self._shared_state.leased()

    def full(self) -> bool:
        """Whether no place of this host's is left."""
        return 0 < self._max_calls <= self.in_use()

    def in_use_here(self) -> int:
        """Calls of this process, those included that it has admitted and whose socket may still come."""
        return self._shared_state.leased_here()

    def _let_go(self, call_sid: str) -> bool:
        """One socket less; whether that was the call's last."""
        with self._changed:
            self._held[call_sid] -= 1
            if self._held[call_sid] > 0:
                return False
            del self._held[call_sid]
            return True

    def _give_back(self, call_sid: str, outcome: Outcome | None = None, once: Sequence[Once] = ()) -> Made:
        answer = self._shared_state.release(call_sid, outcome, once=once)
        with self._changed:
            if answer.known and answer.made:
                self._ended.pop(call_sid, None)
            elif not answer.known and self._beating:
                self._ended.setdefault(call_sid, self._runtime.clock() + LEASE_S)
                self._changed.notify_all()
        return answer.made

    def _start_beating(self) -> None:
        """Under _changed."""
        if not self._beating:
            self._runtime.spawn("admission", self._beat)
            self._beating = True

    def _offer(self) -> None:
        with self._changed:
            offers = self._offers
        if not offers:
            return
        self._shared_state.offer(self._max_calls, OFFER_S)
        with self._changed:
            stopped = not self._offers
        if stopped:  # while we wrote
            self._shared_state.offer(self._max_calls, 0.0)

    def _beat(self) -> None:
        next_beat = self._runtime.clock() + BEAT_S
        self._offer()
        while True:
            with self._changed:
                while not (self._held or self._ended or self._offers):
                    self._changed.wait()
                    next_beat = self._runtime.clock() + BEAT_S
                self._changed.wait(AGAIN_S if self._ended else next_beat - self._runtime.clock())
            if self._runtime.clock() >= next_beat:
                next_beat = self._runtime.clock() + BEAT_S
                self._offer()
                self._renew()
            self._give_back_again()

    def _give_back_again(self) -> None:
        with self._changed:
            now = self._runtime.clock()
            self._ended = {call: until for call, until in self._ended.items() if until > now}
            ended = [call_sid for call_sid in self._ended if call_sid not in self._held]
        for call_sid in ended:
            self._give_back(call_sid)

    def _renew(self) -> None:
        with self._changed:
            held = list(self._held)
        self._shared_state.renew(held, LEASE_S)
        with self._changed:
            ended = [call_sid for call_sid in held if call_sid not in self._held]
        for call_sid in ended:  # while we wrote: it would have its place for LEASE_S more
            self._give_back(call_sid)
