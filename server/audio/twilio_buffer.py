"""Twilio's playback buffer: the audio sent, and when the caller really hears it.

Pure: no clock, no thread. Times are seconds since the buffer was created, passed in and never decreasing.
Inside, everything is counted in samples (1/8000 s), so that equal inputs give equal results.
"""

from collections import deque
from dataclasses import dataclass

from server.audio.frames import FRAME_BYTES, FRAME_SAMPLES, MULAW_SILENCE, SAMPLE_RATE_HZ

MAX_BUFFERED_S = 600.0  # above this Twilio discards and warns (31931)
UNDERRUN_SAMPLES = FRAME_SAMPLES  # a gap of 20 ms or more inside a stretch of audio is audible


@dataclass(frozen=True)
class MarkEcho:
    """A mark to send back. ``heard``: the audio before it was played; false if a ``clear`` discarded it."""

    name: str
    at_s: float
    heard: bool


@dataclass(frozen=True)
class Cleared:
    """A ``clear`` that arrived at ``at_s``, with the bytes and marks it discarded (both may be 0)."""

    at_s: float
    dropped_bytes: int
    dropped_marks: int


@dataclass(frozen=True)
class Underrun:
    """The buffer ran empty at ``at_s``; audio went on ``gap_s`` later, without a mark or clear in between."""

    at_s: float
    gap_s: float


class TwilioBuffer:
    """Outbound audio and marks in order, played in real time.

    ``media``, ``mark``, ``clear`` and ``advance`` first play what is due until ``now_s``. They return the
    marks to send back now, in order. Every mark is returned exactly once.
    """

    def __init__(self, max_buffered_s: float = MAX_BUFFERED_S) -> None:
        self.heard = bytearray()  # μ-law, one byte a sample from 0 s on; silence where nothing was played
        self.underruns: list[Underrun] = []
        self.clears: list[Cleared] = []
        self.echoes: list[MarkEcho] = []
        self.received_bytes = self.played_bytes = self.cleared_bytes = self.discarded_bytes = 0
        self._max_bytes = int(max_buffered_s * SAMPLE_RATE_HZ)
        self._queue: deque[bytes | str] = deque()  # audio, with mark names in between
        self._offset = 0  # played bytes of the first piece of audio
        self._dry_at: int | None = None  # sample at which audio ran out without reaching a mark

    @property
    def pending_bytes(self) -> int:
        """Bytes received and not yet played, cleared or discarded."""
        return self.received_bytes - self.played_bytes - self.cleared_bytes - self.discarded_bytes

    @property
    def pending_marks(self) -> tuple[str, ...]:
        return tuple(item for item in self._queue if isinstance(item, str))

    @property
    def idle(self) -> bool:
        """Whether no audio is left to play and no mark is outstanding."""
        return not self._queue

    def media(self, mulaw_8k: bytes, now_s: float) -> list[MarkEcho]:
        """Appends μ-law of any length; all of it is discarded if the buffer would grow too long."""
        echoes = self.advance(now_s)
        self.received_bytes += len(mulaw_8k)
        if self.pending_bytes > self._max_bytes:
            self.discarded_bytes += len(mulaw_8k)
        elif mulaw_8k:
            self._note_underrun()
            self._queue.append(mulaw_8k)
        return echoes

    def mark(self, name: str, now_s: float) -> list[MarkEcho]:
        """Appends a mark, which comes back at once if no audio is before it."""
        echoes = self.advance(now_s)
        self._queue.append(name)
        return echoes + self._reach_marks()

    def clear(self, now_s: float) -> list[MarkEcho]:
        """Discards the audio not yet played. All waiting marks come back, with ``heard`` false."""
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
        """Plays until ``now_s``. A time before the last one changes nothing."""
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
        """Frame ``index`` (20 ms each, from 0) as the caller heard it; shorter if not yet played."""
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
            self._dry_at = None  # a mark ends the stretch on purpose: a pause after it is no underrun
        self.echoes += reached
        return reached

    def _note_underrun(self) -> None:
        if self._queue or self._dry_at is None:
            return
        gap = len(self.heard) - self._dry_at
        if gap >= UNDERRUN_SAMPLES:
            self.underruns.append(Underrun(self._dry_at / SAMPLE_RATE_HZ, gap / SAMPLE_RATE_HZ))
