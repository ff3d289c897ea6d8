"""A token bucket: how much of something may come."""


class Meter:
    """``rate`` a second, ``burst`` at once. One thread. Time is given, in seconds."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, amount: float, now: float) -> bool:
        """False when it is more than may come."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate) - amount
        self._at = now
        return self._left >= 0
