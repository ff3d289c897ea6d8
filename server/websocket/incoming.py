"""What a client's bytes say: messages out, and what is owed for the rest. No socket, no clock, no thread.

A call is made of one kind of frame: a whole text message, masked, below 64 KiB. ``Incoming.next`` reads those
first, in half a microsecond, and every other kind behind them.
"""

from codecs import IncrementalDecoder, getincrementaldecoder

from websockets.exceptions import ProtocolError
from websockets.frames import Close, CloseCode, Frame, Opcode

from server.websocket.limits import MAX_MESSAGE_BYTES

try:
    from websockets.speedups import apply_mask
except ImportError:  # it was installed without its C half
    from websockets.utils import apply_mask

FIN, RESERVED, CONTROL, OPCODE = 0x80, 0x70, 0x08, 0x0F
WHOLE_TEXT = FIN | Opcode.TEXT
MASKED, TWO_BYTES, EIGHT_BYTES = 0x80, 126, 127
MASKED_TWO_BYTES = MASKED | TWO_BYTES
EXTENDED = {TWO_BYTES: 2, EIGHT_BYTES: 8}
MASK_BYTES = 4
SHORTEST = 8  # a frame of so few bytes is read behind
MOST_IN_CONTROL = 125
KINDS = frozenset(Opcode)
Utf8 = getincrementaldecoder("utf-8")


class _Failed(Exception):
    """The peer breaks the protocol. Arguments: the close code, and why."""


class Incoming:
    """The receiving half of a server's connection, from the bytes behind the handshake on. One thread.

    ``feed`` takes bytes in pieces of any size; ``next`` gives message after message; ``take_owed`` is what
    must be sent then. ``others`` counts the frames that were no whole message, ``pongs`` those among them
    that answer pings. ``closed``: by whom and why, once either side has said so; ``peer_closed``: the peer
    has. Behind our own close messages still come, up to the peer's.
    """

    def __init__(self) -> None:
        self._buffer: bytes | bytearray = b""
        self._at = 0  # what lies before has been read
        self._begun = 0  # the opcode of a message of which a fragment has come
        self._parts: list[str | bytes] = []
        self._size = 0  # of its fragments, in bytes
        self._utf8: IncrementalDecoder = Utf8()
        self._owed: list[bytes] = []
        self.others = 0
        self.pongs = 0
        self.closed: Close | None = None
        self.peer_closed = False
        self._deaf = False  # nothing that may follow is read

    def feed(self, data: bytes) -> None:
        """Bytes, as they came."""
        if self._deaf:
            return
        if self._at == len(self._buffer):
            self._buffer = data
        elif isinstance(self._buffer, bytes):
            self._buffer = bytearray(self._buffer[self._at :])
            self._buffer += data
        else:
            del self._buffer[: self._at]
            self._buffer += data
        self._at = 0

    def next(self) -> str | bytes | None:
        """The next whole message; None when there is none in what has come so far."""
        buffer, at = self._buffer, self._at
        if at == len(buffer):  # as behind most frames
            return None
        if len(buffer) - at > SHORTEST and buffer[at] == WHOLE_TEXT and not self._begun:
            size = buffer[at + 1]
            if size == MASKED_TWO_BYTES:
                body = at + 8
                end = body + (buffer[at + 2] << 8 | buffer[at + 3])
            elif MASKED <= size < MASKED_TWO_BYTES:
                body = at + 6
                end = body + size - MASKED
            else:
                return self._next_of_any_kind()
            if end <= len(buffer):
                self._at = end
                try:
                    return str(apply_mask(buffer[body:end], buffer[body - 4 : body]), "utf-8")
                except UnicodeDecodeError:
                    self.fail(CloseCode.INVALID_DATA, "no UTF-8")
                    return None
        return self._next_of_any_kind()

    def take_owed(self) -> bytes:
        """Frames that must be sent now: pongs, a close; mostly nothing. They are owed no longer."""
        if not self._owed:
            return b""
        owed = b"".join(self._owed)
        self._owed.clear()
        return owed

    def close(self, code: int, why: str = "") -> None:
        """We want no more: the peer is owed a close, unless there was one. ``why``: for it, up to 123 bytes.

        Raises ProtocolError for a code that may not be sent.
        """
        if not self.closed:
            self.closed = Close(code, why)
            self._owed.append(Frame(Opcode.CLOSE, self.closed.serialize()).serialize(mask=False))

    def fail(self, code: int, why: str = "") -> None:
        """As ``close``, and nothing more is read. ``why`` is for us."""
        if not self.closed:
            self.close(code)
            self.closed = Close(code, why)
        self.others += 1  # so that it is looked at
        self._stop_reading()

    def lose(self, why: str = "") -> None:
        """The connection is gone."""
        self.closed = self.closed or Close(CloseCode.ABNORMAL_CLOSURE, why)
        self._stop_reading()

    def _stop_reading(self) -> None:
        self._deaf = True
        self._buffer, self._at = b"", 0

    # ---- frames of any kind ----

    def _next_of_any_kind(self) -> str | bytes | None:
        try:
            while frame := self._next_frame():
                first, payload = frame
                self.others += first & (FIN | CONTROL) != FIN or not first & OPCODE
                if first & CONTROL:
                    self._control(first & OPCODE, payload)
                elif (message := self._data(first, payload)) is not None:
                    return message
        except _Failed as failed:
            self.fail(*failed.args)
        except UnicodeDecodeError:
            self.fail(CloseCode.INVALID_DATA, "no UTF-8")
        except ProtocolError as error:
            self.fail(CloseCode.PROTOCOL_ERROR, str(error))
        return None

    def _next_frame(self) -> tuple[int, bytes] | None:
        """Its first byte and its payload, once all of it is there; what is wrong with it is told before."""
        buffer, at = self._buffer, self._at
        there = len(buffer) - at
        if there < 2:
            return None
        first, short = buffer[at], buffer[at + 1] & ~MASKED
        self._check(first, masked=bool(buffer[at + 1] & MASKED), short=short)
        extended = EXTENDED.get(short, 0)
        body = at + 2 + extended + MASK_BYTES
        if len(buffer) < body:
            return None
        size = int.from_bytes(buffer[at + 2 : at + 2 + extended], "big") if extended else short
        if not first & CONTROL and self._size + size > MAX_MESSAGE_BYTES:
            raise _Failed(CloseCode.MESSAGE_TOO_BIG, f"more than {MAX_MESSAGE_BYTES} bytes in a message")
        end = body + size
        if len(buffer) < end:
            return None
        self._at = end
        return first, apply_mask(buffer[body:end], buffer[body - MASK_BYTES : body])

    def _check(self, first: int, *, masked: bool, short: int) -> None:
        """What the first two bytes of a frame tell."""
        opcode = first & OPCODE
        if first & RESERVED:
            why = "reserved bits"
        elif opcode not in KINDS:
            why = "unknown opcode"
        elif not masked:
            why = "no mask"
        elif first & CONTROL:
            why = "long control frame" if short > MOST_IN_CONTROL else ""
            why = why or ("" if first & FIN else "fragmented control frame")
        elif opcode:
            why = "a message within a message" if self._begun else ""
        else:
            why = "" if self._begun else "a continuation of nothing"
        if why:
            raise _Failed(CloseCode.PROTOCOL_ERROR, why)

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PING:
            self._owed.append(Frame(Opcode.PONG, payload).serialize(mask=False))
        elif opcode == Opcode.PONG:
            self.pongs += 1
        else:
            close = Close.parse(payload)
            if self.closed is None:
                self.closed = close
                self._owed.append(Frame(Opcode.CLOSE, payload).serialize(mask=False))
            self.peer_closed = True
            self._stop_reading()

    def _data(self, first: int, payload: bytes) -> str | bytes | None:
        """A message, when this was the last of it."""
        last = bool(first & FIN)
        self._begun = self._begun or first & OPCODE
        text = self._begun == Opcode.TEXT
        self._parts.append(self._utf8.decode(payload, last) if text else payload)
        self._size += len(payload)
        if not last:
            return None
        parts, self._parts = self._parts, []
        self._begun = self._size = 0
        return "".join(parts) if text else b"".join(parts)  # type: ignore[arg-type]  # all of one kind
