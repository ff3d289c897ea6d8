"""Part 4: what a media socket may say, and how long it may say nothing."""

import json
import socket
from collections.abc import Iterator
from itertools import accumulate
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.telephony.receiver import (
    AUDIO_TIMEOUT_S,
    MESSAGES_AT_ONCE,
    MESSAGES_PER_S,
    MOST_FRAMES_AT_ONCE,
    OWED_S,
    POLL_S,
    QUIET_S,
    START_TIMEOUT_S,
    ProtocolViolation,
    Quiet,
    QuietLine,
    Receiver,
)
from server.telephony.stream_clock import LineClock
from server.telephony.twilio_messages import Connected, Ignored, Media, Start
from server.telephony.websocket import has_unread

LONGEST_S = 3600.0
HELLO = json.dumps({"event": "connected"})
START = json.dumps({"event": "start", "start": {"streamSid": "MZ1", "callSid": "CA1"}})
MARK = json.dumps({"event": "mark", "mark": {"name": "1.0.0"}})
KEY = json.dumps({"event": "dtmf", "dtmf": {"digit": "1"}})
FRAME = json.dumps({"event": "media", "media": {"payload": "/" * 216, "timestamp": "20"}})


class Peer:
    """Says each message at its second."""

    def __init__(self, messages: list[tuple[float, str | bytes]]) -> None:
        self.now_s = 0.0
        self._messages: Iterator[tuple[float, str | bytes]] = iter(messages)
        self._next = next(self._messages, None)
        self.played_at_s = 0.0
        self.unread = False
        self.line = LineClock(lambda: self.now_s)
        self.receiver = Receiver(
            self.receive,
            lambda: self.now_s,
            LONGEST_S,
            line=self.line,
            unread=lambda: self.unread,
            played_at=lambda: self.played_at_s,
        )

    def receive(self, timeout_s: float) -> str | bytes | None:
        if self._next is None or self._next[0] > self.now_s + timeout_s:
            self.now_s += timeout_s
            return None
        at_s, message = self._next
        self.now_s = max(self.now_s, at_s)
        self._next = next(self._messages, None)
        return message

    def until_it_is_out_of_line(self) -> tuple[int, str]:
        """How many messages were taken, and what was said then."""
        taken = 0
        with pytest.raises(ProtocolViolation) as out:
            while True:
                taken += not isinstance(self.receiver.next(), Quiet)
        return taken, str(out.value)


def test_a_call_is_taken_message_by_message() -> None:
    peer = Peer([(0, HELLO), (0.1, START), (0.2, FRAME), (0.3, b"x")])
    kinds = [type(peer.receiver.next()) for _ in range(4)]
    assert kinds == [Connected, Start, Media, Ignored]


def test_a_socket_that_does_not_start() -> None:
    """However much else it says."""
    silent = Peer([])
    assert silent.until_it_is_out_of_line() == (0, "WS_STALLED no start for 5 s")
    assert silent.now_s == START_TIMEOUT_S
    chatter = Peer([(n / 10, FRAME if n % 2 else HELLO) for n in range(1000)])
    assert chatter.until_it_is_out_of_line() == (50, "WS_STALLED no start for 5 s")


def test_a_call_without_audio() -> None:
    """Garbage and a second start are no signs of life, nor is what went before."""
    noise = [HELLO, START, "{}", "x"]
    peer = Peer([(1, START), (2, FRAME), *((2 + n / 4, noise[n % 4]) for n in range(1, 100))])
    _, said = peer.until_it_is_out_of_line()
    assert said == "WS_STALLED no audio for 9 s"
    assert peer.now_s == pytest.approx(2 + AUDIO_TIMEOUT_S, abs=POLL_S)


@pytest.mark.parametrize("sign", [MARK, KEY])
def test_a8_a_line_that_returns_marks_or_sends_keys_is_alive(sign: str) -> None:
    """A8: one that sends nothing in silence has no other sign, while its caller listens."""
    peer = Peer([(0, START), (0.02, FRAME), *((8.5 * n, sign) for n in range(1, 10))])
    assert peer.until_it_is_out_of_line()[1] == "WS_STALLED no audio for 9 s"
    assert peer.now_s == pytest.approx(8.5 * 9 + AUDIO_TIMEOUT_S, abs=POLL_S)


def test_a8_a_line_that_owes_a_mark_is_waited_for() -> None:
    """A8: its caller hears a reply of a quarter of a minute; two seconds later the mark is lost."""
    peer = Peer([(0, START), (0.02, FRAME)])
    peer.played_at_s = 15.0
    assert peer.until_it_is_out_of_line() == (2, "WS_STALLED no audio for 9 s")
    assert peer.now_s == pytest.approx(15 + OWED_S, abs=POLL_S)


def silence(peer: Peer, until_s: float) -> list[tuple[float, int]]:
    """When so many frames of silence were given, until then."""
    fed: list[tuple[float, int]] = []
    while peer.now_s < until_s:
        if isinstance(item := peer.receiver.next(), Quiet):
            fed.append((round(peer.now_s, 3), item.frames))
    return fed


def test_a8_a_line_that_sends_nothing_is_silent_at_real_pace() -> None:
    """A8: after 200 ms, and those are silence too; from the start on, whether a frame ever came or not."""
    fed = silence(Peer([(1, START)]), 4)
    assert fed[0] == (1.2, 10) and fed[1] == (1.22, 1)
    for at_s, frames in zip((at for at, _ in fed), accumulate(frames for _, frames in fed), strict=True):
        assert abs((at_s - 1) * 50 - frames) < 1


def test_a8_until_frames_come_again() -> None:
    """A8: and again when they stop again; a pause shorter than that is the network's."""
    spoken = [n / 50 for n in range(1, 26)]
    frames = [*spoken, *(2 + at for at in spoken), *(2.69 + at for at in spoken)]
    fed = silence(Peer([(0, START), *((at, FRAME) for at in frames)]), 4)
    assert sum(n for at, n in fed if at < 2) == pytest.approx(75, abs=1)
    assert not [at for at, _ in fed if 2.01 < at < 3.3]
    assert [at for at, _ in fed if at > 3.3]


def test_a8_marks_and_keys_are_no_frames() -> None:
    others = [(1 + n / 10, (MARK, KEY)[n % 2]) for n in range(40)]
    fed = silence(Peer([(0, START), (0.02, FRAME), *others]), 4)
    assert sum(frames for _, frames in fed) == pytest.approx(199, abs=2)


def test_a8_a_peer_that_sends_long_pieces_sends_nothing_between_them() -> None:
    piece = json.dumps({"event": "media", "media": {"payload": "/" * 216 * 25}})  # half a second
    fed = silence(Peer([(0, START), *((n / 2, piece) for n in range(10))]), 6)
    assert fed[0] == (pytest.approx(4.5 + 0.5 + QUIET_S, abs=POLL_S), 36)


def test_a8_a_starved_process_is_no_quiet_line() -> None:
    """A8, A9: nothing reaches us, but it waits in the socket: neither silence nor a dead line."""
    peer = Peer([(0, START), (0.02, FRAME), (30, FRAME)])
    peer.unread = True
    assert [type(peer.receiver.next()) for _ in range(3)] == [Start, Media, Media]
    assert peer.line.lag_s == 0  # nobody has told it of a frame


def test_a8_one_late_look_is_no_quiet_line() -> None:
    """A8: a process that was stopped for a second looks again before it believes in silence."""
    quiet = QuietLine(now=0.0)
    assert [quiet.nothing_came(1.0 + n / 50) for n in range(5)] == [0, 0, 0, 0, 50]
    assert quiet.nothing_came(1.10) == 5


def test_a8_after_a_long_stop_silence_is_caught_up_bit_by_bit() -> None:
    quiet = QuietLine(now=0.0)
    given = [quiet.nothing_came(10.0 + n / 50) for n in range(20)]
    assert max(given) == MOST_FRAMES_AT_ONCE and sum(given) == int(10.38 * 50)


@given(
    st.lists(st.tuples(st.floats(0.001, 3), st.booleans(), st.integers(20, 500)), max_size=30),
    st.integers(1, 40),
)
def test_a8_silence_is_never_more_than_the_time_it_fills(
    steps: list[tuple[float, bool, int]], polls: int
) -> None:
    """A8: whatever comes and however late we look, and none before 200 ms."""
    quiet, since, given, now = QuietLine(0.0), 0.0, 0, 0.0
    for wait_s, audio, length_ms in steps:
        if audio:
            now += wait_s
            quiet.heard(now, length_ms / 1000)
            since, given = now, 0
        for _ in range(polls):
            now += wait_s / polls
            given += quiet.nothing_came(now)
            assert given <= (now - since) * 50 + 1e-3
            assert not given or now - since >= QUIET_S - 1e-3


def test_a_call_goes_on_as_long_as_there_is_audio() -> None:
    peer = Peer([(0, START), *((n * 8.9, FRAME) for n in range(1, 100))])
    assert peer.until_it_is_out_of_line()[0] == 100


def test_a_peer_that_dribbles_is_no_call_for_ever() -> None:
    """A frame every nine seconds, nearly: calls are limited by what was heard, this one by the clock."""
    peer = Peer([(0, START), *((n * 8.9, FRAME) for n in range(1, 10_000))])
    assert peer.until_it_is_out_of_line()[1] == "WS_STALLED not over after 3600 s"
    assert LONGEST_S <= peer.now_s < LONGEST_S + AUDIO_TIMEOUT_S


def test_a_flood() -> None:
    peer = Peer([(1, START), *((1, FRAME) for _ in range(5000))])
    taken, said = peer.until_it_is_out_of_line()
    assert (taken, said) == (MESSAGES_AT_ONCE, "WS_FLOOD more than 100 messages a second")


def test_a_slow_flood_ends_within_ten_seconds() -> None:
    peer = Peer([(0, START), *((n / (2.2 * MESSAGES_PER_S), FRAME) for n in range(9000))])
    assert peer.until_it_is_out_of_line()[1].startswith("WS_FLOOD")
    assert peer.now_s < 10


def test_what_a_network_has_kept_is_no_flood() -> None:
    """Nine seconds of frames at once, and again, in a call of a minute."""
    late = [(float(n - n % 450) / 50, FRAME) for n in range(3000)]
    peer = Peer([(0, START), *late])
    assert peer.until_it_is_out_of_line() == (3001, "WS_STALLED no audio for 9 s")


def test_what_has_come_and_was_not_read() -> None:
    """A9: the bytes that wait in the kernel; a socket that is gone, or none at all, has none."""
    ours, theirs = socket.socketpair()
    ws = SimpleNamespace(sock=ours)
    assert not has_unread(ws)
    theirs.send(b"x")
    assert has_unread(ws)
    ours.recv(1)
    assert not has_unread(ws)
    ours.close(), theirs.close()
    assert not has_unread(ws) and not has_unread(SimpleNamespace())  # type: ignore[arg-type]
