"""How far what a call has heard lies behind the clock of the wall (A9).

All conversation time counts frames. A process that cannot keep up hears them late, and by its own count
nothing is wrong: the frames still wait in the socket. A line that sends too few, or none, is not that.
"""

from collections import deque
from collections.abc import Callable

from server.audio.frames import FRAME_MS

LATE_S = 0.2
CAUGHT_UP_S = 0.06  # well below it, so that a call at the limit does not say so again and again
REMEMBERED_FRAMES = 3000  # a minute: an answer comes sooner
FRAME_S = FRAME_MS / 1000


class LineClock:
    """RX tells it of every frame, and of every moment at which nothing waited to be heard.

    A frame was due 20 ms after the one before it, and never later than it was heard: what comes sooner
    than thought shows that all before it was due sooner, and so was late. An empty socket shows that nothing
    is. So neither a slow sender nor a lost frame is a lag; only what waits unheard is.

    Silence of ours parts the stream: what a network has kept comes behind it, and does not make late what
    was heard before.

    Any thread may read; it may miss the frame that is being told of.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """``clock`` gives monotonic seconds."""
        self._clock = clock
        self.frames = 0  # heard so far
        self.latest_lag_s = 0.0  # of the frame that was heard last, when it was heard
        self._base: float | None = None  # when frame 0 was due; None: nothing is due yet
        self._part = 0  # of the stream; each but the first begins with silence of ours
        self._sent = False
        # Of the latest frames: their part, and the base when they were heard.
        self._bases: deque[tuple[int, float]] = deque(maxlen=REMEMBERED_FRAMES)
        self._late_since: float | None = None
        self._worst_s = 0.0

    @property
    def lag_s(self) -> float:
        """How long the oldest unheard frame has waited; a frame's length more or less."""
        base = self._base
        return 0.0 if base is None else max(0.0, self._clock() - base - self.frames * FRAME_S)

    def heard(self, *, sent: bool = True) -> str:
        """One more frame; ``sent``: it came from the line, and is no silence in the place of one.

        Returns a line for the log when the call has fallen behind, and when it has caught up; else nothing.
        """
        now = self._clock()
        self._part += self._sent and not sent
        self._sent = sent
        self.frames += 1
        base, latest = self._base, now - self.frames * FRAME_S
        if base is None or latest < base:
            self._base = base = latest
        self._bases.append((self._part, base))
        self.latest_lag_s = lag_s = now - base - self.frames * FRAME_S
        if self._late_since is None and lag_s <= LATE_S:
            return ""
        return self._news(now, lag_s)

    def caught_up(self) -> None:
        """Nothing waits: whatever is missing was never sent."""
        self._base = self._clock() - self.frames * FRAME_S
        self.latest_lag_s = 0.0

    def since_s(self, frames: int) -> float:
        """The time that has passed by the wall since the frame ``frames`` before the latest was due."""
        if not self._bases:
            return 0.0
        bases = list(self._bases)[max(0, len(self._bases) - 1 - frames) :]
        base = min(base for part, base in bases if part == bases[0][0])
        return self._clock() - base - (self.frames - frames) * FRAME_S

    def _news(self, now: float, lag_s: float) -> str:
        if self._late_since is None:
            self._late_since, self._worst_s = now, lag_s
            return f"LINE_LATE lag_ms={lag_s * 1000:.0f}"
        self._worst_s = max(self._worst_s, lag_s)
        if lag_s > CAUGHT_UP_S:
            return ""
        for_s, self._late_since = now - self._late_since, None
        return f"LINE_IN_TIME after_ms={for_s * 1000:.0f} worst_lag_ms={self._worst_s * 1000:.0f}"
