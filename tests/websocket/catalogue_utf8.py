"""Autobahn's section 6: text, right and wrong, whole and in fragments."""

from collections.abc import Iterator

from tests.websocket.catalogue import (
    BEYOND,
    EDITED,
    GREEK,
    INVALID_DATA,
    SURROGATE,
    Case,
    bad,
    closing,
    echo,
    fragmentation,
    framing,
    good,
    limits,
    many_fragments,
    opcodes,
    pings,
    reserved,
)
from tests.websocket.frames import CONTINUED, TEXT, fragments, frame

UMLAUTS = "Hello-µ@ßöäüàá-UTF-8!!".encode()
CUT_SHORT = (
    b"\xc0",
    b"\xe0\x80",
    b"\xf0\x80\x80",
    b"\xf8\x80\x80\x80",
    b"\xfc\x80\x80\x80\x80",
    b"\xdf",
    b"\xef\xbf",
    b"\xf7\xbf\xbf",
    b"\xfb\xbf\xbf\xbf",
    b"\xfd\xbf\xbf\xbf\xbf",
)
LEADS = ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))
HIGH, LOW = (
    (b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"),
    (b"\xed\xb0\x80", b"\xed\xbf\xbf"),
)
# By section, from 6.5 on: sequences of bytes that are UTF-8, and such that are not.
SEQUENCES: dict[int, tuple[tuple[bytes, ...], tuple[bytes, ...]]] = {
    5: (
        (
            "hello$world".encode(),
            "hello¢world".encode(),
            "hello€world".encode(),
            "hello𤭢world".encode(),
            GREEK,
        ),
        (),
    ),
    7: ((b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"), ()),
    8: ((), (b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80")),
    9: ((b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"), ()),
    10: ((), (b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf")),
    11: ((b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf"), (BEYOND,)),
    12: (
        (),
        (b"\x80", b"\xbf", *((b"\x80\xbf" * 3)[:size] for size in range(2, 7)), bytes(range(0x80, 0xBF))),
    ),
    13: ((), tuple(b"".join(bytes((lead, 0x20)) for lead in range(*leads)) for leads in LEADS)),
    14: ((), CUT_SHORT),
    15: ((), (b"".join(CUT_SHORT),)),
    16: ((), (b"\xfe", b"\xff", b"\xfe\xfe\xff\xff")),
    17: (
        (),
        tuple(
            lead + b"\x80" * size + b"\xaf"
            for size, lead in enumerate((b"\xc0", b"\xe0", b"\xf0", b"\xf8", b"\xfc"))
        ),
    ),
    18: (
        (),
        (
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xf0\x8f\xbf\xbf",
            b"\xf8\x87\xbf\xbf\xbf",
            b"\xfc\x83\xbf\xbf\xbf\xbf",
        ),
    ),
    19: (
        (),
        tuple(
            lead + b"\x80" * size
            for size, lead in enumerate((b"\xc0", b"\xe0", b"\xf0", b"\xf8", b"\xfc"), 1)
        ),
    ),
    20: ((), (*HIGH, LOW[0], b"\xed\xbe\x80", LOW[1])),
    21: ((), tuple(high + low for high in HIGH for low in LOW)),
    22: (
        (
            b"\xef\xbf\xbe",
            b"\xef\xbf\xbf",
            *(chr(plane << 16 | last).encode() for plane in range(1, 17) for last in (0xFFFE, 0xFFFF)),
        ),
        (),
    ),
    23: (tuple(chr(point).encode() for point in range(0xFFF9, 0x10000)), ()),
}


def is_text(sequence: bytes) -> bool:
    try:
        return bool(sequence.decode()) or True
    except UnicodeDecodeError:
        return False


def utf8() -> Iterator[Case]:
    yield echo("6.1.1", TEXT, b"")
    empty, last = frame(TEXT, fin=False), frame(CONTINUED)
    yield good("6.1.2", empty + frame(CONTINUED, fin=False) + last, (TEXT, b""))
    yield good("6.1.3", empty + frame(CONTINUED, b"middle", fin=False) + last, (TEXT, b"middle"))
    yield echo("6.2.1", TEXT, UMLAUTS)
    yield good("6.2.2", fragments(TEXT, UMLAUTS, 12), (TEXT, UMLAUTS))
    yield good("6.2.3", fragments(TEXT, UMLAUTS, 1), (TEXT, UMLAUTS))
    yield good("6.2.4", fragments(TEXT, GREEK, 1), (TEXT, GREEK))
    broken = GREEK + SURROGATE + EDITED
    yield bad("6.3.1", frame(TEXT, broken), code=INVALID_DATA)
    yield bad("6.3.2", fragments(TEXT, broken, 1), code=INVALID_DATA)
    # Nothing follows: what cannot become text any more is refused at once.
    first = frame(TEXT, GREEK, fin=False)
    yield bad("6.4.1", first + frame(CONTINUED, BEYOND, fin=False), code=INVALID_DATA)
    first = frame(TEXT, GREEK + BEYOND[:1], fin=False)
    yield bad("6.4.2", first + frame(CONTINUED, BEYOND[1:2], fin=False), code=INVALID_DATA)
    # Within a frame, once the frame is there: Autobahn calls that "not strict".
    yield bad("6.4.3", frame(TEXT, GREEK + BEYOND + EDITED), code=INVALID_DATA, chop=8)
    yield bad("6.4.4", frame(TEXT, GREEK + BEYOND + EDITED), code=INVALID_DATA, chop=1)
    for size in range(1, len(GREEK) + 1):
        yield whole(f"6.6.{size}", GREEK[:size], valid=is_text(GREEK[:size]))
    for section, (valid, invalid) in SEQUENCES.items():
        for number, sequence in enumerate(valid + invalid, 1):
            yield whole(f"6.{section}.{number}", sequence, valid=number <= len(valid))


def whole(number: str, sequence: bytes, *, valid: bool) -> Case:
    return echo(number, TEXT, sequence) if valid else bad(number, frame(TEXT, sequence), code=INVALID_DATA)


CASES = tuple(
    case
    for section in (
        framing,
        pings,
        reserved,
        opcodes,
        fragmentation,
        utf8,
        closing,
        limits,
        many_fragments,
    )
    for case in section()
)
