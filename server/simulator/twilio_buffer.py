"""Twilio's playback buffer: what we sent, and when the caller really hears it.

Pure: no clock, no thread. Time is seconds since the buffer was made, handed in by the caller and never
going back; inside, everything is counted in samples (1/8000 s), so equal inputs give equal results.
"""

from collections import deque
from dataclasses import dataclass

from server.audio.frames import FRAME_BYTES, FRAME_SAMPLES, MULAW_SILENCE, SAMPLE_RATE_HZ

MAX_BUFFERED_S = 600.0  # above this Twilio discards and warns (31931)
UNDERRUN_SAMPLES = FRAME_SAMPLES  # a gap of 20 ms or more inside a stretch of audio is heard


@dataclass(frozen=True)
class MarkEcho:
    """A mark to be sent back. ``heard``: the audio before it was played, not thrown away by a ``clear``."""

    name: str
    at_s: float
    heard: bool


@dataclass(frozen=True)
class Cleared:
    """A ``clear`` that arrived at ``at_s`` and threw away so many bytes and marks (both may be 0)."""

    at_s: float
    dropped_bytes: int
    dropped_marks: int


@dataclass(frozen=True)
class Underrun:
    """The buffer ran dry at ``at_s`` and audio went on ``gap_s`` later, with no mark or clear in between."""

    at_s: float
    gap_s: float


class TwilioBuffer:
    """Outbound audio and marks in order, drained in real time.

    ``media``, ``mark``, ``clear`` and ``advance`` first play what is due until ``now_s`` and return the
    marks that must be sent back now, in order. Every mark is returned exactly once.
    """

    def __init__(self, max_buffered_s: float = MAX_BUFFERED_S) -> None:
        self.heard = bytearray()  # μ-law, silence where nothing was played; one byte a sample since 0 s
        self.underruns: list[Underrun] = []
        self.clears: list[Cleared] = []
        self.echoes: list[MarkEcho] = []
        self.received_bytes = self.played_bytes = self.cleared_bytes = self.discarded_bytes = 0
        self._max_bytes = int(max_buffered_s * SAMPLE_RATE_HZ)
        self._queue: deque[bytes | str] = deque()  # audio, and mark names between it
        self._offset = 0  # bytes of the first piece of audio that have been played
        self._dry_at: int | None = None  # sample where audio last ran out without a mark being reached

    @property
    def pending_bytes(self) -> int:
        """Audio received and not yet played, cleared or discarded."""
        return self.received_bytes - self.played_bytes - self.cleared_bytes - self.discarded_bytes

    @property
    def pending_marks(self) -> tuple[str, ...]:
        return tuple(item for item in self._queue if isinstance(item, str))

    @property
    def idle(self) -> bool:
        """Nothing left to play and no mark outstanding."""
        return not self._queue

    def media(self, mulaw_8k: bytes, now_s: float) -> list[MarkEcho]:
        """Append raw μ-law of any length; all of it is discarded when the buffer would grow too long."""
        echoes = self.advance(now_s)
        self.received_bytes += len(mulaw_8k)
        if self.pending_bytes > self._max_bytes:
            self.discarded_bytes += len(mulaw_8k)
        elif mulaw_8k:
            self._note_underrun()
            self._queue.append(mulaw_8k)
        return echoes

    def mark(self, name: str, now_s: float) -> list[MarkEcho]:
        """Append a mark; it comes back at once when there is nothing before it."""
        echoes = self.advance(now_s)
        self._queue.append(name)
        return echoes + self._reach_marks()

    def clear(self, now_s: float) -> list[MarkEcho]:
        """Throw away what has not been played; all waiting marks come back, ``heard`` False."""
        echoes = self.advance(now_s)
        names, dropped = self.pending_marks, self.pending_bytes
        at_s = len(self.heard) / SAMPLE_RATE_HZ
        self.clears.append(Cleared(at_s, dropped, len(names)))
        self.cleared_bytes += dropped
        self._queue.clear()
        self._offset, self._dry_at = 0, None
        unheard = [MarkEcho(name, at_s, False) for name in names]
        self.echoes += unheard
        return echoes + unheard

    def advance(self, now_s: float) -> list[MarkEcho]:
        """Play until ``now_s``. A time before the last one changes nothing."""
        echoes: list[MarkEcho] = []
        target = int(now_s * SAMPLE_RATE_HZ + 1e-6)
        while (room := target - len(self.heard)) > 0 and self._queue:
            echoes += self._reach_marks()
            if self._queue:
                self._play(room)
        if self._queue:
            echoes += self._reach_marks()
        self.heard += MULAW_SILENCE * (target - len(self.heard))
        return echoes

    def heard_frame(self, index: int) -> bytes:
        """Frame ``index`` (20 ms each, from 0) as the caller heard it; shorter when not yet played."""
        return bytes(self.heard[index * FRAME_BYTES : (index + 1) * FRAME_BYTES])

    def _play(self, room: int) -> None:
        audio = self._queue[0]
        assert isinstance(audio, bytes)
        played = audio[self._offset : self._offset + room]
        self.heard += played
        self.played_bytes += len(played)
        self._offset += len(played)
        if self._offset == len(audio):
            self._queue.popleft()
            self._offset = 0
        self._dry_at = len(self.heard)

    def _reach_marks(self) -> list[MarkEcho]:
        reached: list[MarkEcho] = []
        while self._queue and isinstance(name := self._queue[0], str):
            self._queue.popleft()
            reached.append(MarkEcho(name, len(self.heard) / SAMPLE_RATE_HZ, True))
            self._dry_at = None  # the stretch ended on purpose: a pause after it is no underrun
        self.echoes += reached
        return reached

    def _note_underrun(self) -> None:
        if self._queue or self._dry_at is None:
            return
        gap = len(self.heard) - self._dry_at
        if gap >= UNDERRUN_SAMPLES:
            self.underruns.append(Underrun(self._dry_at / SAMPLE_RATE_HZ, gap / SAMPLE_RATE_HZ))
