"""What follows on an attempt."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.delivery.schedule import LEAST_S, LONGEST_S, Failed, History, Refused, pause_s, rest_s

KEEP = timedelta(hours=48)
YOUNG = timedelta(minutes=1)


def highest(low: float, high: float) -> float:
    return high


def lowest(low: float, high: float) -> float:
    return low


def test_pauses_double_from_ten_seconds_to_an_hour() -> None:
    pauses = [pause_s(Failed("x"), History(n, 0, YOUNG), KEEP, highest) for n in range(1, 12)]
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]


@given(attempts=st.integers(1, 10_000), share=st.floats(0, 1), after=st.none() | st.floats(0, 1e9))
def test_a_pause_is_never_nothing_and_never_longer_than_an_hour(
    attempts: int, share: float, after: float | None
) -> None:
    pause = pause_s(
        Failed("x", after), History(attempts, 0, YOUNG), KEEP, lambda low, high: low + share * (high - low)
    )
    assert pause is not None and LEAST_S <= pause <= LONGEST_S
    assert pause >= min(after or 0, LONGEST_S)


def test_what_is_refused_has_three_tries_within_an_hour() -> None:
    tries = [pause_s(Refused("400"), History(n, n, YOUNG), KEEP, highest) for n in (1, 2, 3)]
    assert tries == [600, 1800, None]


@pytest.mark.parametrize("answer", [Failed("x"), Failed("x", 60.0), Refused("400")])
def test_what_is_too_old_is_parked(answer: Failed | Refused) -> None:
    assert pause_s(answer, History(2, 1, KEEP), KEEP, highest) is None
    assert pause_s(answer, History(2, 1, KEEP - YOUNG), KEEP, highest) is not None


def test_a_channel_that_fails_rests_longer_each_time() -> None:
    assert [rest_s(n, highest) for n in (0, 1, 2, 5, 6, 99)] == [0, 10, 20, 160, 300, 300]
    assert [rest_s(n, lowest) for n in (0, 1, 99)] == [0, 5, 150]
