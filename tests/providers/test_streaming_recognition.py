"""What is promised of an utterance over a WebSocket whose provider tells finals before its end."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from websockets.sync.server import ServerConnection

from server.providers.base import Transcript
from server.providers.streaming.connection import ConnectionLost, Message
from server.providers.streaming.pool import Pool
from server.providers.streaming.recognition import SocketRecognition
from tests.cloud.websocket import reset
from tests.providers.sockets import address, nothing_left
from tests.providers.test_streaming_connection import serving


class Finals:
    """Each message is one."""

    ready = waits = True
    over = False

    def opening(self) -> Sequence[Message]:
        return []

    def audio(self, mulaw_8k: bytes) -> Message:
        return mulaw_8k

    def flushing(self, audio_bytes: int) -> Sequence[Message]:
        return []

    def ending(self, audio_bytes: int) -> Sequence[Message]:
        return ["end"]

    def answer(self) -> Sequence[Message]:
        return []

    def read(self, message: dict[str, Any]) -> Iterator[Transcript]:
        yield Transcript(message["text"])


def test_what_was_told_as_final_is_not_heard_again() -> None:
    """From its start, its words would come twice."""
    connections = []

    def breaks_behind_a_final(peer: ServerConnection) -> None:
        connections.append(peer)
        peer.recv()
        peer.send('{"text": "שלום"}')
        peer.recv()
        reset(peer)

    heard: list[str] = []
    with serving(breaks_behind_a_final) as url, nothing_left(url):
        recognition = SocketRecognition(Pool(address(url), most_idle=0), Finals, 5.0)
        recognition.feed(bytes(800))
        with pytest.raises(ConnectionLost):
            for transcript in recognition:
                heard.append(transcript.text)
                recognition.finish()
    assert heard == ["שלום"] and len(connections) == 1
