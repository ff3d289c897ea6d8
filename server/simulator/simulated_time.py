"""A call in simulated time: Twilio's side against a server given as two functions. No socket, no clock."""

from collections import deque
from typing import Protocol

from server.simulator.stream import MediaStream
from server.simulator.timeline import Timeline, analyse


class ServerSide(Protocol):
    """The server under test. Both methods return the messages it sends at that time."""

    closed: bool  # the server has ended the call: nothing further is delivered

    def receive(self, text: str, now_s: float) -> list[str]:
        """Takes a message from Twilio."""
        ...

    def advance(self, now_s: float) -> list[str]:
        """Moves time to ``now_s``. Called every 20 ms, before the caller's frame of that time arrives."""
        ...


def converse(stream: MediaStream, server: ServerSide, max_s: float = 60.0) -> Timeline:
    """Runs the call until one side ends it or ``max_s`` is over, and measures it.

    ``stream`` holds the rest: the audio heard (``buffer``) and said, and the protocol errors (``problems``).
    """
    _exchange(stream, server, to_server=stream.opening(), to_caller=[], now_s=0.0)
    while not (server.closed or stream.wants_hang_up) and stream.due_s <= max_s:
        now_s = stream.due_s
        _exchange(stream, server, to_server=[], to_caller=server.advance(now_s), now_s=now_s)
        _exchange(stream, server, to_server=stream.tick(now_s), to_caller=[], now_s=now_s)
    if not server.closed:
        server.receive(stream.stop(), stream.due_s)
    return analyse(stream.script.turns, stream.buffer, stream.script.bursts_made)


def _exchange(
    stream: MediaStream, server: ServerSide, to_server: list[str], to_caller: list[str], now_s: float
) -> None:
    """Delivers messages and the messages sent in answer, in order, until none is left."""
    up, down = deque(to_server), deque(to_caller)
    while (up or down) and not server.closed:
        if down:
            up.extend(stream.receive(down.popleft(), now_s))
        else:
            down.extend(server.receive(up.popleft(), now_s))
