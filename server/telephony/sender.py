"""TX: the one thread of a call that sends. It paces what the core gave, and fires the call's deadlines."""

import heapq
from collections import deque
from collections.abc import Callable
from itertools import count

from server.audio.frames import FRAME_BYTES
from server.audio.pacing import Pacer
from server.runtime.threads import Condition, Runtime
from server.telephony.twilio_messages import Encoder
from server.turns.actions import SendAudio, SendClear, SendMark
from server.turns.events import Event, PlayoutRoom

MIN_SLEEP_S = 0.001
MEDIA = '{"event":"media"'


class Sender:
    """Everything but ``run`` is called with the call's lock held; ``run`` takes it itself.

    ``handle`` takes one event under the lock; ``send`` puts one text message on the socket, without it.
    """

    def __init__(
        self,
        runtime: Runtime,
        lock: Condition,
        pacer: Pacer,
        handle: Callable[[Event], None],
        wants_wire: Callable[[], bool],
        send: Callable[[str], None],
    ) -> None:
        self._runtime = runtime
        self._lock = lock
        self._pacer = pacer
        self._handle = handle
        self._wants_wire = wants_wire
        self._send = send
        self._encoder: Encoder | None = None
        self._outbox: deque[str] = deque()
        self._deadlines: list[tuple[float, int, Event]] = []
        self._order = count()
        self._closed = False
        self._wake_at = 0.0  # when ``run`` wakes by itself; earlier business must wake it
        self.frames = 0  # put on the wire

    def start(self, stream_sid: str) -> None:
        """The stream has a name: from now on things can be sent."""
        self._encoder = Encoder(stream_sid)

    def post(self, action: SendAudio | SendMark | SendClear) -> None:
        """Queue for the wire, in the order of decision."""
        encoder = self._encoder
        if encoder is None:
            return
        match action:
            case SendAudio(audio):
                frames = [audio[i : i + FRAME_BYTES] for i in range(0, len(audio), FRAME_BYTES)]
                self._outbox.extend(map(encoder.media, frames))
                self._pacer.sent(len(frames), self._runtime.clock())
            case SendMark(name):
                self._outbox.append(encoder.mark(name))
            case SendClear():
                self._outbox.clear()  # what has not left yet would only be cleared on arrival
                self._outbox.append(encoder.clear)
                self._pacer.cleared()

    def played_at(self) -> float:
        """When the caller will have heard all that was sent; in the past when they have."""
        return self._pacer.played_at()

    def deadline(self, after_s: float, event: Event) -> None:
        """Hand ``event`` to the core ``after_s`` from now; it knows when it no longer matters."""
        heapq.heappush(self._deadlines, (self._runtime.clock() + after_s, next(self._order), event))

    def wake_if_needed(self) -> None:
        """After any change: let ``run`` look again if it has business before it wakes by itself."""
        if self._outbox or self._closed or self._next_business() < self._wake_at:
            self._lock.notify_all()

    def close(self) -> None:
        self._closed = True
        self._lock.notify_all()

    def run(self) -> None:
        """Send until closed. Raises whatever ``send`` raises."""
        while True:
            with self._lock:
                while not self._outbox and not self._closed:
                    self._look()
                    if not self._outbox:
                        self._sleep()
                if self._closed:
                    return
                batch = list(self._outbox)
                self._outbox.clear()
            for message in batch:
                self._send(message)
                self.frames += message.startswith(MEDIA)

    def _look(self) -> None:
        """Do what is due now."""
        now = self._runtime.clock()
        while self._deadlines and self._deadlines[0][0] <= now:
            self._handle(heapq.heappop(self._deadlines)[2])
        if self._wants_wire():
            room = self._pacer.room(now)
            if room and now >= self._pacer.next_batch_at():
                self._handle(PlayoutRoom(room))

    def _sleep(self) -> None:
        self._wake_at = self._next_business()
        wait_s = self._wake_at - self._runtime.clock()
        # Never zero: a core that asked for the wire and gave it nothing must not spin this thread.
        self._lock.wait(max(wait_s, MIN_SLEEP_S) if wait_s < 3600 else None)
        self._wake_at = 0.0

    def _next_business(self) -> float:
        deadline = self._deadlines[0][0] if self._deadlines else float("inf")
        return min(deadline, self._pacer.next_batch_at() if self._wants_wire() else float("inf"))
