"""How much of something may come: messages, bytes, filled frames, lines of the log."""


class TokenBucket:
    """A token bucket: ``rate`` a second, ``burst`` at once. One thread. Time is given, in seconds."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, amount: float, now: float) -> bool:
        """False, and nothing taken, when it is more than may come."""
        left = self._left + (now - self._at) * self._rate
        if left > self._burst:  # ``min`` takes as long as all the rest, and some are asked for each frame
            left = self._burst
        self._at = now
        enough = amount <= left
        self._left = left - amount if enough else left
        return enough

    def left(self, now: float) -> float:
        """How much may come."""
        return min(self._burst, self._left + (now - self._at) * self._rate)
