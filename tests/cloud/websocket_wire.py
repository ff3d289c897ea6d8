"""The server's side of one WebSocket, on the thread of its connection, which alone reads, waits and sends.

So what a scripted server sends, and when, needs no lock, and a fault can cut the TCP connection between two
frames. Over plaintext and TLS.
"""

import heapq
import itertools
import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

LOOK_S = 0.05  # how often a waiting thread looks whether the cloud is being stopped
MAX_MESSAGE_BYTES = 24 * 2**20  # OpenAI takes 15 MiB of audio in one event; base64 adds a third
READ_BYTES = 65_536


class Wire:
    """``accept``, then ``run``; all else is called from what these call, in the same thread."""

    def __init__(self, connection: socket.socket, stream: BinaryIO, released: threading.Event) -> None:
        self._socket = connection
        self._stream = stream
        self._released = released
        self._protocol = ServerProtocol(max_size=MAX_MESSAGE_BYTES)
        self._poll = select.poll()
        self._poll.register(connection.fileno(), select.POLLIN)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._parts: list[Frame] = []
        self._ended = False
        self.cut = False  # the connection is reset when its owner closes it

    # ---- what a server does ----

    def accept(self, path: str, headers: dict[str, str]) -> bool:
        """Answer a request that was read already; False if it asked for no WebSocket."""
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._protocol.receive_data("\r\n".join(lines).encode("latin-1"))
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
        self._flush()
        return self._protocol.state is OPEN

    def send(self, event: dict[str, Any] | str | bytes) -> bool:
        """An event as JSON; text and bytes as they are. False, and nothing happens, once it is closed."""
        with suppress(InvalidState):
            if isinstance(event, bytes):
                self._protocol.send_binary(event)
            else:
                text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False)
                self._protocol.send_text(text.encode())
            self._flush()
            return True
        return False

    def close(self, code: int, reason: str = "") -> None:
        with suppress(InvalidState):
            self._protocol.send_close(CloseCode(code) if code < 2000 else code, reason)
            self._flush()

    def reset(self) -> None:
        """Break the TCP connection off."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.cut = True

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._count), act))

    @property
    def client_close_code(self) -> int | None:
        """The client's closing code; None while there is none, or it left without one."""
        received = self._protocol.close_rcvd
        return None if received is None else int(received.code)

    def run(self, take: Callable[[str | bytes], None]) -> None:
        """Until either side is gone or the cloud is stopped; ``take`` is given every message."""
        while not (self.cut or self._ended or self._released.is_set()):
            if not self._act_on_time() and self._readable():
                data = self._read()
                if not data:
                    return
                self._protocol.receive_data(data)
                self._flush()
                for event in self._protocol.events_received():
                    if isinstance(event, Frame):
                        self._assemble(event, take)

    # ---- inside ----

    def _act_on_time(self) -> bool:
        if not self._due or self._due[0][0] > time.monotonic():
            return False
        heapq.heappop(self._due)[2]()
        return True

    def _readable(self) -> bool:
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        left = self._due[0][0] - time.monotonic() if self._due else LOOK_S
        return bool(self._poll.poll(max(min(left, LOOK_S), 0) * 1000))

    def _read(self) -> bytes:
        try:
            data: bytes = self._stream.read1(READ_BYTES)  # type: ignore[attr-defined]
            return data
        except OSError:
            return b""

    def _assemble(self, frame: Frame, take: Callable[[str | bytes], None]) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return  # the protocol answers pings and closings itself
        self._parts.append(frame)
        if frame.fin:
            first, whole = self._parts[0], b"".join(bytes(part.data) for part in self._parts)
            self._parts = []
            take(whole.decode() if first.opcode is Opcode.TEXT else whole)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._socket.sendall(data)
            else:  # both closings were said: the server closes TCP first (RFC 6455, 7.1.1)
                self._ended = True
