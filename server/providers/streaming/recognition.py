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

FLUSH_BYTES = SAMPLE_RATE_HZ * 160 // 1000  # with the hangover before it 300 ms
TRIES = 2  # of an utterance whose connection breaks; the second hears it from its start


class Hearing(Protocol):
    """A provider's protocol for one utterance, from its first message to its last. Made anew for each try."""

    ready: bool  # audio may be sent

    def opening(self) -> Sequence[Message]:
        """What is sent before any audio."""
        ...

    def audio(self, mulaw_8k: bytes) -> Message:
        """What carries so much audio. By the sending thread."""
        ...

    def flushing(self, audio_bytes: int) -> Sequence[Message]:
        """What asks for the final words of all audio so far, given how much was sent since the last time.

        Nothing, if that is too little. By the sending thread.
        """
        ...

    def ending(self, audio_bytes: int) -> Sequence[Message]:
        """Likewise behind the last audio; the words that come then are the last. By the sending thread."""
        ...

    @property
    def waits(self) -> bool:
        """Final words were asked for that have not come."""
        ...

    @property
    def over(self) -> bool:
        """The last of them have come."""
        ...

    def read(self, message: dict[str, Any]) -> Iterator[Transcript]:
        """What ``message`` tells. Raises ProviderError."""
        ...

    def answer(self) -> Sequence[Message]:
        """What is to be sent because of the messages read so far, once."""
        ...


class SocketRecognition:
    """A ``Recognition`` that may be flushed. Fed by one thread, iterated by another, cancelled from any.

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
        self._paused_for: int | None = None  # bytes since a pause began that may be the end; None: no pause
        self._behind = bytearray()  # of the pause, once the words before it were asked for

    def feed(self, mulaw_8k: bytes) -> None:
        """Take caller audio, μ-law 8 kHz, any length. Never blocks; ignored after ``finish``."""
        if self._paused_for is not None and self._paused_for >= FLUSH_BYTES:
            self._behind += mulaw_8k
            return
        self._audio.feed(mulaw_8k)
        if self._paused_for is not None:
            self._paused_for += len(mulaw_8k)
            if self._paused_for >= FLUSH_BYTES:
                self._audio.flush()

    def flush(self) -> None:
        """The utterance pauses, and may be over: its final words are asked for once the pause goes on.

        Not at once: a caller takes a breath, and words that are cut there are heard worse.
        """
        if self._paused_for is None:
            self._paused_for = 0

    def resume(self) -> None:
        """It was not over."""
        self._paused_for = None
        if self._behind:
            self._audio.feed(bytes(self._behind))
            self._behind.clear()

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
        connection = self._connection
        assert connection is not None

        def wanted() -> bool:
            return not self._stopped and not self._exchange.cancelled

        try:
            position = self._send_audio(connection, wanted)
            if wanted():
                for message in self._hearing.ending(position):
                    connection.send(message)
                if not self._hearing.waits:
                    self._exchange.done()
        except (Cancelled, ProviderError):
            pass  # the reader finds the connection broken, and says so

    def _send_audio(self, connection: Connection, wanted: Callable[[], bool]) -> int:
        """All of it, as it comes. Returns how much was sent since the final words were last asked for."""
        position = asked_at = 0
        while True:
            audio = self._audio.take(position, SAMPLE_RATE_HZ, wanted)
            position += len(audio)
            for begin in range(0, len(audio), REQUEST_BYTES):
                connection.send(self._hearing.audio(audio[begin : begin + REQUEST_BYTES]))
            if self._audio.flushed(position):
                if asking := self._hearing.flushing(position - asked_at):
                    asked_at = position
                for message in asking:
                    connection.send(message)
            elif not audio:
                return position - asked_at
