"""A sentence spoken over a WebSocket."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from server.providers.base import Cancelled
from server.providers.streaming.connection import Connection, ConnectionLost, Message
from server.providers.streaming.exchange import Exchange
from server.providers.streaming.pool import Pool

TRIES = 2  # of a sentence whose session ends before anything of it was heard


class Speaking(Protocol):
    """A provider's protocol for one sentence. Made anew for each try."""

    over: bool  # everything has come, and the connection is free
    reworded: bool  # the voice has said other words than the text's

    def opening(self) -> Sequence[Message]:
        """What asks for the sentence."""
        ...

    def read(self, message: dict[str, Any]) -> Iterator[bytes]:
        """The audio in ``message``: PCM16 8 kHz mono, whole samples. Raises ProviderError."""
        ...


class SocketSpeech:
    """A ``SpeechStream``. ``timeout_s`` bounds it from the first message to the last."""

    def __init__(self, pool: Pool, speaking: Callable[[], Speaking], timeout_s: float) -> None:
        self._new = speaking
        self._speaking = speaking()
        self._exchange = Exchange(pool, timeout_s)

    def __iter__(self) -> Iterator[bytes]:
        """Block for audio as it comes. Raises ProviderError."""
        for left in reversed(range(TRIES)):
            heard = False
            try:
                for audio in self._audio():
                    heard = True
                    yield audio
                return
            except Cancelled:
                return
            except ConnectionLost:
                if heard or not left:
                    raise
                self._speaking = self._new()

    @property
    def reworded(self) -> bool:
        """See SpeechThatMayReword."""
        return self._speaking.reworded

    def cancel(self) -> None:
        """Drop it: the provider sees its connection end. Idempotent, any thread."""
        self._exchange.cancel()

    def _audio(self) -> Iterator[bytes]:
        for message in self._exchange.messages(self._ask):
            yield from self._speaking.read(message)
            if self._speaking.over:
                self._exchange.over()

    def _ask(self, connection: Connection) -> None:
        for message in self._speaking.opening():
            connection.send(message)
