"""The recognition of a provider that transcribes only whole utterances."""

from collections.abc import Callable, Iterator

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.base import ProviderError, Transcript
from server.runtime.threads import Runtime, Threads

MAX_UTTERANCE_BYTES = 120 * SAMPLE_RATE_HZ  # two minutes: far above 2 × MAX_UTT_SEC

Transcribe = Callable[[bytes, "BatchRecognition"], Iterator[Transcript]]


class BatchRecognition:
    """A ``Recognition``. Fed by one thread, iterated by another, cancelled from any.

    ``transcribe(mulaw_8k, recognition)`` is called by the iterating thread once the utterance is over, with
    all of its audio; it may block, and raises ProviderError. It looks at ``recognition.cancelled``, or names
    by ``on_cancel`` what gives it up. ``timeout_s`` bounds the wait for the end of the utterance too. Audio
    beyond ``most_bytes`` is not recognised.
    """

    def __init__(
        self,
        transcribe: Transcribe,
        timeout_s: float,
        most_bytes: int = MAX_UTTERANCE_BYTES,
        runtime: Runtime | None = None,
    ) -> None:
        self._runtime = runtime or Threads()
        self._transcribe = transcribe
        self._deadline = self._runtime.clock() + timeout_s
        self._most_bytes = most_bytes
        self._audio = bytearray()  # the feeder's until the utterance is over, then the iterator's
        self._over = self._runtime.event()  # finished or cancelled
        self._give_up: Callable[[], None] = lambda: None
        self.cancelled = False  # set once, before _over

    def feed(self, mulaw_8k: bytes) -> None:
        """Take caller audio, μ-law 8 kHz; ignored once finished or cancelled."""
        if not self._over.is_set():
            self._audio += mulaw_8k[: self._most_bytes - len(self._audio)]

    def finish(self) -> None:
        """The utterance is over."""
        self._over.set()

    def cancel(self) -> None:
        """Nobody wants the transcript. Idempotent."""
        self.cancelled = True
        self._over.set()
        self._give_up()  # either this is the one named by ``on_cancel``, or that finds ``cancelled``

    def __iter__(self) -> Iterator[Transcript]:
        """Block for the transcripts. Raises ProviderError."""
        if not self._over.wait(self.left_s):
            raise ProviderError("the utterance did not end in time", retryable=True)
        if not self.cancelled:
            yield from self._transcribe(bytes(self._audio), self)

    @property
    def left_s(self) -> float:
        """Seconds left of ``timeout_s``."""
        return max(0.0, self._deadline - self._runtime.clock())

    def on_cancel(self, give_up: Callable[[], None]) -> None:
        """Call ``give_up`` when the recognition is cancelled; at once, when it is already. Never blocks."""
        self._give_up = give_up
        if self.cancelled:
            give_up()
