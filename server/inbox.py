"""What a media socket says, message by message, as long as it keeps to the limits of a telephone call.

Twilio sends fifty messages a second, in silence too, from the first second on. What sends none is gone, what
sends many more is no call.
"""

from collections.abc import Callable

from server.core.twilio_messages import Media, Message, Start, parse
from server.meter import Meter

START_TIMEOUT_S = 5.0
AUDIO_TIMEOUT_S = 9.0  # a network that was away for so long is not waited for: the caller has hung up
MESSAGES_PER_S, MESSAGES_AT_ONCE = 100, 1000  # a network that was away delivers what it has kept


class OutOfLine(Exception):
    """The peer does not behave as Twilio does: the socket is to be closed. Says so as a log line."""


class Inbox:
    """Used by RX alone. ``receive(timeout_s)`` gives a message, or None when none came in time.

    ``longest_s``: of a call, by the clock: a peer that sends less audio than there is time is never too long
    by its own.
    """

    def __init__(
        self, receive: Callable[[float], str | bytes | None], clock: Callable[[], float], longest_s: float
    ) -> None:
        self._receive = receive
        self._clock = clock
        self._meter = Meter(MESSAGES_PER_S, MESSAGES_AT_ONCE, clock())
        self._started = False
        self._deadline = clock() + START_TIMEOUT_S
        self._longest_s = longest_s
        self._end = clock() + longest_s

    def next(self) -> Message:
        """Block for a message. Raises OutOfLine, and whatever ``receive`` raises."""
        raw = self._receive(max(0.0, self._deadline - self._clock()))
        now = self._clock()
        if raw is not None and not self._meter.take(1, now):
            raise OutOfLine(f"WS_FLOOD more than {MESSAGES_PER_S} messages a second")
        message = None if raw is None else parse(raw)
        if isinstance(message, Media if self._started else Start):
            self._started, self._deadline = True, now + AUDIO_TIMEOUT_S
        if message is None or now >= self._deadline:
            waited_s = AUDIO_TIMEOUT_S if self._started else START_TIMEOUT_S
            raise OutOfLine(f"WS_STALLED no {'audio' if self._started else 'start'} for {waited_s:.0f} s")
        if now >= self._end:
            raise OutOfLine(f"WS_STALLED not over after {self._longest_s:.0f} s")
        return message
