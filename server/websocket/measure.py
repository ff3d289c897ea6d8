"""Whether a peer sends more than a telephone call can."""

from server.runtime.token_bucket import TokenBucket
from server.websocket.limits import BYTES_AT_ONCE, BYTES_PER_S, OTHERS_AT_ONCE, OTHERS_PER_S


class Flood(OSError):
    """The peer sends more than a telephone call can."""


class Measure:
    """What a peer has sent, against what it may. One thread. Time is given, in seconds."""

    def __init__(self, now: float) -> None:
        self._bytes = TokenBucket(BYTES_PER_S, BYTES_AT_ONCE, now)
        self._others = TokenBucket(OTHERS_PER_S, OTHERS_AT_ONCE, now)

    def take_bytes(self, count: int, now: float) -> None:
        """Raises Flood."""
        if not self._bytes.take(count, now):
            raise Flood(f"more than {BYTES_PER_S} bytes a second")

    def take_others(self, count: int, now: float) -> None:
        """Frames that are no whole message. Raises Flood."""
        if not self._others.take(count, now):
            raise Flood(f"more than {OTHERS_PER_S} pings, pongs and fragments a second")
