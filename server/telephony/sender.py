"""TX: the one thread of a call that sends. It paces the agent's audio, and says when a deadline is due."""

from collections.abc import Callable

from server.audio.pacing import Pacer
from server.runtime.threads import Condition
from server.telephony.timers import Timers
from server.telephony.websocket import Put
from server.telephony.wire_outbox import WireOutbox
from server.turns.actions import SendAudio, SendClear, SendMark
from server.turns.events import Event, PlayoutRoom

MIN_SLEEP_S = 0.001
MEDIA = '{"event":"media"'

Late = Callable[[float], None]


def _nobody(seconds: float) -> None:
    """Nobody is told."""


class Sender:
    """Everything but ``run`` is called with the call's lock held; ``run`` takes it itself."""

    def __init__(self, clock: Callable[[], float], lock: Condition, lead_frames: int) -> None:
        """``clock`` gives monotonic seconds; ``lead_frames``: how far ahead of real time audio is sent."""
        self.timers = Timers(clock)
        self._clock = clock
        self._lock = lock
        self._pacer = Pacer(lead_frames)
        self._outbox = WireOutbox()
        self._wants_wire = False
        self._wakes_at = 0.0  # when ``run`` wakes by itself; earlier business must wake it
        self._closed = False
        self.frames = 0  # put on the wire

    def start(self, stream_sid: str) -> None:
        """The stream has a name: from now on things can be sent."""
        self._outbox.start(stream_sid)

    def post(self, action: SendAudio | SendMark | SendClear) -> None:
        """Queue for the wire, in the order of decision."""
        match action:
            case SendAudio(mulaw_8k, lower):
                self._pacer.sent(self._outbox.audio(mulaw_8k, lower=lower), self._clock())
            case SendMark(name):
                self._outbox.mark(name)
            case SendClear():
                self._outbox.clear()
                self._pacer.cleared()

    def remark(self, message: str) -> None:
        """Queue what is none of the call's, behind the audio."""
        self._outbox.remark(message)

    def played_at(self) -> float:
        """When the caller will have heard all that was sent; in the past when they have."""
        return self._pacer.played_at()

    def wake(self, *, wants_wire: bool) -> None:
        """After any change: let ``run`` look again, if it has business before it wakes by itself.

        ``wants_wire``: the core has something for the wire, as soon as there is room.
        """
        self._wants_wire = wants_wire
        if self._outbox or self._next_at() < self._wakes_at:
            self._lock.notify_all()

    def close(self) -> None:
        """``run`` ends, and whatever was not sent is not."""
        self._closed = True
        self._lock.notify_all()

    def run(self, put: Put, post: Callable[[Event], None], late: Late = _nobody) -> None:
        """Send until closed. ``put`` puts messages on the socket, ``post`` hands the core what is due.

        ``late`` is told, with the lock held, how long after audio was due this thread has woken for it.
        Raises whatever ``put`` raises.
        """
        while True:
            with self._lock:
                messages, due = self._next(late)
                if self._closed:
                    return
            for on_the_wire in put(messages) if messages else ():
                self.frames += sum(message.startswith(MEDIA) for message in on_the_wire)
            for event in due:
                post(event)
            if any(isinstance(event, PlayoutRoom) for event in due):
                self._rest()

    def _next(self, late: Late) -> tuple[list[str], list[Event]]:
        """Wait for something to send, or to hand to the core. Nothing once closed."""
        while not self._closed:
            if self._outbox:
                return self._outbox.take(), []
            if due := self.timers.take_due() or self._room():
                return [], due
            self._sleep(late)
        return [], []

    def _room(self) -> list[Event]:
        now = self._clock()
        if not self._wants_wire or now < self._pacer.next_batch_at():
            return []
        room = self._pacer.room(now)
        return [PlayoutRoom(room)] if room else []

    def _rest(self) -> None:
        """A core that asked for the wire and gave it nothing must not spin this thread."""
        with self._lock:
            if not self._outbox and not self._closed:
                self._lock.wait(MIN_SLEEP_S)

    def _sleep(self, late: Late) -> None:
        self._wakes_at = due_at = self._next_at()
        wait_s = due_at - self._clock()
        self._lock.wait(max(wait_s, MIN_SLEEP_S) if wait_s < 3600 else None)
        self._wakes_at = 0.0
        if self._wants_wire and wait_s > 0 and (late_s := self._clock() - due_at) >= 0:
            late(late_s)

    def _next_at(self) -> float:
        due_at = self.timers.next_at
        return min(due_at, self._pacer.next_batch_at()) if self._wants_wire else due_at
