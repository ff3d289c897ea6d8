"""Part 4: what a media socket may say, and how long it may say nothing."""

import json
from collections.abc import Iterator

import pytest

from server.core.twilio_messages import Connected, Ignored, Media, Start
from server.inbox import (
    AUDIO_TIMEOUT_S,
    MESSAGES_AT_ONCE,
    MESSAGES_PER_S,
    START_TIMEOUT_S,
    Inbox,
    OutOfLine,
)
from server.meter import Meter

LONGEST_S = 3600.0
HELLO = json.dumps({"event": "connected"})
START = json.dumps({"event": "start", "start": {"streamSid": "MZ1", "callSid": "CA1"}})
FRAME = json.dumps({"event": "media", "media": {"payload": "/" * 216, "timestamp": "20"}})


class Peer:
    """Says each message at its second."""

    def __init__(self, messages: list[tuple[float, str | bytes]]) -> None:
        self.now_s = 0.0
        self._messages: Iterator[tuple[float, str | bytes]] = iter(messages)
        self._next = next(self._messages, None)
        self.inbox = Inbox(self.receive, lambda: self.now_s, LONGEST_S)

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
        with pytest.raises(OutOfLine) as out:
            while True:
                self.inbox.next()
                taken += 1
        return taken, str(out.value)


def test_a_call_is_taken_message_by_message() -> None:
    peer = Peer([(0, HELLO), (0.1, START), (0.2, FRAME), (0.3, b"x")])
    kinds = [type(peer.inbox.next()) for _ in range(4)]
    assert kinds == [Connected, Start, Media, Ignored]


def test_a_socket_that_does_not_start() -> None:
    """However much else it says."""
    silent = Peer([])
    assert silent.until_it_is_out_of_line() == (0, "WS_STALLED no start for 5 s")
    assert silent.now_s == START_TIMEOUT_S
    chatter = Peer([(n / 10, FRAME if n % 2 else HELLO) for n in range(1000)])
    assert chatter.until_it_is_out_of_line() == (50, "WS_STALLED no start for 5 s")


def test_a_call_without_audio() -> None:
    """Keys, marks, garbage and a second start are not audio."""
    noise = [HELLO, START, "{}", json.dumps({"event": "dtmf", "dtmf": {"digit": "1"}})]
    peer = Peer([(1, START), (2, FRAME), *((2 + n / 4, noise[n % 4]) for n in range(1, 100))])
    _, said = peer.until_it_is_out_of_line()
    assert said == "WS_STALLED no audio for 9 s"
    assert peer.now_s == 2 + AUDIO_TIMEOUT_S


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


def test_a_meter_fills_again_up_to_its_burst() -> None:
    meter = Meter(10, 20, now=0)
    assert meter.take(20, 0) and not meter.take(1, 0)
    assert meter.take(10, 1) and not meter.take(1, 1)
    assert meter.take(20, 1000) and not meter.take(1, 1000)
