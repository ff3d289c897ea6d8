"""The socket of a call, on a wire whose time and bytes are given; who owes what, and when."""

import threading
from collections.abc import Callable, Iterable

import pytest
from simple_websocket import ConnectionClosed

from server.telephony.websocket import SOCKET_ENDED, put_on
from server.websocket.limits import (
    BYTES_AT_ONCE,
    BYTES_PER_S,
    MAX_MESSAGE_BYTES,
    OTHERS_AT_ONCE,
    PING_INTERVAL_S,
)
from server.websocket.server import ServerSocket
from tests.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUED,
    PING,
    PONG,
    TEXT,
    close,
    fragments,
    frame,
    said,
)

SHUT = b""
FRAME_S = 0.02


class GivenWire:
    """``pieces`` come one after another: bytes, an error, or how many seconds nothing comes."""

    def __init__(self, pieces: Iterable[bytes | float | OSError] = ()) -> None:
        self.now = 0.0
        self.pieces = list(pieces)
        self.waited: list[float] = []
        self.writes: list[bytes] = []
        self.released = False
        self.before_sending: Callable[[], None] = lambda: None

    def recv(self, within_s: float) -> bytes | None:
        self.waited.append(within_s)
        for piece in self.pieces[:1]:
            if isinstance(piece, OSError):
                raise piece
            if isinstance(piece, bytes):
                return self.pieces.pop(0)  # type: ignore[return-value]  # it is these bytes
            if piece <= within_s:
                self.now += piece
                self.pieces.pop(0)
                return self.recv(within_s - piece) if self.pieces else None
            self.pieces[0] = piece - within_s
        self.now += within_s
        return None

    def send(self, data: bytes, within_s: float | None = None) -> None:
        self.before_sending()
        self.writes.append(data)

    def release(self) -> None:
        self.released = True

    @property
    def said(self) -> list[tuple[int, bytes]]:
        return list(said(b"".join(self.writes)))


def socket_on(wire: GivenWire, came_along: bytes = b"", told: list[str] | None = None) -> ServerSocket:
    def tell(line: str, why: object) -> None:
        if told is not None:
            told.append(line % why)

    return ServerSocket(None, wire, None, came_along, tell=tell, clock=lambda: wire.now)  # type: ignore[arg-type]


def reason(code: int) -> bytes:
    return code.to_bytes(2, "big")


# ---- receiving ----


def test_messages_that_come_together_are_read_once() -> None:
    wire = GivenWire([b"".join(frame(TEXT, b"%d" % number) for number in range(20))])
    ws = socket_on(wire)
    assert [ws.receive(0.04) for _ in range(20)] == [str(number) for number in range(20)]
    assert len(wire.waited) == 1


def test_what_came_with_the_handshake_is_not_lost() -> None:
    wire = GivenWire([frame(TEXT, b"cd")[3:]])
    ws = socket_on(wire, frame(TEXT, b"ab") + frame(TEXT, b"cd")[:3])
    assert (ws.receive(1), ws.receive(1), len(wire.waited)) == ("ab", "cd", 1)


def test_nothing_in_time_is_none() -> None:
    wire = GivenWire([0.05, frame(TEXT, b"late")])
    ws = socket_on(wire)
    assert (ws.receive(0.04), ws.receive(0.04)) == (None, "late")


def test_a_message_in_parts_is_not_waited_for_without_end() -> None:
    """A peer that sends a byte whenever it is waited for keeps nobody from looking at the clock."""
    one = frame(TEXT, b"a message")
    pieces: list[bytes | float | OSError] = []
    for byte in one:
        pieces += [0.03, bytes([byte])]
    wire = GivenWire(pieces)
    ws = socket_on(wire)
    began, message = 0.0, None
    while message is None:
        message = ws.receive(0.04)
        assert wire.now - began < 0.081
        began = wire.now
    assert message == "a message"


@pytest.mark.parametrize("timeout", [None, 60.0])
def test_a_long_wait_is_a_wait_for_pings_too(timeout: float | None) -> None:
    wire = GivenWire([PING_INTERVAL_S + 1, frame(PONG), 30.0, frame(TEXT, b"at last")])
    assert socket_on(wire).receive(timeout) == "at last"
    assert [opcode for opcode, _ in wire.said] == [PING, PING]


def test_bytes_are_a_message_too() -> None:
    ws = socket_on(GivenWire([frame(BINARY, b"\xff")]))
    assert ws.receive(1) == b"\xff"


# ---- what a peer is owed ----


def test_a_ping_is_answered_before_the_message_behind_it_is_given() -> None:
    wire = GivenWire([frame(PING, b"there?") + frame(TEXT, b"yes")])
    assert socket_on(wire).receive(1) == "yes"
    assert wire.said == [(PONG, b"there?")]


def test_who_sends_answers_a_ping_that_came_meanwhile() -> None:
    """RX does not wait for a peer that takes nothing: it would hear nobody then."""
    wire = GivenWire([frame(PING, b"1"), frame(PING, b"2")])
    ws = socket_on(wire)
    sending, may_send = threading.Event(), threading.Event()

    def held_up() -> None:
        sending.set()
        may_send.wait(5)

    wire.before_sending = held_up
    tx = threading.Thread(target=ws.send, args=("long",))
    tx.start()
    assert sending.wait(5)
    wire.before_sending = lambda: None
    assert ws.receive(0.1) is None
    assert wire.said == []
    may_send.set()
    tx.join(5)
    assert wire.said == [(TEXT, b"long"), (PONG, b"1"), (PONG, b"2")]


def test_a_silent_peer_is_pinged_and_one_that_answers_stays() -> None:
    wire = GivenWire([26.0, frame(PONG), 25.5, frame(PONG), 25.0])
    ws = socket_on(wire)
    for _ in range(15):
        assert ws.receive(5.0) is None
    assert [opcode for opcode, _ in wire.said] == [PING, PING, PING]


def test_a_vanished_peer_is_given_up_after_two_pings() -> None:
    wire = GivenWire()
    ws = socket_on(wire)
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            assert ws.receive(5.0) is None
    assert (ended.value.reason, wire.now) == (1008, 2 * PING_INTERVAL_S)
    assert wire.said == [(PING, b""), (CLOSE, reason(1008))]


def test_a_pong_that_we_have_not_read_in_time_is_one() -> None:
    """A process that was not let run for half a minute gives up nobody."""
    wire = GivenWire()
    ws = socket_on(wire)
    while not wire.writes:
        assert ws.receive(5.0) is None
    wire.now += 26.0
    wire.pieces = [frame(PONG) + frame(TEXT, b"still here")]
    assert ws.receive(5.0) == "still here"


# ---- limits ----


def test_a_fault_behind_a_flood_is_told() -> None:
    wire = GivenWire([frame(PING) * (OTHERS_AT_ONCE + 1) + frame(3)])
    with pytest.raises(ConnectionClosed):
        socket_on(wire, told=[]).receive(1)
    assert wire.said[-1] == (CLOSE, reason(1002))


def test_more_bytes_than_a_call_has_end_it() -> None:
    told: list[str] = []
    piece = frame(TEXT, b"x" * 4000)
    wire = GivenWire([piece] * (BYTES_AT_ONCE // 4000 + 1))
    ws = socket_on(wire, told=told)
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            ws.receive(1)
    assert ended.value.reason == 1008
    assert told == [f"WS_FLOOD more than {BYTES_PER_S} bytes a second"]
    assert wire.said == [(CLOSE, reason(1008))]


@pytest.mark.parametrize("other", [frame(PING), frame(PONG), frame(TEXT, fin=False) + frame(CONTINUED)])
def test_more_of_what_is_no_message_ends_it_too(other: bytes) -> None:
    told: list[str] = []
    wire = GivenWire([other * 100] * (OTHERS_AT_ONCE // 100 + 1))
    ws = socket_on(wire, told=told)
    with pytest.raises(ConnectionClosed):
        while True:
            ws.receive(1)
    assert "WS_FLOOD more than 100 pings, pongs and fragments a second" in told
    assert wire.said[-1] == (CLOSE, reason(1008))


def test_fragments_are_counted_together() -> None:
    stream = fragments(TEXT, b"x" * (MAX_MESSAGE_BYTES + 1), 16384)
    wire = GivenWire([stream[at : at + 4096] for at in range(0, len(stream), 4096)])
    with pytest.raises(ConnectionClosed):
        socket_on(wire).receive(1)
    assert wire.said == [(CLOSE, reason(1009))]


# ---- sending ----


def test_several_messages_are_one_write() -> None:
    wire = GivenWire()
    ws = socket_on(wire)
    texts = ["", "שלום", "x" * 125, "x" * 126, "x" * 65535, "x" * 65536]
    (sent,) = put_on(ws)(texts)
    assert sent == texts
    assert len(wire.writes) == 1
    assert wire.said == [(TEXT, text.encode()) for text in texts]


def test_bytes_can_be_sent() -> None:
    wire = GivenWire()
    socket_on(wire).send(b"\xff")
    assert wire.said == [(BINARY, b"\xff")]


def test_nothing_is_sent_behind_a_close() -> None:
    wire = GivenWire()
    ws = socket_on(wire)
    ws.close(1001, "bye")
    uses: list[Callable[[], object]] = [lambda: ws.send("late"), lambda: ws.send_all(["late"]), ws.close]
    for late in uses:
        with pytest.raises(ConnectionClosed):
            late()
    assert wire.said == [(CLOSE, reason(1001) + b"bye")]


def test_nothing_is_sent_to_a_peer_that_has_closed() -> None:
    wire = GivenWire([frame(TEXT, b"bye") + close(4000, b"why") + frame(TEXT, b"late")])
    ws = socket_on(wire)
    assert ws.receive(1) == "bye"
    with pytest.raises(ConnectionClosed) as ended:
        ws.receive(1)
    assert (ended.value.reason, ended.value.message) == (4000, "why")
    with pytest.raises(ConnectionClosed):
        ws.send("late")
    assert wire.said == [(CLOSE, reason(4000) + b"why")]


@pytest.mark.parametrize("end", [SHUT, ConnectionResetError(104, "reset")])
def test_a_connection_that_is_gone_says_so_to_both_threads(end: bytes | OSError) -> None:
    wire = GivenWire([end])
    ws = socket_on(wire)
    uses: list[Callable[[], object]] = [lambda: ws.receive(1), lambda: ws.send("x"), ws.close]
    for use in [*uses, *uses]:
        with pytest.raises(SOCKET_ENDED, match="1006"):
            use()
    assert wire.writes == []


# ---- the end ----


def test_the_end_waits_for_the_peers_close_and_takes_what_is_on_its_way() -> None:
    wire = GivenWire([0.1, frame(TEXT, b"x" * 400) * 5, 0.1, close(), b"behind"])
    ws = socket_on(wire)
    ws.end()
    assert wire.said == [(CLOSE, reason(1000))]
    assert wire.pieces == [] and wire.released and wire.now == pytest.approx(0.2, abs=0.002)


def test_the_end_is_not_waited_for_without_end() -> None:
    wire = GivenWire([0.05, b"\x81"] * 100)
    socket_on(wire).end()
    assert wire.released and wire.now == pytest.approx(0.3)


def test_a_peer_that_has_closed_is_not_waited_for() -> None:
    wire = GivenWire([close(), 1.0])
    ws = socket_on(wire)
    with pytest.raises(ConnectionClosed):
        ws.receive(1)
    ws.end()
    assert wire.released and wire.now < 0.01


# ---- a socket of another kind ----


def test_messages_go_one_by_one_where_a_socket_takes_one() -> None:
    class OneByOne:
        sent: list[str] = []

        def send(self, data: str) -> None:
            if len(self.sent) == 2:
                raise OSError("gone")
            self.sent.append(data)

    on_the_wire: list[str] = []
    with pytest.raises(OSError, match="gone"):
        for texts in put_on(OneByOne())(["a", "b", "c"]):  # type: ignore[arg-type]  # all that is used
            on_the_wire += texts
    assert on_the_wire == ["a", "b"]
