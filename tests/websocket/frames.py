"""Frames as a client writes them, right or wrong; and what a server's frames say."""

from collections.abc import Iterator

from websockets.utils import apply_mask

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x01\xfe\x80\x7f"


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes = MASK, size: int = -1
) -> bytes:
    """``mask``: four bytes, or none. ``size``: claimed in the place of the payload's."""
    size = len(payload) if size < 0 else size
    short = size if size < 126 else 126 if size < 65536 else 127
    head = bytes((fin << 7 | rsv << 4 | opcode, (0x80 if mask else 0) | short))
    head += size.to_bytes({126: 2, 127: 8}[short], "big") if short > 125 else b""
    return head + mask + (apply_mask(payload, mask) if mask else payload)


def close(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


def fragments(opcode: int, payload: bytes, size: int) -> bytes:
    """One message in frames of so many bytes."""
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    last = len(parts) - 1
    return b"".join(
        frame(0 if number else opcode, part, fin=number == last) for number, part in enumerate(parts)
    )


def said(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of a server's frames, which are whole messages without a mask. Half of one: none."""
    at = 0
    while at + 2 <= len(stream):
        assert stream[at] & 0xF0 == 0x80 and not stream[at + 1] & 0x80
        size, body = stream[at + 1], at + 2
        if size > 125:
            body += {126: 2, 127: 8}[size]
            size = int.from_bytes(stream[at + 2 : body], "big")
        if body + size > len(stream):
            return
        yield stream[at] & 0x0F, stream[body : body + size]
        at = body + size
