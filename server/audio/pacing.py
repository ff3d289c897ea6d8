"""How many frames the wire may take now: absolute deadlines, a lead ahead of real time (C3)."""

from server.audio.frames import FRAME_MS

BATCH_FRAMES = 5  # one wake of TX sends 100 ms, in one write; and there is never less than the lead ahead
FRAME_S = FRAME_MS / 1000


class Pacer:
    """Knows what was sent and when the stretch of audio began; time is handed in, in seconds.

    A stretch ends when all that was sent has been played; the next one starts with a full lead, so that
    a late wake-up never leads to a burst that catches up.
    """

    def __init__(self, lead_frames: int) -> None:
        self._lead = lead_frames
        self._began_s = 0.0
        self._sent = 0

    def room(self, now_s: float) -> int:
        """Frames that may be sent now."""
        elapsed = self._elapsed(now_s)
        if elapsed >= self._sent:
            return self._lead + BATCH_FRAMES
        return max(0, elapsed + self._lead + BATCH_FRAMES - self._sent)

    def sent(self, frames: int, now_s: float) -> None:
        """So many frames go out now."""
        if self._elapsed(now_s) >= self._sent:
            self._began_s, self._sent = now_s, 0
        self._sent += frames

    def next_batch_at(self) -> float:
        """When a whole batch will have room; in the past when it has."""
        return self._began_s + (self._sent - self._lead) * FRAME_S

    def played_at(self) -> float:
        """When all that was sent will have been played; in the past when it has."""
        return self._began_s + self._sent * FRAME_S

    def cleared(self) -> None:
        """The far buffer is empty."""
        self._sent = 0

    def _elapsed(self, now_s: float) -> int:
        # The small addend: 0.06 / 0.02 must be 3 frames, not 2.999…
        return int((now_s - self._began_s) / FRAME_S + 1e-6)
