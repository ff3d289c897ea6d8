"""A sentence spoken over a WebSocket."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from server.providers.base import Cancelled
from server.providers.streaming.connection import Connection, Message
from server.providers.streaming.exchange import Exchange
from server.providers.streaming.pool import Pool


class Speaking(Protocol):
    """A provider's protocol for one sentence."""

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

    def __init__(self, pool: Pool, speaking: Speaking, timeout_s: float) -> None:
        self._speaking = speaking
        self._exchange = Exchange(pool, timeout_s)

    def __iter__(self) -> Iterator[bytes]:
        """Block for audio as it comes. Raises ProviderError."""
        try:
            for message in self._exchange.messages(self._ask):
                yield from self._speaking.read(message)
                if self._speaking.over:
                    self._exchange.over()
        except Cancelled:
            return

    @property
    def reworded(self) -> bool:
        """See SpeechThatMayReword."""
        return self._speaking.reworded

    def cancel(self) -> None:
        """Drop it: the provider sees its connection end. Idempotent, any thread."""
        self._exchange.cancel()

    def _ask(self, connection: Connection) -> None:
        for message in self._speaking.opening():
            connection.send(message)
