"""Bytes that are not WebSocket, where a frame should be. Pure but for the ``random.Random`` given."""

import random
import struct
from collections.abc import Callable, Iterator

TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
MASK = b"\x01\x02\x03\x04"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    masked: bool = True,
    size: int | None = None,
) -> bytes:
    """A client's frame; ``size`` claims another length than the payload has."""
    size = len(payload) if size is None else size
    first = bytes([(fin << 7) | (rsv << 4) | opcode])
    flag = 0x80 if masked else 0
    if size < 126:
        head = first + bytes([flag | size])
    elif size < 65536:
        head = first + bytes([flag | 126]) + struct.pack(">H", size)
    else:
        head = first + bytes([flag | 127]) + struct.pack(">Q", size)
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def unknown_opcode(chance: random.Random) -> Iterator[bytes]:
    yield frame(chance.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), b"{}")


def unmasked(chance: random.Random) -> Iterator[bytes]:
    yield frame(TEXT, b'{"event":"media"}', masked=False)


def reserved_bits(chance: random.Random) -> Iterator[bytes]:
    """The first of them says "compressed" to who has agreed on permessage-deflate."""
    yield frame(TEXT, chance.randbytes(50), rsv=chance.randint(1, 7))


def not_utf8(chance: random.Random) -> Iterator[bytes]:
    yield frame(TEXT, chance.choice((b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b'{"event":"\x80"}')))


def half_a_character(chance: random.Random) -> Iterator[bytes]:
    yield frame(TEXT, b'{"event":"\xd7', fin=False)
    yield frame(CONTINUED, b'\x90"}')


def huge_claim(chance: random.Random) -> Iterator[bytes]:
    yield frame(TEXT, b"{", size=chance.choice((65_537, 2**31, 2**40, 2**63 - 1, 2**63, 2**64 - 1)))


def too_long(chance: random.Random) -> Iterator[bytes]:
    yield frame(TEXT, b"x" * 70_000)


def truncated(chance: random.Random) -> Iterator[bytes]:
    whole = frame(TEXT, b'{"event":"media"}')
    yield whole[: chance.randrange(1, len(whole))]


def fragments(chance: random.Random) -> Iterator[bytes]:
    """A message without an end."""
    yield frame(TEXT, b"{", fin=False)
    for _ in range(chance.randrange(1, 2000)):
        yield frame(CONTINUED, b" " * chance.choice((0, 1, 100)), fin=False)


def nothing_to_continue(chance: random.Random) -> Iterator[bytes]:
    yield frame(CONTINUED, b"{}")


def interleaved(chance: random.Random) -> Iterator[bytes]:
    yield frame(TEXT, b"{", fin=False) + frame(TEXT, b"{}")


def long_control(chance: random.Random) -> Iterator[bytes]:
    yield frame(chance.choice((PING, PONG, CLOSE)), b"x" * chance.choice((126, 5000)))


def cut_control(chance: random.Random) -> Iterator[bytes]:
    yield frame(PING, b"x", fin=False)


def pings(chance: random.Random) -> Iterator[bytes]:
    for _ in range(chance.randrange(1, 1000)):
        yield frame(PING, chance.randbytes(chance.choice((0, 4, 125))))


def pongs(chance: random.Random) -> Iterator[bytes]:
    for _ in range(chance.randrange(1, 1000)):
        yield frame(PONG, b"unasked")


def odd_close(chance: random.Random) -> Iterator[bytes]:
    codes = (0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535)
    odd = (b"\x03", struct.pack(">H", chance.choice(codes)), b"\x03\xe8\xff\xfe", b"\x03\xe8" + b"r" * 200)
    yield frame(CLOSE, chance.choice(odd))


def after_close(chance: random.Random) -> Iterator[bytes]:
    yield frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"{}") * 50


def noise(chance: random.Random) -> Iterator[bytes]:
    yield chance.randbytes(chance.randrange(1, 3000))


def http_again(chance: random.Random) -> Iterator[bytes]:
    yield b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


KINDS: tuple[Callable[[random.Random], Iterator[bytes]], ...] = (
    unknown_opcode,
    unmasked,
    reserved_bits,
    not_utf8,
    half_a_character,
    huge_claim,
    too_long,
    truncated,
    fragments,
    nothing_to_continue,
    interleaved,
    long_control,
    cut_control,
    pings,
    pongs,
    odd_close,
    after_close,
    noise,
    http_again,
)


def raw_frames(chance: random.Random) -> Iterator[bytes]:
    """One kind of them, in the pieces in which it is sent."""
    return chance.choice(KINDS)(chance)
