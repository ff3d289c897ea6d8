"""The recognition of one utterance over a WebSocket: a thread sends its audio, another reads the words."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from server.audio.frames import SAMPLE_RATE_HZ
from server.providers.base import Cancelled, ProviderError, Transcript
from server.providers.streaming.connection import Connection, ConnectionLost, Message
from server.providers.streaming.exchange import Exchange
from server.providers.streaming.pool import Pool
from server.providers.streaming.utterance_audio import REQUEST_BYTES, UtteranceAudio
from server.runtime.threads import Runtime, Threads

TRIES = 2  # of an utterance whose connection breaks; the second hears it from its start


class Hearing(Protocol):
    """A provider's protocol for one utterance, from its first message to its last. Made anew for each try."""

    ready: bool  # audio may be sent
    over: bool  # the last final transcript has come

    def opening(self) -> Sequence[Message]:
        """What is sent before any audio."""
        ...

    def audio(self, mulaw_8k: bytes) -> Message:
        """What carries so much audio. By the sending thread."""
        ...

    def ending(self, audio_bytes: int) -> Sequence[Message]:
        """What is sent behind the last audio, given how much there was; nothing: no words are to come."""
        ...

    def read(self, message: dict[str, Any]) -> Iterator[Transcript]:
        """What ``message`` tells. Raises ProviderError."""
        ...

    def answer(self) -> Sequence[Message]:
        """What is to be sent because of the messages read so far, once."""
        ...


class SocketRecognition:
    """A ``Recognition``. Fed by one thread, iterated by another, cancelled from any.

    Its provider hears the audio as it comes. The whole utterance is kept: where the connection breaks, a new
    one hears it from its start.
    """

    def __init__(
        self,
        pool: Pool,
        hearing: Callable[[], Hearing],
        timeout_s: float,
        runtime: Runtime | None = None,
    ) -> None:
        self._hearing = hearing
        self._runtime = runtime or Threads()
        self._audio = UtteranceAudio()
        self._exchange = Exchange(pool, timeout_s)

    def feed(self, mulaw_8k: bytes) -> None:
        """Take caller audio, μ-law 8 kHz, any length. Never blocks; ignored after ``finish``."""
        self._audio.feed(mulaw_8k)

    def finish(self) -> None:
        """The utterance is over."""
        self._audio.finish()

    def cancel(self) -> None:
        """Drop it. Idempotent, any thread, never blocks."""
        self._exchange.cancel()
        self._audio.wake()

    def __iter__(self) -> Iterator[Transcript]:
        """Block for interim and final transcripts. Raises ProviderError."""
        for left in reversed(range(TRIES)):
            settled = False  # a final was told: heard again from the start, its words would come twice
            try:
                for transcript in self._transcripts(self._hearing()):
                    settled = settled or transcript.is_final
                    yield transcript
                return
            except Cancelled:
                return
            except ConnectionLost:
                if not left or settled:
                    raise

    def _transcripts(self, hearing: Hearing) -> Iterator[Transcript]:
        sending = _Sending(self._exchange, self._audio, hearing, self._runtime)
        try:
            for message in self._exchange.messages(sending.open):
                yield from hearing.read(message)
                sending.go_on()
                if hearing.over:
                    self._exchange.over()
        finally:
            sending.stop()


class _Sending:
    """The sending side of one try. ``open`` and ``go_on`` are called by the reading thread."""

    def __init__(self, exchange: Exchange, audio: UtteranceAudio, hearing: Hearing, runtime: Runtime) -> None:
        self._exchange = exchange
        self._audio = audio
        self._hearing = hearing
        self._runtime = runtime
        self._connection: Connection | None = None
        self._started = self._stopped = False

    def open(self, connection: Connection) -> None:
        self._connection = connection
        for message in self._hearing.opening():
            connection.send(message)
        self._start()

    def go_on(self) -> None:
        """Something was read."""
        assert self._connection is not None
        for message in self._hearing.answer():
            self._connection.send(message)
        self._start()

    def stop(self) -> None:
        self._stopped = True
        self._audio.wake()

    def _start(self) -> None:
        if self._hearing.ready and not self._started:
            self._started = True
            # A thread of its own: a peer that takes nothing must not keep the reader from its deadline.
            self._runtime.spawn("stt-sends", self._run)

    def _run(self) -> None:
        connection, position = self._connection, 0
        assert connection is not None

        def wanted() -> bool:
            return not self._stopped and not self._exchange.cancelled

        try:
            while audio := self._audio.take(position, SAMPLE_RATE_HZ, wanted):
                position += len(audio)
                for begin in range(0, len(audio), REQUEST_BYTES):
                    connection.send(self._hearing.audio(audio[begin : begin + REQUEST_BYTES]))
            if wanted():
                ending = self._hearing.ending(position)
                for message in ending:
                    connection.send(message)
                if not ending:
                    self._exchange.cancel()  # the reader waits for nothing
        except (Cancelled, ProviderError):
            pass  # the reader finds the connection broken, and says so
