"""The callers of ``bench.calls`` on their sockets: one thread for all, and each message lean.

The calls themselves are ``server.simulator``'s: webhook, TwiML, handshake, callbacks, ``stream_ended``.
What it costs to send a frame is what a telephone company pays, and must not be what is measured.
Their share of their own core is among the figures.
"""

import gc
import heapq
import json
import os
import select
import socket
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from websockets.speedups import apply_mask

from bench.calls_caller import FRAME_S, Caller
from server.simulator.pump import LiveStream
from server.simulator.stream import CallIds, message_text

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
FIN, MASKED = 0x80, 0x80
SHORT, LONG = 126, 1 << 16
READ_BYTES = 1 << 16
EVENT_WITHIN = 24  # bytes: the event stands there, in whoever's JSON
PAYLOAD = b'"payload":'
LOOK_S = 0.05  # how soon the thread sees that it is not wanted any more
BYTES_PER_S = 8000
GOLDEN = 0.618034
_MASKS = os.urandom(1 << 12)


class Broken(Exception):
    """The server has ended the stream, or has sent what no server may."""


def frame(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """One whole masked WebSocket frame (RFC 6455, 5.2) of under 64 KB."""
    length = len(payload)
    head = bytes((FIN | opcode, MASKED | length)) if length < SHORT else _longer_head(opcode, length)
    return head + mask + apply_mask(payload, mask)


def _longer_head(opcode: int, length: int) -> bytes:
    if length >= LONG:
        raise ValueError(f"{length} bytes in one frame")
    return bytes((FIN | opcode, MASKED | SHORT)) + length.to_bytes(2, "big")


def take_frames(data: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """Of a server's unmasked frames: opcode, start and end of the payload; and how many bytes are whole.

    Raises Broken for a masked frame and for a piece of a message: neither is sent to us.
    """
    found = []
    at, end = 0, len(data)
    while end - at >= 2:
        first, length = data[at], data[at + 1]
        start = at + 2
        if length >= SHORT:
            if length & MASKED:
                raise Broken("a server's frame is masked")
            wide = 2 if length == SHORT else 8
            start += wide
            if start > end:
                break
            length = int.from_bytes(data[at + 2 : start], "big")
        if start + length > end:
            break
        if not first & FIN:
            raise Broken("a message in pieces")
        found.append((first & 0x0F, start, start + length))
        at = start + length
    return found, at


def audio_bytes(data: bytes, start: int, end: int) -> int:
    """How much audio a ``media`` message holds, by the length of its base64; 0 if it has none."""
    at = data.find(PAYLOAD, start, end)
    if at < 0:
        return 0
    opens = data.find(b'"', at + len(PAYLOAD), end) + 1
    closes = data.find(b'"', opens, end)
    return (closes - opens) // 4 * 3 - data.count(b"=", closes - 2, closes)


class WireCall:
    """A caller on a socket. For the pump's thread alone; the socket does not block.

    ``ending``: why the stream is over, empty while it goes on. ``received``: messages so far.
    """

    def __init__(self, live: LiveStream, caller: Caller, started_s: float) -> None:
        self.live, self.caller = live, caller
        self.started_s = started_s  # on the pump's clock
        self.ending = ""
        self.received = 0
        self.problems: Counter[str] = Counter()
        self._sock: socket.socket = live.ws.sock
        self._rest = b""
        self._sequence = 0
        self._tail = f'"}},"streamSid":"{live.stream.ids.stream_sid}"}}'
        self._sock.setblocking(False)

    @property
    def ids(self) -> CallIds:
        return self.live.stream.ids

    @property
    def due_s(self) -> float:
        return self.started_s + self.caller.due_s

    def begin(self, now_s: float) -> None:
        for text in self.live.stream.opening():
            self._send(TEXT, text.encode())
        self._sequence = 1  # start's own

    def tick(self, now_s: float) -> None:
        """Send the frame that is due, and the marks that the caller has reached."""
        caller = self.caller
        for name in caller.playout.reached(now_s - self.started_s):
            self._message("mark", {"name": name})
        chunk = caller.frames + 1
        payload = caller.frame()
        self._sequence += 1
        text = (
            f'{{"event":"media","sequenceNumber":"{self._sequence}","media":{{"track":"inbound",'
            f'"chunk":"{chunk}","timestamp":"{chunk * 20 - 20}","payload":"{payload}{self._tail}'
        )
        self._send(TEXT, text.encode())

    def read(self, now_s: float) -> None:
        data = self._sock.recv(READ_BYTES)
        if not data:
            raise Broken("connection lost without a close frame")
        if self._rest:
            data = self._rest + data
        frames, whole = take_frames(data)
        self._rest = data[whole:]
        elapsed_s = now_s - self.started_s
        for opcode, start, end in frames:
            if opcode == TEXT:
                self.received += 1
                self._receive(data, start, end, elapsed_s)
            elif opcode == PING:
                self._send(PONG, data[start:end])
            elif opcode == CLOSE:
                code = int.from_bytes(data[start : start + 2], "big") if end - start >= 2 else 1005
                raise Broken(f"closed with {code}")

    def stop(self, now_s: float) -> None:
        """Hang up: Twilio's last message. The close frame is sent by the call's own thread."""
        self._message("stop", {"accountSid": self.ids.account_sid, "callSid": self.ids.call_sid})

    def _receive(self, data: bytes, start: int, end: int, elapsed_s: float) -> None:
        if data.find(b'"media"', start, start + EVENT_WITHIN) > 0:
            if count := audio_bytes(data, start, end):
                return self.caller.media(elapsed_s, count / BYTES_PER_S)
            self.problems["media without audio"] += 1
            return None
        message = json.loads(data[start:end])
        match message.get("event"):
            case "clear":
                self.caller.clear(elapsed_s)
            case "mark":
                self.caller.mark(elapsed_s, message["mark"]["name"])
            case other:
                self.problems[f"unknown message {other!r}"[:80]] += 1
        return None

    def _message(self, event: str, body: dict[str, str]) -> None:
        self._sequence += 1
        self._send(TEXT, message_text(event, self._sequence, body, self.ids.stream_sid).encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        at = self._sequence * 4 % len(_MASKS)
        whole = frame(opcode, payload, _MASKS[at : at + 4])
        try:
            sent = self._sock.send(whole)
        except BlockingIOError:
            sent = 0
        if sent < len(whole):  # the kernel has room for minutes of a call
            raise Broken("the server does not read")


class WirePump:
    """Runs all callers on one thread of its own; ``add`` and ``cut`` are what a ``PhoneCall`` asks of a pump.

    ``calls``: all that have begun, for who waits. ``late_s``: how late frames were sent while ``measuring``:
    a client that is late looks like a slow server.
    """

    def __init__(self, new_caller: Callable[[int], Caller]) -> None:
        self.calls: list[WireCall] = []
        self.late_s = array("f")
        self.measuring = False
        self._new_caller = new_caller
        self._poll = select.epoll()
        self._by_socket: dict[int, WireCall] = {}  # those that go on
        self._due: list[tuple[float, int]] = []  # whose frame is next, by the place in ``calls``
        self._arriving: list[LiveStream] = []
        self._lock = threading.Lock()  # guards _arriving
        self._wanted = True
        self._thread = threading.Thread(target=self._run, name="wire-pump", daemon=True)
        self._thread.start()

    @property
    def going_on(self) -> int:
        """Calls that are not over."""
        return sum(not call.ending for call in self.calls)

    def add(self, live: LiveStream) -> None:
        """Any thread."""
        with self._lock:
            self._arriving.append(live)

    def cut(self, live: LiveStream, reason: str) -> None:
        """Never needed: all end with ``close``."""

    def close(self) -> None:
        """Hang up in all calls. Blocks until the thread is over."""
        self._wanted = False
        self._thread.join(5)

    def measure(self, on: bool) -> None:
        """From now on what is late, and what callers have left to hear, is kept; or not any more."""
        self.measuring = on
        for call in self.calls:
            call.caller.playout.measuring = on

    def _run(self) -> None:
        gc.disable()  # a collection is a late frame in every call; what is made here has no cycles
        try:
            while self._wanted:
                self._take_arrivals()
                self._serve_due()
                wait_s = max(0.0, self._due[0][0] - time.monotonic()) if self._due else LOOK_S
                for number, _ in self._poll.poll(min(wait_s, LOOK_S)):
                    self._guarded(self._by_socket[number], WireCall.read)
        finally:
            gc.enable()
            self._hang_up()

    def _take_arrivals(self) -> None:
        with self._lock:
            arriving, self._arriving = self._arriving, []
        for live in arriving:
            place = len(self.calls)
            caller = self._new_caller(place)
            caller.playout.measuring = self.measuring
            call = WireCall(live, caller, _starts_s(place, time.monotonic()))
            self.calls.append(call)
            self._by_socket[live.fileno] = call
            self._poll.register(live.fileno, select.EPOLLIN)
            heapq.heappush(self._due, (call.due_s, place))
            self._guarded(call, WireCall.begin)

    def _serve_due(self) -> None:
        due = self._due
        now_s = time.monotonic()
        while due and due[0][0] <= now_s:
            at_s, place = due[0]
            call = self.calls[place]
            if self.measuring and not call.ending:
                self.late_s.append(now_s - at_s)
            if not call.ending:
                self._guarded(call, WireCall.tick)
            if call.ending:
                heapq.heappop(due)
            else:
                heapq.heapreplace(due, (call.due_s, place))
            now_s = time.monotonic()

    def _guarded(self, call: WireCall, work: Callable[[WireCall, float], None]) -> None:
        """A stream that fails is over, and no other."""
        try:
            work(call, time.monotonic())
        except (Broken, OSError, ValueError, KeyError) as error:
            self._end(call, f"server: {error}", by_server=True)

    def _end(self, call: WireCall, why: str, by_server: bool) -> None:
        call.ending = why
        del self._by_socket[call.live.fileno]
        with suppress(OSError):
            self._poll.unregister(call.live.fileno)
        call.live.finish(why, by_server)

    def _hang_up(self) -> None:
        for call in list(self._by_socket.values()):
            self._guarded(call, WireCall.stop)
        for call in list(self._by_socket.values()):
            self._end(call, "caller hung up", by_server=False)
        self._poll.close()


def _starts_s(place: int, now_s: float) -> float:
    """Soon. Frames come at any moment of 20 ms: those of many callers evenly, and always alike."""
    return now_s + (place * GOLDEN * FRAME_S - now_s) % FRAME_S
