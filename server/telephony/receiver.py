"""What a media socket says, message by message, as long as it keeps to the limits of a telephone call.

Twilio sends fifty messages a second, in silence too, from the first second on. What sends many more is no
call. A line with silence suppression, a muted browser or a test client sends none while nobody speaks: what
it leaves out is silence, and comes from here (A8).

Such a line may send nothing while the agent speaks and while the caller thinks. What shows that it is alive
are its keys and the marks that it returns, and these it owes when the agent's audio has been played. So a
line is dead when nothing has come from it for nine seconds, and no mark is owed any more.
"""

from collections.abc import Callable
from dataclasses import dataclass

from server.audio.frames import FRAME_MS, SAMPLE_RATE_HZ
from server.runtime.token_bucket import TokenBucket
from server.telephony.stream_clock import LineClock
from server.telephony.twilio_messages import Dtmf, Mark, Media, Message, Start, parse

START_TIMEOUT_S = 5.0
AUDIO_TIMEOUT_S = 9.0  # a network that was away for so long is not waited for: the caller has hung up
OWED_S = 2.0  # for a mark to come back, once all has been played
MESSAGES_PER_S, MESSAGES_AT_ONCE = 100, 1000  # a network that was away delivers what it has kept
QUIET_S = 0.2
QUIET_POLLS = 5
POLL_S = QUIET_S / QUIET_POLLS
FEED_POLL_S = FRAME_S = FRAME_MS / 1000
LAG_POLL_S = FRAME_S / 2  # where frames are late, or sent more slowly than they last
MOST_FRAMES_AT_ONCE = 50
ALIVE = Media | Mark | Dtmf


class ProtocolViolation(Exception):
    """The peer does not behave as Twilio does: the socket is to be closed. Says so as a log line."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """The line sends nothing: so many frames of silence are due."""

    frames: int


class QuietLine:
    """Turns the time in which a line sends no audio into silence, at real pace, once it is 200 ms.

    It counts the polls that found nothing too: a process that was not let run for 200 ms has not heard
    a silence of 200 ms. Time is given, in seconds.
    """

    def __init__(self, now: float) -> None:
        self.heard(now, FRAME_S)

    def heard(self, now: float, audio_s: float) -> None:
        """Audio has come. A peer that sends it in long pieces sends nothing between two of them."""
        self._since = now
        self._quiet_s = QUIET_S + audio_s - FRAME_S
        self._polls = 0
        self._fed = 0
        self.feeding = False  # silence is being fed

    def nothing_came(self, now: float) -> int:
        """Frames of silence that are due, after a poll that found nothing."""
        self._polls += 1
        quiet_s = now - self._since + 1e-6  # 0.06 / 0.02 must be 3 frames, not 2.999…
        if not self._fed and (self._polls < QUIET_POLLS or quiet_s < self._quiet_s):
            return 0
        due = min(int(quiet_s / FRAME_S) - self._fed, MOST_FRAMES_AT_ONCE)
        self._fed += due
        self.feeding = self._fed > 0
        return due


class Receiver:
    """Used by RX alone. ``receive(timeout_s)`` gives a message, or None when none came in time.

    ``unread``: whether more has arrived that ``receive`` cannot give yet. ``played_at``: when all of the
    agent's audio will have been played, on ``clock``. ``line``: is told when nothing waits.
    ``longest_s``: of a call, by the clock: a peer that sends less audio than there is time is never too long
    by its own.
    """

    def __init__(
        self,
        receive: Callable[[float], str | bytes | None],
        clock: Callable[[], float],
        longest_s: float,
        *,
        line: LineClock,
        unread: Callable[[], bool] = lambda: False,
        played_at: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._receive = receive
        self._clock = clock
        self._line = line
        self._unread = unread
        self._played_at = played_at
        self._meter = TokenBucket(MESSAGES_PER_S, MESSAGES_AT_ONCE, clock())
        self._quiet: QuietLine | None = None  # until the start
        self._deadline = clock() + START_TIMEOUT_S
        self._longest_s = longest_s
        self._end = clock() + longest_s

    def next(self) -> Message | Quiet:
        """Block for a message, or for the silence that stands for it.

        Raises ProtocolViolation, and whatever ``receive`` raises.
        """
        while True:
            quiet = self._quiet
            usual = quiet is not None and not quiet.feeding and self._line.latest_lag_s < 2 * FRAME_S
            raw = self._receive(POLL_S if usual else self._unusual_wait_s())
            now = self._clock()
            if raw is not None:
                return self._take(raw, now)
            self._check_length(now)
            if self._unread():  # not the line is late, but we are
                continue
            self._check_alive(now)
            self._line.caught_up()
            frames = self._quiet.nothing_came(now) if self._quiet else 0
            if frames:
                return Quiet(frames)

    def _unusual_wait_s(self) -> float:
        if self._quiet is None:
            return max(self._deadline - self._clock(), LAG_POLL_S)
        if self._quiet.feeding:
            return FEED_POLL_S
        return LAG_POLL_S

    def _take(self, raw: str | bytes, now: float) -> Message:
        if not self._meter.take(1, now):
            raise ProtocolViolation(f"WS_FLOOD more than {MESSAGES_PER_S} messages a second")
        message = parse(raw)
        if isinstance(message, ALIVE if self._quiet else Start):
            self._deadline = now + AUDIO_TIMEOUT_S
        if isinstance(message, Media) and self._quiet:
            self._quiet.heard(now, len(message.mulaw_8k) / SAMPLE_RATE_HZ)
        elif isinstance(message, Start) and not self._quiet:
            self._quiet = QuietLine(now)
        if now >= self._deadline:
            self._check_alive(now)
        if now >= self._end:
            self._check_length(now)
        return message

    def _check_alive(self, now: float) -> None:
        if now >= self._deadline and now >= self._played_at() + OWED_S:
            waited_s = AUDIO_TIMEOUT_S if self._quiet else START_TIMEOUT_S
            raise ProtocolViolation(
                f"WS_STALLED no {'audio' if self._quiet else 'start'} for {waited_s:.0f} s"
            )

    def _check_length(self, now: float) -> None:
        if now >= self._end:
            raise ProtocolViolation(f"WS_STALLED not over after {self._longest_s:.0f} s")
