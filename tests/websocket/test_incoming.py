"""A client's bytes, in every chopping, against Autobahn's cases and against another implementation."""

from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ProtocolError
from websockets.frames import CloseCode, Frame
from websockets.protocol import State
from websockets.server import ServerProtocol

from server.websocket.incoming import Incoming
from server.websocket.limits import MAX_MESSAGE_BYTES
from tests.websocket.catalogue import NO_CODE, Answer, Case
from tests.websocket.catalogue_utf8 import CASES
from tests.websocket.frames import BINARY, CLOSE, CONTINUED, PING, PONG, TEXT, close, frame, said

PIECES = (1, 2, 3, 7, 1000, 4096, 1 << 20)


def echoed(pieces: list[bytes]) -> tuple[list[Answer], int | None]:
    """What a server that echoes would say, and the code of its close."""
    incoming, answers = Incoming(), b""
    for piece in pieces:
        incoming.feed(piece)
        while not incoming.closed:
            message = incoming.next()
            answers += incoming.take_owed()
            if message is None:
                break
            payload = message.encode() if isinstance(message, str) else message
            answers += frame(TEXT if isinstance(message, str) else BINARY, payload, mask=b"")
    frames = list(said(answers))
    code = None
    if frames and frames[-1][0] == CLOSE:
        _, payload = frames.pop()
        code = int.from_bytes(payload[:2], "big") if payload else NO_CODE
        assert incoming.closed is not None and incoming.closed.code == code
    return frames, code


def cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_autobahns_cases(case: Case) -> None:
    """In whatever pieces they come."""
    stream = case.sends + case.last
    sizes = PIECES if len(stream) < 4096 else PIECES[4:]
    for size in {*sizes, case.chop or len(stream)}:
        assert echoed(cut(stream, size)) == (list(case.answers), case.code)


def test_the_catalogue_is_whole() -> None:
    """As many cases of each section as Autobahn has; but for limits, of which ours are lower."""
    numbers = [case.number for case in CASES]
    assert len(set(numbers)) == len(numbers)
    counted = {
        section: sum(case.section == section for case in CASES) for section in "1 2 3 4 5 6 7 10".split()
    }
    assert counted == {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "10": 1}


# ---- another implementation ----

UNITS = st.sampled_from(["", "a", "שלום", "€𤭢", '{"event":"media"}'])
BROKEN_TEXTS = st.sampled_from([b"\xff", b"ok\xc3", b"\x90", b"\xed\xa0\x80", b"\xf4\x90"])
EITHER = [(CLOSE, code.to_bytes(2, "big")) for code in (CloseCode.PROTOCOL_ERROR, CloseCode.MESSAGE_TOO_BIG)]
CODES = st.integers(0, 5001) | st.sampled_from([1000, 1001, 1005, 1006, 1015, 2999, 3000, 4999, 65535])


class Sent(NamedTuple):
    """A frame of ``unit`` so many times, but for the last ``short`` bytes."""

    opcode: int
    unit: str = ""
    times: int = 1
    short: int = 0
    fin: bool = True
    mask: bytes = b"\1\2\3\4"

    @property
    def bytes(self) -> bytes:
        payload = self.unit.encode() * self.times
        return frame(self.opcode, payload[: len(payload) - self.short], fin=self.fin, mask=self.mask)


@st.composite
def right(draw: st.DrawFn) -> bytes | Sent:
    """A frame that may be right, where it stands."""
    opcode = draw(st.sampled_from([CONTINUED, TEXT, TEXT, TEXT, BINARY, PING, PONG]))
    mask = draw(st.binary(min_size=4, max_size=4))
    if opcode in (PING, PONG):
        return frame(opcode, draw(st.binary(max_size=125)), mask=mask)
    times = draw(st.sampled_from([0, 1, 2, 7, 25, 31, 32, 63, 125, 126, 2000, 4000, 8192, 65_000]))
    fin = draw(st.booleans())
    return Sent(opcode, draw(UNITS), times, 0 if fin else draw(st.integers(0, 3)), fin, mask)


@st.composite
def wrong(draw: st.DrawFn) -> bytes:
    """A frame with one thing wrong with it; or a close, which need not be."""
    kind = draw(st.integers(0, 6))
    if kind == 0:
        return frame(TEXT, b"{}", rsv=draw(st.integers(1, 7)))
    if kind == 1:
        return frame(draw(st.sampled_from([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])), b"{}")
    if kind == 2:
        return frame(draw(st.sampled_from([TEXT, PING])), b"{}", mask=b"")
    if kind == 3:
        return frame(draw(st.sampled_from([PING, PONG, CLOSE])), b"x" * draw(st.sampled_from([126, 5000])))
    if kind == 4:
        return frame(draw(st.sampled_from([PING, PONG])), b"x", fin=False)
    if kind == 5:
        return frame(TEXT, draw(BROKEN_TEXTS), fin=draw(st.booleans()))
    return draw(st.sampled_from([close(None), frame(CLOSE, b"x"), close(1000, b"\xff")]) | CODES.map(close))


STREAMS = st.lists(right(), max_size=8).flatmap(
    lambda first: st.lists(wrong(), max_size=2).map(lambda last: [*first, *last])
)


def written(sent: list[bytes | Sent]) -> list[bytes]:
    return [one.bytes if isinstance(one, Sent) else one for one in sent]


class Oracle:
    """``websockets``' own protocol, with the messages put together and read as text."""

    def __init__(self) -> None:
        self._protocol = ServerProtocol(state=State.OPEN, max_size=MAX_MESSAGE_BYTES)
        self._utf8 = getincrementaldecoder("utf-8")()
        self._opcode = 0
        self._parts = b""

    def hear(self, one: bytes) -> Iterator[tuple[int, bytes]]:
        """What a server that echoes says to a frame."""
        protocol = self._protocol
        if one[0] & 0x0F == CLOSE and protocol.current_size is not None:
            protocol.current_size = None  # it takes no close within a message; Autobahn's 7.1.5 asks for one
        protocol.receive_data(one)
        answers = [data for data in protocol.data_to_send() if data]
        for event in protocol.events_received():
            assert isinstance(event, Frame)
            try:
                yield from self._echo(event)
            except UnicodeDecodeError:
                protocol.fail(CloseCode.INVALID_DATA)
        yield from said(b"".join(answers + protocol.data_to_send()))

    def _echo(self, event: Frame) -> Iterator[tuple[int, bytes]]:
        if event.opcode not in (CONTINUED, TEXT, BINARY):
            return
        self._opcode = event.opcode or self._opcode
        self._parts += event.data
        if self._opcode == TEXT:
            self._utf8.decode(event.data, event.fin)
        if event.fin:
            yield self._opcode, self._parts
            self._parts = b""

    @property
    def over(self) -> bool:
        return self._protocol.state is not State.OPEN


def without_reasons(answers: list[Answer]) -> list[Answer]:
    """A close's reason is for people."""
    return [(opcode, payload[:2] if opcode == CLOSE else payload) for opcode, payload in answers]


def either(answers: list[Answer], frames: list[bytes]) -> list[Answer]:
    """What is too long may be wrong in another way too; which is told first is nobody's business."""
    too_long = sum(map(len, frames)) > MAX_MESSAGE_BYTES
    return [answer for answer in answers if not (too_long and answer in EITHER)]


@settings(max_examples=300)
@given(STREAMS)
def test_it_says_what_another_implementation_says(sent: list[bytes | Sent]) -> None:
    oracle, expected, frames = Oracle(), list[Answer](), written(sent)
    for one in frames:
        if not oracle.over:
            expected += oracle.hear(one)
    answers, code = echoed([b"".join(frames)])
    if code is not None:
        answers.append((CLOSE, b"" if code == NO_CODE else code.to_bytes(2, "big")))
    assert either(answers, frames) == either(without_reasons(expected), frames)


@settings(max_examples=200)
@given(STREAMS, st.data())
def test_any_chopping_gives_the_same(sent: list[bytes | Sent], data: st.DataObject) -> None:
    stream = b"".join(written(sent))
    edges = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=30)))
    pieces = [stream[begin:end] for begin, end in zip([0, *edges], [*edges, len(stream)], strict=True)]
    assert echoed(pieces) == echoed([stream])


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_end_well(stream: bytes) -> None:
    echoed([stream])


def test_a_client_may_close_while_we_wait_for_its_close() -> None:
    incoming = Incoming()
    incoming.close(1000)
    assert incoming.take_owed() == b"\x88\x02\x03\xe8"
    incoming.feed(frame(TEXT, b"on its way") + close(1001) + frame(TEXT, b"behind it"))
    assert (incoming.next(), incoming.next()) == ("on its way", None)
    assert incoming.peer_closed and incoming.take_owed() == b""
    assert incoming.closed is not None and incoming.closed.code == 1000


def test_a_close_that_may_not_be_sent_is_not() -> None:
    with pytest.raises(ProtocolError):
        Incoming().close(1006)


def test_what_is_too_long_is_refused_by_its_head() -> None:
    """Nobody waits for the rest."""
    incoming = Incoming()
    incoming.feed(frame(TEXT, b"", size=MAX_MESSAGE_BYTES + 1))
    assert incoming.next() is None
    assert incoming.closed is not None and incoming.closed.code == CloseCode.MESSAGE_TOO_BIG


def test_what_is_no_whole_message_is_counted() -> None:
    incoming = Incoming()
    for one in (
        frame(PING),
        frame(PONG),
        frame(TEXT, fin=False),
        frame(CONTINUED),
        frame(TEXT),
        frame(BINARY),
    ):
        incoming.feed(one)
        incoming.next()
    assert (incoming.others, incoming.pongs) == (4, 1)


@pytest.mark.parametrize("end", [frame(3), close(), frame(TEXT, b"{}", mask=b"")])
def test_nothing_is_read_behind_the_end(end: bytes) -> None:
    """Whether it comes with it or later; a frame without a mask is an end."""
    incoming = Incoming()
    for stream in (end + frame(TEXT, b"late"), frame(TEXT, b"later") + frame(PING)):
        incoming.feed(stream)
        assert incoming.next() is None
    assert incoming.closed is not None
    assert [opcode for opcode, _ in said(incoming.take_owed())] == [CLOSE]
