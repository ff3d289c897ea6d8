"""The caller's audio as frames, and a peer whose stamps run ahead of the clock."""

from types import SimpleNamespace

import pytest

from server.telephony.caller_audio import FILL_MS_AT_ONCE, FILL_MS_PER_S, InboundFrames
from server.telephony.twilio_messages import Media

VOICE = b"\x20" * 160
FRAMES_PER_S = 50


class Peer:
    """Sends a message every 20 ms of the clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.rx = InboundFrames(lambda: SimpleNamespace(feed=lambda *_: None), lambda: self.now_s)  # type: ignore[arg-type,return-value]

    def send(self, stamp_ms: int | None, after_s: float = 0.02) -> int:
        """The frames that are heard."""
        self.now_s += after_s
        return len(list(self.rx.feed(Media(VOICE, stamp_ms))))


def test_stamps_that_run_ahead_make_no_time() -> None:
    """A8: 1,000 s ahead with each message; the call's time is three times the clock's, not a hundred."""
    peer = Peer()
    heard = sum(peer.send(n * 1_000_000) for n in range(60 * FRAMES_PER_S))
    filled_ms = peer.rx.oddities["filled"] * 20
    assert filled_ms <= FILL_MS_AT_ONCE + FILL_MS_PER_S * 60
    assert heard == 60 * FRAMES_PER_S + peer.rx.oddities["filled"]


@pytest.mark.parametrize("gap_ms", [60, 500, 2000])
def test_holes_that_the_clock_has_seen_are_filled_to_the_last_frame(gap_ms: int) -> None:
    """Time: half of a line's audio is lost, for ten minutes."""
    peer, stamp_ms = Peer(), 0
    peer.send(stamp_ms)
    for _ in range(600_000 // (2 * gap_ms)):
        for _ in range(gap_ms // 20):
            stamp_ms += 20
            assert peer.send(stamp_ms) == 1
        stamp_ms += gap_ms + 20
        assert peer.send(stamp_ms, after_s=gap_ms / 1000 + 0.02) == gap_ms // 20 + 1


def test_a_network_that_was_away_brings_many_holes_at_once() -> None:
    """Time: nine seconds of which every other half second is lost, in one moment."""
    peer = Peer()
    peer.send(0)
    peer.now_s += 9
    heard = sum(peer.send(20 + n * 1000 + m * 20, after_s=0) for n in range(9) for m in range(25))
    assert heard == 9 * 25 + 8 * 25
