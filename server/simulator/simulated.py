"""A call in simulated time: Twilio's end against a server that is two functions. No socket, no clock."""

from collections import deque
from typing import Protocol

from server.simulator.stream import MediaStream
from server.simulator.timeline import Timeline, analyse


class ServerSide(Protocol):
    """The server under test. Both methods return the messages it sends, at that very time."""

    closed: bool  # it has ended the call: nothing further is delivered

    def receive(self, text: str, now_s: float) -> list[str]:
        """A message of Twilio's arrives."""
        ...

    def advance(self, now_s: float) -> list[str]:
        """Time has come to ``now_s``; called every 20 ms, before the caller's frame of that time arrives."""
        ...


def converse(stream: MediaStream, server: ServerSide, max_s: float = 60.0) -> Timeline:
    """Hold the call until one side ends it or ``max_s`` is over, and measure it.

    ``stream`` keeps the rest: what was heard (``buffer``), said, and objected to (``problems``).
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
    """Deliver messages, and those sent in answer to them, in order, until nobody has more to say."""
    up, down = deque(to_server), deque(to_caller)
    while (up or down) and not server.closed:
        if down:
            up.extend(stream.receive(down.popleft(), now_s))
        else:
            down.extend(server.receive(up.popleft(), now_s))
