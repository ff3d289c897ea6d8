"""The audio of one utterance on its way to Google, kept until the words in it are final."""

import threading
from collections.abc import Callable

from server.audio.frames import SAMPLE_RATE_HZ

REQUEST_BYTES = SAMPLE_RATE_HZ // 10  # 100 ms a request: Twilio's 20 ms would be five times the messages
MAX_REQUEST_BYTES = SAMPLE_RATE_HZ  # one second; Google takes 15 to 25 KB, by API and page
MAX_KEPT_BYTES = 300 * SAMPLE_RATE_HZ  # what a stream of Google's may hold; more is not recognised


class UtteranceAudio:
    """μ-law 8 kHz. Positions count bytes, which are samples, from the beginning of the utterance.

    Any thread may call any method; only ``take`` blocks, and nothing else is done under its lock.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._forgotten = 0  # position of the first byte kept
        self._awaited = 0  # position at which ``take`` has enough: 50 frames a second need not wake it
        self._finished = False
        self._changed = threading.Condition(threading.Lock())

    def feed(self, mulaw_8k: bytes) -> None:
        """Append; ignored after ``finish``, and when nothing was settled for five minutes."""
        with self._changed:
            if not self._finished and len(self._kept) < MAX_KEPT_BYTES:
                self._kept += mulaw_8k
                if self._forgotten + len(self._kept) >= self._awaited:
                    self._changed.notify_all()

    def finish(self) -> None:
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def wake(self) -> None:
        """Let those who wait in ``take`` look again whether they are still wanted."""
        with self._changed:
            self._changed.notify_all()

    def take(self, position: int, at_most: int, wanted: Callable[[], bool]) -> bytes:
        """Block for the next request's audio from ``position`` on, as much as one request should have.

        Empty: there will be no more of it, or it is not ``wanted`` any more.
        """
        at_most = min(at_most, MAX_REQUEST_BYTES)
        with self._changed:
            while wanted():
                begin = position - self._forgotten
                self._awaited = position + min(REQUEST_BYTES, at_most)
                if self._finished or self._forgotten + len(self._kept) >= self._awaited:
                    return bytes(self._kept[begin : begin + at_most])
                self._changed.wait()
            return b""

    def forget(self, before: int) -> None:
        """Its words are final: nobody will ask for it again."""
        with self._changed:
            del self._kept[: max(0, before - self._forgotten)]
            self._forgotten = max(self._forgotten, before)
