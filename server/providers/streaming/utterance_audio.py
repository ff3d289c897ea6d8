"""The audio of one utterance on its way to a provider that streams, kept until its transcript is final."""

import threading
from collections.abc import Callable

from server.audio.frames import SAMPLE_RATE_HZ

REQUEST_BYTES = SAMPLE_RATE_HZ // 10  # 100 ms a request; Twilio's 20 ms would make five times the messages
MAX_REQUEST_BYTES = SAMPLE_RATE_HZ  # one second; Google accepts 15 to 25 KB, depending on the API
MAX_KEPT_BYTES = 300 * SAMPLE_RATE_HZ  # Google's limit for a stream; later audio is not recognised


class UtteranceAudio:
    """μ-law, 8 kHz. Positions count bytes (= samples) from the beginning of the utterance.

    Any thread may call any method. Only ``take`` blocks; the lock is never held during other work.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._forgotten = 0  # position of the first byte that is kept
        self._awaited = 0  # ``take`` wakes at this position, not with each of 50 frames a second
        self._finished = False
        self._flush_at: int | None = None  # all up to here is to be taken at once
        self._changed = threading.Condition(threading.Lock())

    def feed(self, mulaw_8k: bytes) -> None:
        """Appends audio. Ignored after ``finish``, and while five minutes of audio await their transcript."""
        with self._changed:
            if not self._finished and len(self._kept) < MAX_KEPT_BYTES:
                self._kept += mulaw_8k
                if self._forgotten + len(self._kept) >= self._awaited:
                    self._changed.notify_all()

    def finish(self) -> None:
        """No more audio follows."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def flush(self) -> None:
        """All that there is may be the whole utterance: it is not kept waiting for more."""
        with self._changed:
            self._flush_at = self._forgotten + len(self._kept)
            self._changed.notify_all()

    def flushed(self, position: int) -> bool:
        """Whether all was taken that was there at the last ``flush``; told once."""
        with self._changed:
            flushed = self._flush_at is not None and position >= self._flush_at
            if flushed:
                self._flush_at = None
            return flushed

    def wake(self) -> None:
        """Makes waiting ``take`` calls check again whether they are still wanted."""
        with self._changed:
            self._changed.notify_all()

    def take(self, position: int, at_most: int, wanted: Callable[[], bool]) -> bytes:
        """Blocks for the audio of the next request, from ``position`` on.

        Empty: the utterance has no more audio, it was flushed here, or ``wanted`` is false.
        """
        at_most = min(at_most, MAX_REQUEST_BYTES)
        with self._changed:
            while wanted():
                begin = position - self._forgotten
                self._awaited = position + min(REQUEST_BYTES, at_most)
                enough = self._forgotten + len(self._kept) >= self._awaited
                if enough or self._finished or self._flush_at is not None:
                    return bytes(self._kept[begin : begin + at_most])
                self._changed.wait()
            return b""

    def forget(self, before: int) -> None:
        """Drops audio whose transcript is final."""
        with self._changed:
            del self._kept[: max(0, before - self._forgotten)]
            self._forgotten = max(self._forgotten, before)
