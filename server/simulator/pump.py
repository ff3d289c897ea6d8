"""One thread that drives every stream: 20 ms of audio out, the server's messages in.

One thread for all calls, because a thread per call would waste the client's core on switching, and a late
client looks like a slow server. Deadlines are absolute, so there is no drift. The lateness of frames is
recorded, so that an overloaded client shows.
"""

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import websocket

from server.simulator.link import DelayLine
from server.simulator.stream import MediaStream

SEND_TIMEOUT_S = 2.0  # a server that does not read for so long has lost the call
LATE_S = 0.010  # frames sent later than this are counted
_READ_BYTES = 65536


class NothingToRead(Exception):
    """The rest of the message has not arrived yet."""


class BufferedWebSocket(websocket.WebSocket):
    """A websocket-client that reads in large pieces instead of three times a message, and never waits.

    Call ``messages()`` only when the socket has become readable.
    """

    def __init__(self) -> None:
        super().__init__(enable_multithread=False, skip_utf8_validation=True)
        self._unread = b""
        self._filled = False

    def messages(self) -> list[str | bytes]:
        """All complete messages. Raises websocket.WebSocketException or OSError when the connection ends."""
        found: list[str | bytes] = []
        self._filled = False
        while True:
            try:
                opcode, data = self.recv_data()
            except NothingToRead:
                return found
            except (websocket.WebSocketException, OSError):
                if found:  # deliver these first; the next call raises the error again
                    return found
                raise
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
                raise websocket.WebSocketConnectionClosedException(f"closed with {code}")
            found.append(data.decode("utf-8", "replace") if opcode == websocket.ABNF.OPCODE_TEXT else data)

    def hang_up(self, timeout_s: float = 1.0) -> None:
        """Sends a close frame and reads to the end: closing with unread data would reset the connection."""
        if self.sock is None:
            return
        try:
            self.sock.settimeout(timeout_s)
            if self.connected:
                self.send_close()
                self.sock.shutdown(socket.SHUT_WR)
            give_up_s = time.monotonic() + timeout_s
            while self.sock.recv(_READ_BYTES) and time.monotonic() < give_up_s:
                pass
        except (websocket.WebSocketException, OSError):
            pass  # the server closed first
        self.shutdown()  # type: ignore[no-untyped-call]

    def _recv(self, bufsize: int) -> bytes:
        if not self._unread:
            if self._filled or self.sock is None:
                raise NothingToRead  # one read per wake-up; the selector reports more
            self._unread = self.sock.recv(_READ_BYTES)
            self._filled = True
            if not self._unread:
                raise websocket.WebSocketConnectionClosedException("connection lost without a close frame")
        taken, self._unread = self._unread[:bufsize], self._unread[bufsize:]
        return taken


@dataclass
class Lateness:
    """How late frames were sent, in seconds, and how many."""

    worst_s: float = 0.0
    late_frames: int = 0
    frames: int = 0

    def add(self, late_s: float) -> None:
        self.frames += 1
        self.worst_s = max(self.worst_s, late_s)
        self.late_frames += late_s > LATE_S


class LiveStream:
    """A stream on its socket. For the pump's thread; ``wait`` and ``ending`` also for the call's thread."""

    def __init__(self, ws: BufferedWebSocket, stream: MediaStream, up: DelayLine, down: DelayLine) -> None:
        self.stream = stream
        self.ending = ""  # the reason of the end; empty while the stream runs
        self.ended_by_server = False
        self.started_s = 0.0  # on the pump's clock
        self.scheduled_s = float("inf")  # the time of its valid entry in the pump's heap
        self.lateness = Lateness()
        self.ws = ws
        self.fileno: int = ws.fileno()  # type: ignore[no-untyped-call]
        self._up, self._down = up, down
        self._over = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        """Blocks until the stream has ended. False: it has not within ``timeout_s``."""
        return self._over.wait(timeout_s)

    def begin(self, now_s: float) -> None:
        self.started_s = now_s
        self._post(self.stream.opening(), 0.0)

    def next_due_s(self) -> float:
        """The time on the pump's clock at which ``service`` is next needed."""
        due_s = self.stream.due_s
        if not self._up.transparent:
            due_s = min(due_s, self._up.next_due_s)
        if not self._down.transparent:
            due_s = min(due_s, self._down.next_due_s)
        return self.started_s + due_s

    def service(self, now_s: float) -> None:
        """Sends what is due; after a stall, all missed frames."""
        elapsed_s = now_s - self.started_s
        for text in self._down.pop_due(elapsed_s):
            self._post(self.stream.receive(text, elapsed_s), elapsed_s)
        while not self.ending and self.stream.due_s <= elapsed_s:
            self.lateness.add(elapsed_s - self.stream.due_s)
            self._post(self.stream.tick(elapsed_s), elapsed_s)
            if self.stream.wants_hang_up:
                return self.cut_short("caller hung up", now_s)
        for text in self._up.pop_due(elapsed_s):
            self.ws.send(text)

    def cut_short(self, reason: str, now_s: float) -> None:
        """Ends the stream from the caller's side. Delayed messages are sent at once."""
        self.ending = reason
        self._post([self.stream.stop()], now_s - self.started_s)
        for text in self._up.pop_due(float("inf")):
            self.ws.send(text)

    def read(self, now_s: float) -> None:
        """Reads the messages of a readable socket."""
        elapsed_s = now_s - self.started_s
        for text in self.ws.messages():
            if self._down.transparent or isinstance(text, bytes):
                self._post(self.stream.receive(text, elapsed_s), elapsed_s)
            else:
                self._down.push(text, elapsed_s)

    def finish(self, ending: str, by_server: bool) -> None:
        self.ending = self.ending or ending
        self.ended_by_server = by_server
        self._over.set()

    def _post(self, texts: list[str], elapsed_s: float) -> None:
        for text in texts:
            if self._up.transparent:
                self.ws.send(text)
            else:
                self._up.push(text, elapsed_s)


class StreamPump:
    """Runs all streams on one thread. ``add`` from any thread; ``close`` ends the thread and its streams."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._heap: list[tuple[float, int, LiveStream]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()  # guards _arriving, _cut and _closing
        self._arriving: list[LiveStream] = []
        self._cut: list[tuple[LiveStream, str]] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="stream-pump", daemon=True)
        self._thread.start()

    def add(self, live: LiveStream) -> None:
        with self._lock:
            self._arriving.append(live)
        self._wake_out.send(b"!")

    def cut(self, live: LiveStream, reason: str) -> None:
        """Ends a stream that does not end by itself. Its ``wait`` returns soon after. Any thread."""
        with self._lock:
            self._cut.append((live, reason))
        self._wake_out.send(b"!")

    def close(self) -> None:
        with self._lock:
            self._closing = True
            # With the lock held: the thread closes this socket once it has seen the flag.
            self._wake_out.send(b"!")
        self._thread.join(5)

    def _run(self) -> None:
        self._selector.register(self._wake_in, selectors.EVENT_READ, None)
        try:
            self._loop()
        finally:  # in any case: no call may wait for a pump that has stopped
            for key in list(self._selector.get_map().values()):
                if key.data is not None:
                    self._guarded(key.data, partial(_cut_short, "simulator stopped"))
            self._selector.close()
            self._wake_in.close()
            self._wake_out.close()

    def _loop(self) -> None:
        while self._take_orders():
            wait_s = self._heap[0][0] - self._clock() if self._heap else None
            if wait_s is not None and wait_s <= 0:
                self._serve_due()
                wait_s = 0.0
            for key, _ in self._selector.select(wait_s):
                if key.data is None:
                    self._wake_in.recv(4096)
                else:
                    self._guarded(key.data, LiveStream.read)

    def _take_orders(self) -> bool:
        with self._lock:
            arriving, self._arriving = self._arriving, []
            cut, self._cut = self._cut, []
            closing = self._closing
        for live in arriving:
            self._selector.register(live.fileno, selectors.EVENT_READ, live)
            self._guarded(live, LiveStream.begin)
        for live, reason in cut:
            self._guarded(live, partial(_cut_short, reason))
        return not closing

    def _serve_due(self) -> None:
        now_s = self._clock()
        while self._heap and self._heap[0][0] <= now_s:
            due_s, _, live = heapq.heappop(self._heap)
            if live.scheduled_s == due_s and not live.ending:
                live.scheduled_s = float("inf")
                self._guarded(live, LiveStream.service)

    def _guarded(self, live: LiveStream, work: Callable[[LiveStream, float], None]) -> None:
        """Runs ``work`` and schedules the stream again. A stream that fails does not affect the others."""
        if live.ending:
            return
        try:
            work(live, self._clock())
        except (websocket.WebSocketException, OSError) as error:
            return self._end(live, f"server: {error}", by_server=True)
        if live.ending:
            return self._end(live, live.ending, by_server=False)
        due_s = live.next_due_s()
        if due_s < live.scheduled_s:
            live.scheduled_s = due_s
            heapq.heappush(self._heap, (due_s, next(self._order), live))

    def _end(self, live: LiveStream, ending: str, by_server: bool) -> None:
        self._selector.unregister(live.fileno)
        live.finish(ending, by_server)


def _cut_short(reason: str, live: LiveStream, now_s: float) -> None:
    live.cut_short(reason, now_s)
