"""Media messages to frames, with the holes of the stream filled, so that frames keep counting time."""

from server.audio.frames import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ, SILENT_FRAME, FrameSplitter
from server.telephony.twilio_messages import Media

GAP_MS = 40  # a smaller jump is jitter of the stamps, not lost audio
MAX_FILL_MS = 2000
MAX_STEPS_BACK = 25  # in a row: then it was the stamp before them that was wrong


class InboundAudio:
    """Feeds on ``Media``, gives frames of 160 bytes; counts what was missing and what came out of order.

    A line that sends nothing while nobody speaks (A8) may say so in its stamps, or not: silence that was
    heard already is not filled in again.
    """

    def __init__(self) -> None:
        self._splitter = FrameSplitter()
        self._next_ms: int | None = None  # the stamp the next message should carry
        self._quiet_ms = 0  # silence given since the latest message
        self.filled_frames = 0
        self.quiet_frames = 0
        self.steps_back = 0
        self._back_in_a_row = 0

    def feed(self, media: Media, most_ms: int = MAX_FILL_MS) -> list[bytes]:
        """Frames in order; silence first where the stamps say that some is missing, at most ``most_ms``."""
        length_ms = len(media.mulaw_8k) * 1000 // SAMPLE_RATE_HZ
        return self._fill(media.timestamp_ms, length_ms, most_ms) + self._splitter.feed(media.mulaw_8k)

    def in_step(self, media: Media) -> list[bytes] | None:
        """``media`` as ``feed`` gives it, if it is what mostly comes: the next frame, whole; else None."""
        if media.timestamp_ms != self._next_ms or len(media.mulaw_8k) != FRAME_BYTES or self._splitter.rest:
            return None
        if media.timestamp_ms is not None:
            self._next_ms = media.timestamp_ms + FRAME_MS
            self._quiet_ms = self._back_in_a_row = 0
        return [media.mulaw_8k]

    def quiet(self, frames: int) -> list[bytes]:
        """The line sends nothing: so many frames of silence."""
        self.quiet_frames += frames
        self._quiet_ms += frames * FRAME_MS
        return [SILENT_FRAME] * frames

    def _fill(self, stamp_ms: int | None, length_ms: int, most_ms: int) -> list[bytes]:
        if stamp_ms is None:
            return []
        expected_ms = stamp_ms if self._next_ms is None else self._next_ms
        gap_ms = stamp_ms - expected_ms
        if gap_ms < 0 and self._back_in_a_row < MAX_STEPS_BACK:  # late: heard, but time does not go back
            self.steps_back += 1
            self._back_in_a_row += 1
            return []
        self._back_in_a_row = 0
        self._next_ms = stamp_ms + length_ms
        gap_ms, self._quiet_ms = gap_ms - self._quiet_ms, 0
        if gap_ms <= GAP_MS:
            return []
        missing = min(gap_ms, most_ms) // FRAME_MS
        self.filled_frames += missing
        return [SILENT_FRAME] * missing
