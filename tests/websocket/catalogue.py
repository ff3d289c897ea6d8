"""Autobahn's cases for a server that echoes, by their numbers, and what it must answer.

Written anew from the catalogue of autobahntestsuite 25.10.1, which is Python 2. Where a case sends more than
a call's socket takes (64 KiB a message), the answer is ours.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.websocket.frames import BINARY, CONTINUED, PING, PONG, TEXT, close, fragments, frame

NORMAL, PROTOCOL_ERROR, INVALID_DATA, TOO_BIG = 1000, 1002, 1007, 1009
NO_CODE = 1005
HELLO = b"Hello, world!"
BYTES = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
GREEK = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"  # one letter of three bytes
SURROGATE = b"\xed\xa0\x80"
BEYOND = b"\xf4\x90\x80\x80"
EDITED = b"edited"
SECTIONS = {
    "1": "framing",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragmentation",
    "6": "UTF-8",
    "7": "closing",
    "9": "limits",
    "10": "many fragments",
}
Answer = tuple[int, bytes]  # an opcode and a payload


@dataclass(frozen=True)
class Case:
    """``sends``, cut into pieces of ``chop`` bytes (0: in one); ``answers``, in this order; then a close.

    ``last``: what the client sends once it has the answers. ``code``: in the server's close; NO_CODE where
    it has none.
    """

    number: str
    sends: bytes
    answers: tuple[Answer, ...] = ()
    code: int = NORMAL
    chop: int = 0
    last: bytes = b""

    @property
    def section(self) -> str:
        return self.number.partition(".")[0]


def good(number: str, sends: bytes, *answers: Answer, chop: int = 0) -> Case:
    """The client closes at the end of it."""
    return Case(number, sends, answers, chop=chop, last=close())


def bad(number: str, sends: bytes, *answers: Answer, code: int = PROTOCOL_ERROR, chop: int = 0) -> Case:
    return Case(number, sends, answers, code, chop)


def echo(number: str, opcode: int, payload: bytes, chop: int = 0) -> Case:
    return good(number, frame(opcode, payload), (opcode, payload), chop=chop)


def framing() -> Iterator[Case]:
    for section, opcode, byte in ((1, TEXT, b"*"), (2, BINARY, b"\xfe")):
        for number, size in enumerate((0, 125, 126, 127, 128, 65535, 65536), 1):
            yield echo(f"1.{section}.{number}", opcode, byte * size)
        yield echo(f"1.{section}.8", opcode, byte * 65536, chop=997)


def pings() -> Iterator[Case]:
    for at, payload in enumerate((b"", HELLO, BYTES, b"\xfe" * 125), 1):
        yield good(f"2.{at}", frame(PING, payload), (PONG, payload))
    yield bad("2.5", frame(PING, b"\xfe" * 126))
    yield good("2.6", frame(PING, b"\xfe" * 125), (PONG, b"\xfe" * 125), chop=1)
    yield good("2.7", frame(PONG))
    yield good("2.8", frame(PONG, b"unsolicited"))
    yield good("2.9", frame(PONG, b"unsolicited") + frame(PING, b"asked"), (PONG, b"asked"))
    payloads = [b"payload-%d" % number for number in range(10)]
    sent = b"".join(frame(PING, payload) for payload in payloads)
    for number, chop in (("2.10", 0), ("2.11", 1)):
        yield good(number, sent, *((PONG, payload) for payload in payloads), chop=chop)


def reserved() -> Iterator[Case]:
    yield bad("3.1", frame(TEXT, HELLO, rsv=1))
    hello = frame(TEXT, HELLO)
    for number, rsv, chop in (("3.2", 2, 0), ("3.3", 3, 0), ("3.4", 4, 1)):
        yield bad(number, hello + frame(TEXT, HELLO, rsv=rsv) + frame(PING), (TEXT, HELLO), chop=chop)
    yield bad("3.5", frame(BINARY, BYTES, rsv=5))
    yield bad("3.6", frame(PING, HELLO, rsv=6))
    yield bad("3.7", frame(8, rsv=7))


def opcodes() -> Iterator[Case]:
    hello = frame(TEXT, HELLO)
    for section, first in ((1, 3), (2, 11)):
        yield bad(f"4.{section}.1", frame(first))
        yield bad(f"4.{section}.2", frame(first + 1, b"reserved opcode payload"))
        for number, payload, chop in ((3, b"", 0), (4, HELLO, 0), (5, HELLO, 1)):
            sends = hello + frame(first + number - 1, payload) + frame(PING)
            yield bad(f"4.{section}.{number}", sends, (TEXT, HELLO), chop=chop)


def fragmentation() -> Iterator[Case]:
    one, two = frame(TEXT, b"fragment1", fin=False), frame(CONTINUED, b"fragment2")
    ping = frame(PING, b"ping payload")
    whole, pong = (TEXT, b"fragment1fragment2"), (PONG, b"ping payload")
    stray = frame(CONTINUED, b"non-continuation payload") + frame(TEXT, HELLO)
    open_stray = frame(CONTINUED, b"non-continuation payload", fin=False) + frame(TEXT, HELLO)
    yield bad("5.1", frame(PING, b"fragment1", fin=False) + two)
    yield bad("5.2", frame(PONG, b"fragment1", fin=False) + two)
    for at, chop in ((3, 0), (4, 15), (5, 1)):
        yield good(f"5.{at}", one + two, whole, chop=chop)
        yield good(f"5.{at + 3}", one + ping + two, pong, whole, chop=chop)
        yield bad(f"5.{at + 6}", stray, chop=chop)
        yield bad(f"5.{at + 9}", open_stray, chop=chop)
    yield bad("5.15", one + two + frame(CONTINUED, b"3", fin=False) + frame(TEXT, b"4"), whole)
    middle = frame(TEXT, b"fragment2", fin=False) + frame(CONTINUED, b"fragment3")
    yield bad("5.16", (frame(CONTINUED, b"fragment1", fin=False) + middle) * 2)
    yield bad("5.17", (frame(CONTINUED, b"fragment1") + middle) * 2)
    yield bad("5.18", one + frame(TEXT, b"fragment2"))
    parts = b"".join(
        frame(0 if n else TEXT, b"fragment%d" % n, fin=n == 4) + ping * (n in (1, 3)) for n in range(5)
    )
    text = b"".join(b"fragment%d" % n for n in range(5))
    for number, chop in (("5.19", 0), ("5.20", 20)):
        yield good(number, parts, pong, pong, (TEXT, text), chop=chop)


def closing() -> Iterator[Case]:
    yield good("7.1.1", frame(TEXT, HELLO), (TEXT, HELLO))
    yield Case("7.1.2", close() + close())
    yield Case("7.1.3", close() + frame(PING))
    yield Case("7.1.4", close() + frame(TEXT, HELLO))
    yield Case("7.1.5", frame(TEXT, b"1", fin=False) + close() + frame(CONTINUED, b"2"))
    yield bad("7.1.6", frame(TEXT, b"x" * 262_144) + frame(TEXT, HELLO) + close(), code=TOO_BIG)
    yield Case("7.3.1", close(None), code=NO_CODE)
    yield bad("7.3.2", frame(8, b"\x03"))
    yield Case("7.3.3", close(1000))
    yield Case("7.3.4", close(1000, b"Hello World!"))
    yield Case("7.3.5", close(1000, b"*" * 123))
    yield bad("7.3.6", close(1000, b"*" * 124))
    yield bad("7.5.1", close(1000, GREEK + SURROGATE + EDITED), code=INVALID_DATA)
    valid = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    for number, code in enumerate(valid, 1):
        yield Case(f"7.7.{number}", close(code), code=code)
    for number, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
        yield bad(f"7.9.{number}", close(code))
    for number, code in enumerate((5000, 65535), 1):
        yield bad(f"7.13.{number}", close(code))


def limits() -> Iterator[Case]:
    """The first of each kind are taken; the others are longer than a message may be."""
    for section, opcode in (("9.1", TEXT), ("9.2", BINARY)):
        yield echo(f"{section}.1", opcode, b"BAsd7&jh" * 8192)
        yield bad(f"{section}.2", frame(opcode, b"BAsd7&jh" * 32768), code=TOO_BIG)
    for section, opcode in (("9.3", TEXT), ("9.4", BINARY)):
        for number, size in ((4, 4096), (5, 16384), (6, 65536)):
            sends = fragments(opcode, b"*" * 262_144, size)
            yield bad(f"{section}.{number}", sends, code=TOO_BIG)
    for section, opcode in (("9.5", TEXT), ("9.6", BINARY)):
        for number, chop in ((1, 64), (4, 512), (6, 2048)):
            yield bad(f"{section}.{number}", frame(opcode, b"*" * 131_072), code=TOO_BIG, chop=chop)
    for section, opcode in (("9.7", TEXT), ("9.8", BINARY)):
        for number, size in enumerate((0, 16, 64, 256), 1):
            payload = b"*" * size
            yield good(f"{section}.{number}", frame(opcode, payload) * 1000, *[(opcode, payload)] * 1000)


def many_fragments() -> Iterator[Case]:
    yield good("10.1.1", fragments(TEXT, b"*" * 65536, 1300), (TEXT, b"*" * 65536))
