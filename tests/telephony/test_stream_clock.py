"""A9: how far what was heard lies behind the clock of the wall."""

import random

import pytest

from server.telephony.stream_clock import CAUGHT_UP_S, LATE_S, LineClock


class Wall:
    """The clock, and a line on which ``hear`` tells of frames heard at given times."""

    def __init__(self) -> None:
        self.now = 100.0
        self.line = LineClock(lambda: self.now)
        self.news: list[str] = []

    def hear(self, *times: float, sent: bool = True) -> None:
        for self.now in times:
            self.news += filter(None, [self.line.heard(sent=sent)])


def paced(start_s: float, frames: int, frame_s: float = 0.02) -> list[float]:
    return [start_s + n * frame_s for n in range(frames)]


def test_a_line_that_is_heard_as_it_comes_has_no_lag() -> None:
    """With 15 ms of jitter, and a clock that is 50 millionths off, for a quarter of an hour."""
    wall, dice = Wall(), random.Random(1)
    assert wall.line.lag_s == wall.line.since_s(10) == 0
    for at in paced(100, 45_000, 0.02 * 1.00005):
        wall.hear(at + dice.uniform(0, 0.015))
        assert wall.line.lag_s < 0.07
    assert wall.news == []


def test_frames_that_are_heard_late_are_a_lag() -> None:
    """A process that takes 25 ms for a frame of 20, and then catches up."""
    wall = Wall()
    wall.hear(*paced(100, 100, 0.025))
    assert wall.line.lag_s == pytest.approx(99 * 0.005)
    wall.hear(*paced(wall.now, 60, 0.010))
    assert wall.line.lag_s == pytest.approx(0)
    late, in_time = wall.news
    assert late == "LINE_LATE lag_ms=205"
    assert in_time.startswith("LINE_IN_TIME after_ms=") and in_time.endswith("worst_lag_ms=495")


def test_a_process_that_stands_still_lags_while_it_does() -> None:
    """Whoever asks sees it, before the call does."""
    wall = Wall()
    wall.hear(*paced(100, 50))
    wall.now += 3.0
    assert wall.line.lag_s == pytest.approx(3.0)


def test_a_slow_sender_is_no_lag() -> None:
    """A client that sleeps 20 ms between two frames sends one in 21: nothing waits, nothing is late."""
    wall = Wall()
    for at in paced(100, 45_000, 0.021):
        wall.now = at - 0.010
        if wall.line.lag_s >= 0.04:
            wall.line.caught_up()
        wall.hear(at)
        assert wall.line.lag_s < LATE_S
    assert wall.news == []


def test_a_network_that_delivers_what_it_has_kept_is_no_lag() -> None:
    """A second of nothing, heard as silence; then it comes after all, at once."""
    wall = Wall()
    wall.hear(*paced(100, 50))
    wall.now += 1.0
    wall.line.caught_up()
    wall.hear(*[wall.now] * 50, sent=False)
    assert wall.line.lag_s == 0
    wall.hear(*[wall.now] * 50)
    assert wall.line.lag_s == 0
    wall.hear(*paced(wall.now + 0.02, 50))
    assert wall.line.lag_s == pytest.approx(0) and wall.news == []


def test_a_gap_by_the_wall_counts_what_waits() -> None:
    """Frames that are 1.5 s late: what ended 30 frames ago ended 0.6 s and 1.5 s ago."""
    wall = Wall()
    wall.hear(*paced(100, 100))
    assert wall.line.since_s(30) == pytest.approx(0.6)
    wall.hear(*paced(wall.now + 1.5, 100))
    assert wall.line.since_s(30) == pytest.approx(0.6 + 1.48)
    assert wall.line.since_s(150) == pytest.approx(3.0 + 1.48)


def test_a_gap_by_the_wall_is_not_longer_for_what_the_network_kept() -> None:
    """A second of silence, and then a second of what had been said: by the frames that is two."""
    wall = Wall()
    wall.hear(*paced(100, 50))
    wall.now += 1.0
    wall.line.caught_up()
    wall.hear(*[wall.now] * 50, sent=False)
    wall.hear(*[wall.now] * 50)
    assert wall.line.since_s(100) == pytest.approx(1.0)
    assert wall.line.since_s(25) == pytest.approx(0.5), "spoken then, though it came now"


def test_a_call_whose_first_frames_were_late_knows_it_later() -> None:
    """They waited for half a second, and so did those behind them, until it had caught up."""
    wall = Wall()
    wall.hear(*[100.5 + n * 0.02 for n in range(50)])
    assert wall.line.since_s(49) == pytest.approx(0.98)
    wall.hear(*[wall.now + n * 0.001 for n in range(25)])
    assert wall.line.since_s(74) == pytest.approx(1.48)


def test_a_gap_older_than_what_is_remembered() -> None:
    wall = Wall()
    wall.hear(*paced(100, 10_000))
    assert wall.line.since_s(9_000) == pytest.approx(180.0)
    wall = Wall()
    wall.hear(100)
    assert wall.line.since_s(50) == pytest.approx(1.0)


def test_a_call_at_the_limit_does_not_say_so_again_and_again() -> None:
    wall = Wall()
    wall.hear(*paced(100, 50))
    for n in range(500):
        wall.hear(wall.now + 0.02 + (0.25 if n == 0 else 0.02 * (-1) ** n))
    assert len(wall.news) == 1
    assert CAUGHT_UP_S < LATE_S / 2
