"""Messages as a server's frames: unmasked, each in one frame."""

from collections.abc import Iterable
from functools import lru_cache

from websockets.frames import Frame, Opcode

TEXT = 0x81  # the last frame of a message, which is text


def text_frames(messages: Iterable[str]) -> bytes:
    """All of them, in their order, as they go on the wire."""
    parts = []
    for message in messages:
        payload = message.encode()
        parts.append(_head(len(payload)))
        parts.append(payload)
    return b"".join(parts)


def bytes_frame(message: bytes) -> bytes:
    """A message that is no text."""
    return Frame(Opcode.BINARY, message).serialize(mask=False)


@lru_cache(maxsize=256)  # a call sends messages of a handful of lengths
def _head(length: int) -> bytes:
    if length < 126:
        return bytes((TEXT, length))
    if length < 65536:
        return bytes((TEXT, 126)) + length.to_bytes(2, "big")
    return bytes((TEXT, 127)) + length.to_bytes(8, "big")
